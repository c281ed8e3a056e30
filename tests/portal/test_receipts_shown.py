"""Each answer gives a receipt: a page to print and a file that verifies without us."""

from __future__ import annotations

import json
import re

from portal_visitor import Visitor
from starlette.testclient import TestClient

from placet.bootstrap import Application
from placet.consents.receipt_check import Genuine, NotGenuine, read_keys, verify
from placet.consents.store import records
from placet.interfaces.log.routes import routes as log_routes
from placet.kernel import clock
from placet.subjects.model import Subject


def test_the_downloaded_receipt_verifies_with_the_published_keys_alone(guest: Visitor, demo: Application) -> None:
    guest.answer("offers", "given", email="yes")
    guest.go("/")
    guest.answer("offers", "withdrawn")
    demo.keeper.run_once(clock.now())
    (file,) = re.findall(r'href="(/receipts/[0-9a-f-]{36}/file)"', guest.text)
    answer = guest.go(file)
    assert answer.headers["content-disposition"].startswith('attachment; filename="receipt-')
    verdict = verify(answer.content, read_keys(keys_of(demo)))
    assert isinstance(verdict, Genuine)
    assert verdict.record.decision == "withdrawn"
    forged = json.loads(answer.content)
    forged["payload"] = forged["payload"][:-4] + "AAAA"
    assert isinstance(verify(json.dumps(forged).encode(), read_keys(keys_of(demo))), NotGenuine)


def test_the_printable_page_names_controller_text_and_proof(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.answer("offers", "given")
    with demo.database.transaction() as connection:
        (record,) = records(connection, anna.id)
    guest.go(f"/receipts/{record.id}")
    assert "takes it up within a second" in guest.words
    demo.keeper.run_once(clock.now())
    guest.go(f"/receipts/{record.id}")
    assert f"Entry {record.position} of {record.position} in the public log" in guest.words
    assert record.notice is not None
    for told in (
        "SIA “ZetCOM”",
        "LV40003582107",
        str(record.id),
        str(record.notice.sha256),
        "News and offers from Amigo",
    ):
        assert told in guest.words


def keys_of(demo: Application) -> str:
    with TestClient(log_routes(demo)) as client:
        return client.get("/log/keys").text
