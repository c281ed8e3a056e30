"""People who have decided, and a member of staff in front of the console."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import timedelta

import attrs
from httpx import Response
from starlette.testclient import TestClient

from placet.access.staff import Member
from placet.bootstrap import Application
from placet.catalogue import archive
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions, counts
from placet.consents.model import Actor, Recorded, Wish
from placet.kernel import clock
from placet.kernel.ids import ChannelId, PurposeId
from placet.subjects.model import Alias, Subject

ORIGIN = {"origin": "http://127.0.0.1:8000"}
NAME = "Anna Bērziņa"


def crowd(application: Application, *, people: int = 30) -> list[Subject]:
    """
    *people* of whom two in three said yes to offers by e-mail and one in three no, and every tenth took the yes back.

    The first is called Anna, so that pages which must not name a person have somebody to name.
    """
    now = clock.now()
    with application.database.transaction() as connection:
        found = [
            application.subjects.add(
                connection,
                aliases=[Alias.email(f"person{each}@example.lv")],
                name=NAME if each == 0 else None,
                language="lv",
                now=now,
            )
            for each in range(people)
        ]
        shown = render(application.catalogue(connection), purpose="offers", language="lv", route="phone")
        catalogue_store.remember_shown(connection, shown, now)
    wishes = []
    for each, person in enumerate(found):
        at, decision = now - timedelta(days=20, hours=each), "refused" if each % 3 == 2 else "given"
        base = Wish(person.id, PurposeId("offers"), decision, "phone", Actor("agent", "a"), language="lv")
        said = attrs.evolve(base, occurred_at=at, shown=shown.sha256 if decision == "given" else None)
        wishes += [said, attrs.evolve(said, channel=ChannelId("email"))]
        if each % 10 == 0:
            wishes.append(attrs.evolve(base, decision="withdrawn", occurred_at=at + timedelta(days=3)))
    with application.database.transaction() as connection:
        outcomes = actions.record(connection, wishes, rulebook=application.rulebook, now=now)
        assert all(isinstance(outcome, Recorded) for outcome in outcomes)
        counts.advance(connection, zone=application.config.time_zone)
    return found


def changed_catalogue(
    application: Application, *, version: str = "1.1", words: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """The files of the catalogue in force with another version, and *words* replaced in the notice of offers."""
    with application.database.transaction() as connection:
        files = archive.unpack(archive.pack(application.catalogue(connection)))
    head = files["catalogue.yaml"].decode().replace("version: '1.0'", f"version: '{version}'")
    offers = files["purposes/offers.yaml"].decode()
    for old, new in (words or {}).items():
        assert old in offers
        offers = offers.replace(old, new)
    return {**files, "catalogue.yaml": head.encode(), "purposes/offers.yaml": offers.encode()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return packed.getvalue()


@attrs.define
class AtConsole:
    """A member with a browser without pictures."""

    client: TestClient
    member: Member
    page: Response = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.go("/console")

    def go(self, address: str) -> Response:
        self.page = self.client.get(address)
        return self.page

    def post(self, address: str, **fields: str) -> Response:
        self.page = self.client.post(address, data={"form_token": self.token, **fields}, headers=ORIGIN)
        return self.page

    def propose(self, files: Mapping[str, bytes], why: str = "Shorter words") -> Response:
        """Upload *files* as the form does."""
        self.go("/console/catalogue/propose")
        sent = [("files", (name, data, "application/octet-stream")) for name, data in files.items()]
        data = {"form_token": self.token, "why": why}
        self.page = self.client.post("/console/catalogue/propose", data=data, files=sent, headers=ORIGIN)
        return self.page

    @property
    def token(self) -> str:
        return re.findall(r'name="form_token" value="([0-9a-f]+)"', self.page.text)[0]

    @property
    def words(self) -> str:
        """The page without its tags, as one line."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.page.text.partition("<body>")[2]).split())
