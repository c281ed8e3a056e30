"""A new major version of a text: earlier consents lapse, and their receipts still say what was agreed to then."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import yaml
from journeys_support import newcomer, say

from placet.bootstrap import Application, publish_catalogue
from placet.catalogue.files import load
from placet.consents import receipts
from placet.consents.model import Recorded
from placet.gate.actions import Allowed, Denied
from placet.kernel import clock
from placet.kernel.ids import PurposeId

USAGE = PurposeId("usage")


def widened(folder: Path) -> Path:
    """Amigo's catalogue with one category of data more for usage, in a new major version."""
    with as_file(files("placet.catalogues") / "amigo") as shipped:
        shutil.copytree(shipped, folder / "amigo")
    head, purpose = folder / "amigo" / "catalogue.yaml", folder / "amigo" / "purposes" / "usage.yaml"
    catalogue, usage = yaml.safe_load(head.read_text()), yaml.safe_load(purpose.read_text())
    more = next(name for name in catalogue["data"] if name not in usage["data"])
    usage["data"].append(more)
    usage["version"], catalogue["version"] = "2.0", "2.0"
    head.write_text(yaml.safe_dump(catalogue, allow_unicode=True))
    purpose.write_text(yaml.safe_dump(usage, allow_unicode=True))
    return folder / "amigo"


def test_a_major_version_ends_earlier_consents_and_keeps_their_receipts(placet: Application, tmp_path: Path) -> None:
    now = clock.now()
    anna = newcomer(placet, now)
    given = say(placet, anna, "usage", "given", now)
    assert isinstance(given, Recorded)
    with placet.database.transaction() as connection:
        assert isinstance(placet.gate.check(connection, anna.id, USAGE, now=clock.now()), Allowed)
        publish_catalogue(connection, load(widened(tmp_path)), now=clock.now())
    with placet.database.transaction() as connection:
        after = placet.gate.check(connection, anna.id, USAGE, now=clock.now())
        receipt = receipts.make(
            connection,
            given.record,
            catalogue_at=placet.in_force.at,
            keys=placet.keys,
            subject_key=placet.vault.unwrap,
            config=placet.config,
        )
        in_force = placet.catalogue(connection)
        then = placet.in_force.at(connection, given.position)
    assert isinstance(after, Denied)
    assert after.reason == "invalidated"
    assert (str(in_force.purposes[USAGE].version), str(then.purposes[USAGE].version)) == ("2.0", "1.0")
    assert receipt.record.notice is not None
    assert receipt.record.notice.version == "1.0"
    assert isinstance(say(placet, anna, "usage", "given", clock.now()), Recorded)
    with placet.database.transaction() as connection:
        assert isinstance(placet.gate.check(connection, anna.id, USAGE, now=clock.now()), Allowed)
