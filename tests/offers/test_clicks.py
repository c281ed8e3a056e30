"""Counted links on a real database: in real mail only while the person allows it, pressed over HTTP, and forgotten."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from uuid import uuid4

import attrs
import pytest
from psycopg import Connection
from starlette.testclient import TestClient

from delivery.delivery_house import House
from offers.campaign_house import APP, EMAIL, Agency, brief
from placet.bootstrap import Application, merge
from placet.delivery.composing import compose_all
from placet.delivery.mail import Mail, house
from placet.delivery.model import MessageId, Outgoing
from placet.delivery.tokens import tokens
from placet.duties import Person, Withdrawn
from placet.interfaces.portal.app import portal
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId, Position, PurposeId
from placet.purposes.offers.clicks import questions
from placet.purposes.offers.clicks.actions import Clicks
from placet.purposes.offers.clicks.links import Link
from placet.subjects.model import Subject

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PLAIN = "https://amigo.lv/celojumi"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SHOWN = questions.question("lv").sha256


@attrs.define
class Office:
    """A campaign by e-mail with a button to the operator's web, and a browser whose clock can be set."""

    placet: Application
    agency: Agency
    now: datetime
    client: TestClient

    @property
    def clicks(self) -> Clicks:
        return self.placet.offers.clicks

    def customer(self, *, allows: bool = True, language: str = "lv") -> Subject:
        person = self.agency.customer(EMAIL, language=language)
        if allows:
            self.allow(person)
        return person

    def allow(self, person: Subject) -> None:
        with self.placet.database.transaction() as connection:
            assert self.clicks.allow(connection, person.id, shown=SHOWN, now=self.now - DAY)

    def decline(self, person: Subject) -> None:
        with self.placet.database.transaction() as connection:
            assert self.clicks.decline(connection, person.id, shown=SHOWN, now=self.now)

    def start(self) -> dict[str, Outgoing]:
        """Every message of one campaign, by the person's id."""
        self.agency.running(brief(self.agency.now))
        return {str(one.subject): one for one in self.agency.house.claim().started}

    def mail(self, message: Outgoing) -> tuple[str, str, str]:
        """The text, the HTML and the way to stop of a message, as its mail has them."""
        letter = self.placet.offers.letter(message.template, message.language)
        assert letter is not None
        ours = house(
            "Amigo", "jaunumi@amigo.lv", returns="r.amigo.lv", url=self.placet.config.url,
            tokens=tokens(self.placet.master), signer=None,
        )  # fmt: skip
        (made,) = compose_all(ours, [(letter, message)], at=self.now)
        assert isinstance(made, Mail)
        found = message_from_bytes(made.content, policy=policy.default)
        text, page = found.get_body(("plain",)), found.get_body(("html",))
        assert text is not None
        assert page is not None
        return text.get_content().replace("\r\n", "\n"), page.get_content(), found["List-Unsubscribe"]

    def link(self, message: Outgoing) -> str:
        (found,) = set(re.findall(r"https?://\S+/l/[a-z2-7]{40}", self.mail(message)[0]))
        return found.removeprefix(self.placet.config.url)

    def open(self, path: str, after: timedelta, *, method: str = "GET", **headers: str) -> tuple[int, str]:
        self.now = self.agency.now + after
        answer = self.client.request(method, path, headers={"user-agent": BROWSER, **headers}, follow_redirects=False)
        assert "set-cookie" not in answer.headers
        assert answer.status_code != 303 or answer.headers["referrer-policy"] == "no-referrer"
        return answer.status_code, answer.headers.get("location", "")

    def pressed(self, person: Subject) -> list[datetime]:
        with self.placet.database.transaction() as connection:
            return [one.pressed_at for one in self.clicks.pressed(connection, person.id, limit=10)]

    def held(self, person: Subject) -> dict[str, int]:
        with self.placet.database.transaction() as connection:
            found = self.placet.offers.duties.export(connection, Person(person.id, person.number))
        return {one.name: len(one.rows) for one in found if one.name in {"offers.presses", "offers.answers"}}


@pytest.fixture
def office(placet: Application, now: datetime) -> Iterator[Office]:
    with contextlib.ExitStack() as stack:
        made = Office(placet, Agency(placet, now), now, None)  # type: ignore[arg-type]
        pages = portal(placet, now=lambda: made.now)
        made.client = stack.enter_context(TestClient(pages, base_url=placet.config.url))
        yield made


def test_links_are_plain_without_permission_and_counted_with_it_in_text_and_html_alike(office: Office) -> None:
    allows, silent = office.customer(), office.customer(allows=False)
    declined = office.customer(allows=False)
    office.decline(declined)
    started = office.start()
    for person in (silent, declined):
        text, page, _ = office.mail(started[str(person.id)])
        assert f"Apskatīt: {PLAIN}\n" in text
        assert f'href="{PLAIN}"' in page
        assert "/l/" not in text + page
    text, page, stop = office.mail(started[str(allows.id)])
    link = office.placet.config.url + office.link(started[str(allows.id)])
    assert (PLAIN in text, PLAIN in page, f'href="{link}"' in page) == (False, False, True)
    assert text.count("/l/") == 1
    assert "/l/" not in stop
    assert len(re.findall(r"/u/[a-z2-7]{48}", text)) == 3, "the ways to stop and to choose are never counted"
    assert (office.held(allows)["offers.presses"], office.held(silent)["offers.presses"]) == (1, 0)


def test_a_press_is_noted_once_and_leads_to_what_the_campaign_says(office: Office) -> None:
    person = office.customer()
    link = office.link(office.start()[str(person.id)])
    assert office.open(link, 5 * MINUTE) == (303, PLAIN)
    assert office.open(link, 9 * MINUTE) == (303, PLAIN)
    assert office.pressed(person) == [office.agency.now + 5 * MINUTE]


@pytest.mark.parametrize(
    ("after", "how"),
    [
        (5 * MINUTE, {"method": "HEAD"}),
        (timedelta(seconds=3), {}),
        (8 * DAY, {}),
        (5 * MINUTE, {"Sec-Purpose": "prefetch"}),
        (5 * MINUTE, {"user-agent": "Mozilla/5.0 (compatible; bingbot/2.0)"}),
    ],
    ids=["head", "too soon", "too late", "fetched ahead", "a program"],
)
def test_what_is_no_press_leads_on_and_is_not_noted(office: Office, after: timedelta, how: dict[str, str]) -> None:
    person = office.customer()
    link = office.link(office.start()[str(person.id)])
    assert office.open(link, after, **how) == (303, PLAIN)
    assert office.pressed(person) == []


def test_after_the_permission_is_taken_back_a_link_leads_on_and_nothing_is_kept(office: Office) -> None:
    person = office.customer()
    link = office.link(office.start()[str(person.id)])
    office.open(link, 5 * MINUTE)
    office.decline(person)
    assert office.held(person) == {"offers.presses": 0, "offers.answers": 2}
    assert office.open(link, 6 * MINUTE) == (303, PLAIN)
    assert office.pressed(person) == []
    with office.placet.database.transaction() as connection:
        answer = office.clicks.answer(connection, person.id)
        assert answer is not None
        assert (answer.decision, answer.allows) == ("withdrawn", False)
    office.allow(person)
    assert office.open(link, 7 * MINUTE) == (303, PLAIN)
    assert office.pressed(person) == [], "what was forgotten stays forgotten"


def test_without_consent_to_offers_by_e_mail_nothing_is_noted_and_the_permission_ends_with_it(office: Office) -> None:
    person = office.customer()
    link = office.link(office.start()[str(person.id)])
    House(office.placet, office.agency.now).say(person, "withdrawn", EMAIL)
    assert office.open(link, 5 * MINUTE) == (303, PLAIN)
    assert office.pressed(person) == []
    duties = office.placet.offers.duties
    with office.placet.database.transaction() as connection:
        for channel, left in ((ChannelId("sms"), 1), (EMAIL, 0)):
            withdrawn = Withdrawn(Person(person.id, person.number), PurposeId("offers"), channel, Position(1))
            duties.stop(connection, withdrawn, now=office.now)
            answer = office.clicks.answer(connection, person.id)
            assert answer is not None
            assert answer.allows is bool(left)
    assert office.held(person) == {"offers.presses": 0, "offers.answers": 2}


def test_tokens_of_nobody_lead_nowhere_and_never_where_somebody_says(office: Office) -> None:
    person = office.customer()
    link = office.link(office.start()[str(person.id)])
    made = Link.read(link.rpartition("/")[2])
    assert made is not None
    elsewhere = attrs.evolve(made, campaign=uuid4())
    no_place = attrs.evolve(made, place=9)
    for path in ("/l/x", "/l/" + "a" * 40, f"/l/{elsewhere.token()}", f"/l/{no_place.token()}"):
        assert office.open(path, 5 * MINUTE)[0] == 404
    assert office.open(f"{link}?to=https://example.org/", 5 * MINUTE) == (303, PLAIN)
    guessed = attrs.evolve(made, secret=bytes(8))
    assert office.open(f"/l/{guessed.token()}", 6 * MINUTE) == (303, PLAIN)
    assert len(office.pressed(person)) == 1


def test_two_links_of_a_letter_opened_at_once_are_a_program(office: Office) -> None:
    person = office.customer()
    written = brief(office.agency.now)
    more = {
        language: attrs.evolve(
            said, email=said.email and attrs.evolve(said.email, paragraphs=("Skat. https://www.amigo.lv/b.",))
        )
        for language, said in written.texts.items()
    }
    office.agency.running(attrs.evolve(written, texts=more))
    (message,) = office.agency.house.claim().started
    one, two = sorted(set(re.findall(r"/l/[a-z2-7]{40}", office.mail(message)[0])))
    assert {office.open(one, 5 * MINUTE)[1], office.open(two, 5 * MINUTE + timedelta(seconds=1))[1]} == {
        PLAIN, "https://www.amigo.lv/b",
    }  # fmt: skip
    assert office.pressed(person) == []
    office.open(two, 60 * MINUTE)
    assert len(office.pressed(person)) == 1


def test_a_message_that_starts_again_has_the_same_links_and_other_channels_have_none(office: Office) -> None:
    person, other = office.customer(), office.agency.customer(APP)
    office.allow(other)
    office.agency.running(brief(office.agency.now, EMAIL, APP))
    (message,) = office.agency.house.claim().started
    first = office.link(message)
    with office.placet.database.transaction() as connection:
        again = office.clicks.addresses(
            connection, Link.read(first.rpartition("/")[2]).campaign,  # type: ignore[union-attr]
            {person.id: message.id}, {"lv": 1}, now=office.now,
        )  # fmt: skip
    assert again == {person.id: {1: office.placet.config.url + first}}
    assert office.held(other)["offers.presses"] == 0


def test_a_permission_that_is_being_taken_back_counts_no_longer_and_nothing_waits_for_it(office: Office) -> None:
    person = office.customer()
    office.agency.running(brief(office.agency.now))
    with office.placet.database.transaction() as elsewhere:
        assert office.clicks.decline(elsewhere, person.id, shown=SHOWN, now=office.now)
        (message,) = office.agency.house.claim().started
    assert "/l/" not in office.mail(message)[0]
    assert office.held(person)["offers.presses"] == 0


def test_taking_it_back_waits_for_a_message_that_is_starting_and_forgets_it_too(office: Office) -> None:
    person = office.customer()
    office.agency.running(brief(office.agency.now))
    database, delivery = office.placet.database, office.placet.delivery
    with ThreadPoolExecutor(1) as beside:
        with database.transaction() as connection:
            (message,) = delivery.claim(connection, office.agency.wire, limit=8, now=office.agency.now).started
            declined = beside.submit(office.decline, person)
            # Whichever comes first, this commit or the other's wait for it: nothing is left of the message.
        declined.result()
    assert "/l/" in office.mail(message)[0]
    assert office.held(person)["offers.presses"] == 0
    assert office.open(office.link(message), 5 * MINUTE) == (303, PLAIN)
    assert office.pressed(person) == []


def test_an_answer_commits_to_the_text_that_was_read_and_saying_it_twice_is_saying_it_once(office: Office) -> None:
    person = office.customer()
    with office.placet.database.transaction() as connection:
        assert not office.clicks.allow(connection, person.id, shown=SHOWN, now=office.now)
        with pytest.raises(BadInput, match="the text has changed"):
            office.clicks.decline(connection, person.id, shown=bytes(32), now=office.now)
        rows = connection.execute(
            "SELECT answer.decision, answer.until, convert_from(document, 'UTF8') FROM offers.click_answer AS answer"
            " JOIN offers.click_question USING (sha256)"
        ).fetchall()
    ((decision, until, document),) = rows
    assert (decision, until) == ("given", None)
    assert questions.question("lv").text[0] in document


def test_what_is_pressed_is_exported_explained_forgotten_and_erased(office: Office) -> None:
    person, other = office.customer(), office.customer()
    started = office.start()
    for one in (person, other):
        office.open(office.link(started[str(one.id)]), 5 * MINUTE)
    duties, whose = office.placet.offers.duties, Person(person.id, person.number)
    with office.placet.database.transaction() as connection:
        presses, answers = (one for one in duties.export(connection, whose) if one.name in OWN)
        assert presses.rows[0]["pressed_at"] == office.agency.now + 5 * MINUTE
        assert presses.origin == "observed"
        for holding in (presses, answers):
            assert set(holding.columns) == set(holding.rows[0])
            assert set(holding.why) == set(holding.until) == set(holding.title) == {"lv", "ru", "en"}
        assert "One press takes it back" in " ".join(duties.explain(connection, whose, "en"))
        assert office.clicks.forget(connection, person.id) == 1
    assert (office.pressed(person), office.held(person)) == ([], {"offers.presses": 0, "offers.answers": 1})
    with office.placet.database.transaction() as connection:
        assert duties.erase(connection, whose, now=office.now) >= 1
    assert office.held(person) == {"offers.presses": 0, "offers.answers": 0}
    assert office.held(other) == {"offers.presses": 1, "offers.answers": 1}


OWN = {"offers.presses", "offers.answers"}


def test_what_is_old_is_forgotten_and_which_link_it_was_after_a_day(office: Office) -> None:
    person = office.customer()
    office.open(office.link(office.start()[str(person.id)]), 5 * MINUTE)
    for days, known in ((0.5, (1, 1)), (2, (1, 0)), (361, (0, 0))):
        office.clicks.round(office.agency.now + days * DAY)
        with office.placet.database.transaction() as connection:
            assert _known(connection) == known


def test_a_no_of_either_of_two_identities_ends_the_permission(office: Office) -> None:
    stays, goes = office.customer(), office.customer(allows=False)
    office.decline(goes)
    office.start()
    with office.placet.database.transaction() as connection:
        merge(office.placet, connection, stays.id, goes.id, now=office.now)
    with office.placet.database.transaction() as connection:
        answer = office.clicks.answer(connection, goes.id)
    assert answer is not None
    assert not answer.allows
    assert office.held(stays) == {"offers.presses": 0, "offers.answers": 3}


def _known(connection: Connection) -> tuple[int, int]:
    row = connection.execute("SELECT count(*), count(hit_link) FROM offers.counted").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def test_nobody_is_named_in_a_link(office: Office) -> None:
    person = office.customer()
    message = office.start()[str(person.id)]
    made = Link.read(office.link(message).rpartition("/")[2])
    assert made is not None
    raw = made.campaign.bytes + made.secret
    assert person.id.bytes not in raw
    assert MessageId(message.id).bytes not in raw
