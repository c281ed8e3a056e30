"""A reviewer prints letters, hands them over, and pulls out who said no; an address is put right at the desk."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from pypdf import PdfReader

from desk.desk_people import ORIGIN, AtDesk
from placet.access.staff import Member
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.delivery.model import POST, Kind, Message
from placet.delivery.notes import Note, Source, publish
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.subjects.model import Subject

WORDS = publish({each: Source("Tālrunis lētāk", "Labdien!") for each in ("lv", "ru", "en")}, declared=set())


class Spring:
    def note(self, channel: ChannelId, template: str, language: str) -> Note | None:
        return WORDS[language] if channel == POST else None


def plan(demo: Application, person: Subject) -> None:
    """A letter to somebody who has said yes to letters."""
    demo.offers.worded["spring"] = Spring()  # type: ignore[assignment]
    now = clock.now()
    with demo.database.transaction() as connection:
        shown = render(demo.catalogue(connection), purpose="offers", language="lv", route="portal")
        catalogue_store.remember_shown(connection, shown, now)
        yes = Wish(
            person.id, PurposeId("offers"), "given", "portal", Actor("subject"), language="lv", shown=shown.sha256
        )  # fmt: skip
        consents.record(connection, [yes, attrs.evolve(yes, channel=POST)], rulebook=demo.rulebook, now=now)
        letter = Message(
            subject=person.id, key="spring", kind=Kind.OFFER, activity=ActivityId("offers.post-campaign"), channel=POST,
            template="spring", language="lv", not_before=now, not_after=now + timedelta(days=3),
        )  # fmt: skip
        demo.delivery.plan(connection, [letter], now=now)


@pytest.fixture
def at_home(demo: Application, sit: Callable[..., AtDesk], ilze: Member, anna: Subject) -> None:
    """Anna's address, told at the desk."""
    desk = sit(ilze)
    desk.open(anna)
    page = f"/desk/records/{anna.id}/correct"
    desk.go(page)
    desk.post(page, what="address", street="Brīvības iela 1", place="Rīga", postcode="x", country="LV")
    assert "This is not an address that a letter finds." in desk.words
    assert 'value="Brīvības iela 1"' in desk.text
    desk.post(page, what="address", street="Brīvības iela 1", place="Rīga", postcode="1010", country="LV")
    assert "Put right everywhere." in desk.words
    assert "Postal address" in desk.words
    assert 'value="LV-1010"' in desk.text


def test_letters_are_printed_handed_over_and_pulled_out(
    demo: Application, sit: Callable[..., AtDesk], ilze: Member, peteris: Member, anna: Subject, at_home: None
) -> None:
    plan(demo, anna)
    assert sit(ilze).go("/desk/post").status_code == 403
    desk = sit(peteris)
    desk.go("/desk/post")
    assert "Letters to print: 1" in desk.words
    token = re.findall(r'name="form_token" value="([0-9a-f]+)"', desk.text)[0]
    made = desk.client.post("/desk/post", data={"form_token": token}, headers=ORIGIN)
    assert made.headers["content-type"] == "application/pdf"
    text = PdfReader(io.BytesIO(made.content)).pages[0].extract_text()
    for word in ("Anna Bērziņa", "Brīvības iela 1", "Rīga, LV-1010", "Labdien!"):
        assert word in text
    desk.go("/desk/post")
    assert "In the house" in desk.words
    (mailing,) = re.findall(r'action="(/desk/post/[0-9a-f-]+)"', desk.text)
    with demo.database.transaction() as connection:
        no = Wish(anna.id, PurposeId("offers"), "withdrawn", "portal", Actor("subject"), channel=POST)
        consents.record(connection, [no], rulebook=demo.rulebook, now=clock.now())
    assert desk.post(mailing, step="burn").status_code == 400
    desk.go("/desk/post")
    desk.send(mailing, step="hand-over")
    assert "Letters sent: 0 Pull these out, they may not be sent: 1" in desk.words
    assert "Handed over" in desk.words


def test_nothing_to_print_makes_no_file_and_what_is_thrown_away_is_due_again(
    demo: Application, sit: Callable[..., AtDesk], peteris: Member, anna: Subject, at_home: None
) -> None:
    desk = sit(peteris)
    desk.go("/desk/post")
    desk.post("/desk/post")
    assert "There was nothing to print" in desk.words
    plan(demo, anna)
    desk.go("/desk/post")
    token = re.findall(r'name="form_token" value="([0-9a-f]+)"', desk.text)[0]
    desk.client.post("/desk/post", data={"form_token": token}, headers=ORIGIN)
    desk.go("/desk/post")
    assert "Letters to print: 0" in desk.words
    (mailing,) = re.findall(r'action="(/desk/post/[0-9a-f-]+)"', desk.text)
    desk.send(mailing, step="discard")
    assert "Letters to print: 1" in desk.words
    assert "Thrown away" in desk.words
