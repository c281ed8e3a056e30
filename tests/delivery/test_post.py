"""Letters are printed together, and sent only to those who still want them when the mailing leaves the house."""

from __future__ import annotations

import io
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from delivery_house import House, offer
from pypdf import PdfReader

from placet.delivery.model import POST, MessageId
from placet.delivery.notes import Filled, Note, Source, publish
from placet.delivery.paper import Sheet, pdf
from placet.delivery.post import STAYS, HandedOver, Letters, Page, Printed
from placet.delivery.tokens import tokens
from placet.kernel.errors import BadInput, Conflict
from placet.kernel.ids import ActivityId, ChannelId
from placet.subjects import postal
from placet.subjects.model import Subject

CAMPAIGN = ActivityId("offers.post-campaign")
RIGA = postal.address("Brīvības iela 100–12", "Rīga", "1010")
WORDS = publish(
    {language: Source("A phone for less", "Good day{{ called }}!\n\nUntil Friday.") for language in ("lv", "ru", "en")},
    declared={"called"},
)


def notes(channel: ChannelId, template: str, language: str) -> Note | None:
    return WORDS[language] if (channel, template) == (POST, "spring") else None


@pytest.fixture
def letters(house: House) -> Letters:
    return Letters(house.placet.delivery, notes, tokens(house.placet.master), "https://placet.example")


def customer(house: House, name: str, *, address: bool = True) -> Subject:
    person = house.person(name)
    house.say(person, "given", POST)
    if address:
        with house.placet.database.transaction() as connection:
            house.placet.subjects.move(connection, person.id, RIGA, now=house.now)
    return person


def plan(house: House, person: Subject, key: str = "spring", **more: object) -> MessageId:
    values: dict[str, object] = {"activity": CAMPAIGN, "channel": POST, "values": {"called": ", Anna"},
                                 "not_after": house.now + timedelta(days=30)}  # fmt: skip
    (id,) = house.plan(offer(person, key, house.now, **(values | more))).fresh
    return id


def make(house: House, letters: Letters, after: timedelta = timedelta(0)) -> Printed:
    with house.placet.database.transaction() as connection:
        return letters.make(connection, by="cli", now=house.now + after)


def hand_over(
    house: House, letters: Letters, mailing: UUID | None, after: timedelta = timedelta(hours=1)
) -> HandedOver:
    assert mailing is not None
    with house.placet.database.transaction() as connection:
        return letters.hand_over(connection, mailing, now=house.now + after)


def test_letters_are_printed_with_address_words_and_the_way_to_stop_them(house: House, letters: Letters) -> None:
    anna, homeless = customer(house, "anna"), customer(house, "homeless", address=False)
    plan(house, anna)
    plan(house, homeless)
    with house.placet.database.transaction() as connection:
        assert letters.due(connection, now=house.now) == 2
    printed = make(house, letters)
    (page,) = printed.pages
    assert (page.number, page.address) == (1, ("Brīvības iela 100–12", "Rīga, LV-1010"))
    assert page.text.paragraphs == ("Good day, Anna!", "Until Friday.")
    assert page.stop is not None
    assert page.stop.startswith("https://placet.example/u/")
    assert printed.refused == 1
    assert house.states(homeless) == [("refused", "no-address")]
    assert house.states(anna) == [("deferred", "printed")]
    assert make(house, letters) == Printed(None, (), 0)


def test_who_says_no_before_the_mailing_leaves_is_pulled_out_of_it(house: House, letters: Letters) -> None:
    anna, berta, cecilija = (customer(house, name) for name in ("anna", "berta", "cecilija"))
    for person in (anna, berta, cecilija):
        plan(house, person)
    printed = make(house, letters)
    house.say(berta, "withdrawn", POST)
    with house.placet.database.transaction() as connection:
        house.placet.delivery.forget(connection, cecilija.number, ())
    assert hand_over(house, letters, printed.id) == HandedOver(1, (2, 3), ())
    assert (house.states(anna), house.states(berta)) == ([("sent", None)], [("refused", "channel-withdrawn")])
    with house.placet.database.transaction() as connection:
        (mailing,) = letters.mailings(connection)
        assert (mailing.letters, mailing.sent, mailing.is_here) == (3, 1, False)
    with pytest.raises(Conflict):
        hand_over(house, letters, printed.id)


def test_letter_that_cannot_be_decided_on_stays_with_its_mailing(house: House, letters: Letters) -> None:
    anna, berta = customer(house, "anna"), customer(house, "berta")
    for person in (anna, berta):
        plan(house, person)
    printed = make(house, letters)
    with house.placet.database.transaction() as connection:
        house.record(connection, berta, "withdrawn", POST)
        assert hand_over(house, letters, printed.id) == HandedOver(1, (), (2,))
    assert make(house, letters, timedelta(days=1)) == Printed(None, (), 0)
    assert hand_over(house, letters, printed.id, timedelta(days=1)) == HandedOver(1, (2,), ())


def test_discarded_mailing_is_printed_anew_and_an_old_one_sends_nothing_twice(house: House, letters: Letters) -> None:
    anna = customer(house, "anna")
    plan(house, anna)
    first = make(house, letters)
    with house.placet.database.transaction() as connection:
        assert first.id is not None
        letters.discard(connection, first.id, now=house.now)
    second = make(house, letters, timedelta(seconds=1))
    assert len(second.pages) == 1
    third = make(house, letters, STAYS + timedelta(seconds=1))
    assert len(third.pages) == 1
    assert hand_over(house, letters, third.id, STAYS + timedelta(hours=1)).sent == 1
    assert hand_over(house, letters, second.id, STAYS + timedelta(hours=2)) == HandedOver(0, (1,), ())
    with pytest.raises(Conflict):
        hand_over(house, letters, first.id)
    with pytest.raises(Conflict):
        hand_over(house, letters, uuid4())


def test_letter_leaves_at_any_hour(house: House, letters: Letters) -> None:
    anna = customer(house, "anna")
    plan(house, anna)
    sunday = timedelta(days=3, hours=9)
    printed = make(house, letters, sunday)
    assert hand_over(house, letters, printed.id, sunday + timedelta(hours=1)).sent == 1


def test_pages_have_the_window_and_all_letters_of_the_languages(house: House) -> None:
    with house.placet.database.transaction() as connection:
        controller = house.placet.catalogue(connection).controller
    long = "Garš teikums ar mīkstinājumiem un ēverģēlībām. " * 130
    said = {
        "lv": Filled("Glāžšķūņa rūķīši", ("Sveiki, Ķīli & <Ņina>!", long)),
        "ru": Filled("Съешь ещё этих булок", ("Здравствуйте, Анна!",)),
    }
    pages = [
        Page(number, name, ("Brīvības iela 100–12", "Rīga, LV-1010"), said[language], language, stop)
        for number, (language, name, stop) in enumerate(
            [("lv", "Anna Bērziņa", "https://placet.example/u/x"), ("ru", "Иван Соколов", None)], start=1
        )
    ]
    sheet = Sheet(controller, date(2026, 3, 12), "m-1")
    made = pdf(pages, sheet)
    assert made == pdf(pages, sheet)
    read = PdfReader(io.BytesIO(made))
    texts = [page.extract_text() for page in read.pages]
    assert len(texts) == 3
    for word in (
        "Anna Bērziņa",
        "Rīga, LV-1010",
        "Glāžšķūņa rūķīši",
        "Ķīli & <Ņina>!",
        "2026. gada 12. marts",
        "Nr. 1",
    ):
        assert word in texts[0], word
    assert "Garš teikums" in texts[1]
    for word in ("Иван Соколов", "Съешь ещё", "12 марта 2026 г."):
        assert word in texts[2], word
    places: list[tuple[float, float]] = []

    def noted(text: str, _matrix: object, place: list[float], *_rest: object) -> None:
        if "LV-1010" in text:
            places.append((place[4], place[5]))

    read.pages[0].extract_text(visitor_text=noted)
    left, up = places[0]
    millimetre = 72 / 25.4
    assert 24 <= left / millimetre <= 26
    assert 297 - 90 <= up / millimetre <= 297 - 45


@pytest.mark.parametrize(
    ("street", "place", "postcode", "country", "lines"),
    [
        ("Brīvības  iela 1 ", "Rīga", "1010", "LV", ("Brīvības iela 1", "Rīga, LV-1010")),
        ("„Kalni”", "Ropažu pagasts", "lv 2135", "", ("„Kalni”", "Ropažu pagasts, LV-2135")),
        ("Unter den Linden 1", "Berlin", "10117", "de", ("Unter den Linden 1", "Berlin, 10117", "DE")),
    ],
)
def test_address_is_read_as_people_write_it(
    street: str, place: str, postcode: str, country: str, lines: tuple[str, ...]
) -> None:
    assert postal.address(street, place, postcode, country).lines == lines


@pytest.mark.parametrize(
    "fields",
    [
        ("", "Rīga", "1010"), ("a" * 81, "Rīga", "1010"), ("Brīvības 1", "Rīga", "101"), ("Brīvības 1", "Rīga", "ABCD"),
        ("Brīvības 1", "Rīga", "1010", "Latvia"), ("Brīvības\x00 1", "Rīga", "1010"), ("Brīvības 1", "Rīga", "", "DE"),
    ],
)  # fmt: skip
def test_address_that_no_letter_finds_is_refused_and_not_repeated(fields: tuple[str, ...]) -> None:
    with pytest.raises(BadInput) as refused:
        postal.address(*fields)
    assert "Brīv" not in str(refused.value)


def test_address_is_sealed_moves_with_its_person_and_goes_with_them(house: House) -> None:
    anna, twin = house.person("anna"), house.person("twin")
    subjects = house.placet.subjects
    with house.placet.database.transaction() as connection:
        subjects.move(connection, twin.id, RIGA, now=house.now)
        rows = connection.execute("SELECT sealed FROM subjects.address").fetchall()
        assert "Brīvības".encode() not in rows[0][0]
        subjects.merge(connection, anna.id, twin.id)
        assert {id: one.address for id, one in subjects.residences(connection, [anna.id, twin.id]).items()} == {
            anna.id: RIGA
        }
        subjects.move(connection, anna.id, None, now=house.now)
        assert subjects.residences(connection, [anna.id]) == {}
        subjects.move(connection, anna.id, RIGA, now=house.now)
        subjects.erase_key(connection, anna.id, house.now)
        assert connection.execute("SELECT count(*) FROM subjects.address").fetchone() == (0,)
