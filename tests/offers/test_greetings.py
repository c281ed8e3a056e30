"""Greetings: who gets one, when and once, and who does not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from click.testing import CliRunner

from delivery.delivery_house import House, Wire
from placet.bootstrap import Application, merge
from placet.delivery import wishes as queue
from placet.delivery.model import Kind
from placet.delivery.rules import Mute
from placet.duties import Correction, Person, Withdrawn
from placet.gate import stops
from placet.gate.stops import Stop, StopId
from placet.interfaces.cli.main import main
from placet.kernel.ids import ChannelId, Position, PurposeId
from placet.purposes.offers.greetings import days, rules
from placet.purposes.offers.greetings.actions import Greetings
from placet.purposes.offers.greetings.calendar import NOT_LISTED, YearDay
from placet.purposes.offers.greetings.duties import GreetingDuties
from placet.purposes.offers.greetings.model import Celebrant, Occasion
from placet.subjects.model import Alias, Subject

RIGA = ZoneInfo("Europe/Riga")
OFFERS, EMAIL, SMS = PurposeId("offers"), ChannelId("email"), ChannelId("sms")
BIRTHDAY, NAME_DAY = Occasion.BIRTHDAY, Occasion.NAME_DAY
BORN = date(1990, 3, 12)
"""12 March is the day that these tests are on; it is the name day of Aija."""


@attrs.define
class Party:
    """The application with e-mail and SMS, and people to greet."""

    placet: Application
    now: datetime
    greetings: Greetings
    wire: Wire = attrs.field(factory=Wire)
    serial: Iterator[int] = attrs.field(factory=itertools.count)

    @property
    def house(self) -> House:
        return House(self.placet, self.now, self.wire)

    def guest(
        self,
        name: str | None,
        born: date | None = None,
        *,
        language: str = "lv",
        channels: tuple[str, ...] = ("email",),
    ) -> Subject:
        """Somebody who said yes to offers by *channels*."""
        with self.placet.database.transaction() as connection:
            aliases = [Alias.email(f"guest{next(self.serial)}@example.lv")]
            person = self.placet.subjects.add(
                connection, aliases=aliases, name=name, birth_date=born, language=language, now=self.now
            )
            for channel in (None, *map(ChannelId, channels)):
                self.house.record(connection, person, "given", channel)
        return person

    def round(self, at: datetime | None = None) -> None:
        self.greetings.round(at or self.now)

    def planned(self, person: Subject) -> list[tuple[str | None, str, str]]:
        """Topic, channel and state of what they got, in the order of planning."""
        return [(one.topic, one.channel, one.state) for one in reversed(self.house.shown(person))]


@pytest.fixture
def party(placet: Application, now: datetime) -> Party:
    there = attrs.evolve(placet.config, smtp_host="localhost", smpp_host="localhost")
    return Party(placet, now, Greetings(attrs.evolve(placet.offers.greetings.days, config=there)))


def test_birthday_and_name_day_are_greeted_on_their_day_and_nobody_else_is(party: Party) -> None:
    born, named = party.guest("Jānis Ozols", BORN), party.guest("Aija Kalniņa", date(1985, 7, 1))
    other, silent = party.guest("Pēteris Liepa", date(1990, 3, 13)), party.guest(None)
    party.round()
    assert party.planned(born) == [("birthday", "email", "planned")]
    assert party.planned(named) == [("name-day", "email", "planned")]
    assert party.planned(other) == party.planned(silent) == []


def test_who_has_not_said_yes_is_not_greeted(party: Party) -> None:
    nothing = party.guest("Jānis Ozols", BORN, channels=())
    withdrawn = party.guest("Jānis Liepa", BORN)
    party.house.say(withdrawn, "withdrawn")
    party.round()
    assert party.planned(nothing) == party.planned(withdrawn) == []


def test_one_greeting_comes_by_the_first_channel_that_is_open(party: Party) -> None:
    both = party.guest("Jānis Ozols", BORN, channels=("sms", "email", "call"))
    by_sms, by_call = (
        party.guest("Aija Liepa", channels=("sms",)),
        party.guest("Aija Vītola", channels=("call", "post")),
    )
    party.round()
    assert party.planned(both) == [("birthday", "email", "planned")]
    assert party.planned(by_sms) == [("name-day", "sms", "planned")]
    assert party.planned(by_call) == []


def test_a_birthday_on_the_name_day_is_one_greeting(party: Party) -> None:
    aija = party.guest("Aija Liepa", BORN)
    party.round()
    assert party.planned(aija) == [("birthday", "email", "planned")]


def test_it_says_the_name_in_the_vocative_and_offers_nothing(party: Party) -> None:
    guest = party.guest("Jānis Kārlis Ozols", BORN)
    nameless = party.guest("Thomas Becker", BORN)
    party.round()
    claim = party.house.claim()
    by_person = {one.subject: one for one in claim.started}
    assert by_person[guest.id].values == {"called": ", Jāni Kārli"}
    assert by_person[nameless.id].values == {"called": ""}
    for occasion in Occasion:
        letter = party.greetings.letter(f"greeting/{occasion}", "lv")
        text = party.greetings.text(f"greeting/{occasion}", "lv")
        assert letter is not None
        assert text is not None
        assert letter.names == {"called", "stop_link"}
        assert text.fill({"called": ", Aleksandr Konstantin"}).count <= 2
    assert party.greetings.letter("greeting/wedding", "lv") is None


def test_an_sms_that_can_be_answered_says_how_it_is_stopped(party: Party) -> None:
    for sender, said in (("1622", True), ("Amigo", False)):
        config = attrs.evolve(party.greetings.days.config, smpp_sender=sender)
        text = Greetings(attrs.evolve(party.greetings.days, config=config)).text("greeting/name-day", "lv")
        assert text is not None
        assert ("STOP" in "".join(text.wording.pieces)) is said
        assert text.fill({"called": ", Aleksandr Konstantin"}, below="" if said else "\n" + "x" * 40).count == 2


def test_nobody_is_greeted_twice_in_a_year_however_their_day_changes(party: Party) -> None:
    aija = party.guest("Aija Liepa")
    party.round()
    with party.placet.database.transaction() as connection:
        party.greetings.pick(connection, aija.id, YearDay(3, 13), now=party.now)
    party.round(party.now + timedelta(days=1))
    assert party.planned(aija) == [("name-day", "email", "planned")]
    party.round(party.now.replace(year=2027, day=13))
    assert [topic for topic, _, _ in party.planned(aija)] == ["name-day", "name-day"]


def test_a_round_that_is_repeated_plans_nothing_more_and_one_that_broke_goes_on(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "STEP", 2)
    guests = [party.guest(f"Aija Liepa{'a' * place}") for place in range(5)]
    party.round()
    with party.placet.database.transaction() as connection:
        count = "SELECT count(*) FROM delivery.message WHERE kind = 'greeting'"
        (first,) = connection.execute(count).fetchone() or (0,)
    for _ in range(4):
        party.round()
    assert first == 2
    assert [len(party.planned(guest)) for guest in guests] == [1, 1, 1, 1, 1]


def test_a_switch_is_for_one_occasion_and_only_the_person_turns_it_on_again(party: Party) -> None:
    aija = party.guest("Aija Liepa", BORN)
    with party.placet.database.transaction() as connection:
        party.greetings.switch_off(connection, aija.id, BIRTHDAY, now=party.now)
        assert party.greetings.wished(connection, aija.id, now=party.now).on == {NAME_DAY}
    party.round()
    assert party.planned(aija) == [("name-day", "email", "planned")]
    with party.placet.database.transaction() as connection:
        party.greetings.switch_on(connection, aija.id, BIRTHDAY, now=party.now)
        assert party.greetings.wished(connection, aija.id, now=party.now).on == {BIRTHDAY, NAME_DAY}


def test_a_greeting_that_waits_is_not_sent_once_it_is_switched_off(party: Party) -> None:
    aija = party.guest("Aija Liepa")
    party.round()
    with party.placet.database.transaction() as connection:
        party.greetings.switch_off(connection, aija.id, NAME_DAY, now=party.now)
    assert party.house.claim().refused == 1
    assert party.house.states(aija) == [("refused", "muted")]


def test_no_more_greetings_by_mail_does_not_mean_by_sms_instead(party: Party) -> None:
    aija = party.guest("Aija Liepa", channels=("email", "sms"))
    with party.placet.database.transaction() as connection:
        queue.mute(connection, aija.id, Mute(Kind.GREETING, None, EMAIL), now=party.now)
        assert party.greetings.wished(connection, aija.id, now=party.now).on == frozenset()
    party.round()
    assert party.planned(aija) == []
    with party.placet.database.transaction() as connection:
        party.greetings.switch_on(connection, aija.id, NAME_DAY, now=party.now)
        assert party.greetings.wished(connection, aija.id, now=party.now).on == {NAME_DAY}


def test_it_may_come_from_nine_to_eight_also_on_a_sunday_and_not_after(party: Party) -> None:
    aija = party.guest("Aija Liepa")
    party.round(datetime(2026, 3, 12, 20, 0, tzinfo=RIGA))
    assert party.planned(aija) == []
    party.round(datetime(2028, 3, 12, 0, 30, tzinfo=RIGA))  # a Sunday
    party.round(datetime(2028, 3, 12, 0, 31, tzinfo=RIGA))
    assert party.planned(aija) == [("name-day", "email", "planned")]
    with party.placet.database.transaction() as connection:
        row = connection.execute("SELECT not_before, not_after FROM delivery.message").fetchone()
    assert row == (datetime(2028, 3, 12, 9, 0, tzinfo=RIGA), datetime(2028, 3, 12, 20, 0, tzinfo=RIGA))


def test_while_the_gate_is_closed_the_day_does_not_begin(party: Party) -> None:
    aija, gone = party.guest("Aija Liepa"), party.guest("Aija Vītola")
    silent = Stop(StopId("queue/mail"), "queue", frozenset({OFFERS}), timedelta(seconds=10), party.now)
    with party.placet.database.transaction() as connection:
        stops.register(connection, silent, now=party.now)
    withdrawn = party.house.say(gone, "withdrawn")
    later = party.now.replace(year=2037)  # the catalogue was published by the real clock
    with party.placet.database.transaction() as connection:
        assert stops.watch(connection, now=later).closed
    party.round(later)
    assert party.planned(aija) == []
    with party.placet.database.transaction() as connection:
        stops.acknowledge(connection, silent.id, upto=withdrawn, at=later)
        stops.watch(connection, now=later)
    party.round(later)
    assert party.planned(aija) == [("name-day", "email", "planned")]


def test_a_rehearsal_counts_and_plans_nothing(party: Party) -> None:
    greeted = party.guest("Aija Liepa")
    off = party.guest("Aija Vītola")
    party.guest("Иван Соколов", BORN, language="ru", channels=("sms",))
    with party.placet.database.transaction() as connection:
        party.greetings.switch_off(connection, off.id, NAME_DAY, now=party.now)
    found = party.greetings.rehearse(date(2026, 3, 12), now=party.now)
    assert found.greeted == {("name-day", "email", "lv"): 1, ("birthday", "sms", "ru"): 1}
    assert (found.left_out, found.asked) == ({"switched-off": 1}, 3)
    assert party.planned(greeted) == []
    party.round()
    assert party.greetings.rehearse(date(2026, 3, 12), now=party.now).left_out["greeted-this-year"] == 2


def test_the_command_says_how_many_and_not_who(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    party.guest("Jānis Ozols", BORN, channels=("app",))
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(party.placet.config, name)))
    said = CliRunner().invoke(main, ["offers", "greetings", "--date", "2026-03-12", "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout) == {
        "date": "2026-03-12",
        "asked": 1,
        "greeted": [{"occasion": "birthday", "channel": "app", "language": "lv", "count": 1}],
        "left_out": {},
    }
    told = CliRunner().invoke(main, ["offers", "greetings", "--date", "2026-03-12"])
    assert "1 may be greeted, 1 would be" in told.stdout
    assert "Ozols" not in told.stdout


def test_two_identities_of_one_person_are_greeted_once(party: Party) -> None:
    one, two = party.guest("Aija Liepa"), party.guest("Aija Liepa", language="ru")
    party.round()
    with party.placet.database.transaction() as connection:
        connection.execute("DELETE FROM offers.greeted WHERE number = %s", [one.number])
        merge(party.placet, connection, one.id, two.id, now=party.now)
        assert connection.execute("SELECT count(*) FROM offers.greeted WHERE number = %s", [one.number]).fetchone() == (
            1,
        )


def test_what_is_held_is_shown_corrected_and_erased(party: Party) -> None:
    aija = party.guest("Aija Liepa")
    party.round()
    duties, person = GreetingDuties(party.placet.subjects), Person(aija.id, aija.number)
    with party.placet.database.transaction() as connection:
        party.greetings.pick(connection, aija.id, YearDay(2, 29), now=party.now)
        (holding,) = duties.export(connection, person)
        assert [(row["what"], row["year"], row["name_day"]) for row in holding.rows] == [
            ("name-day", "2026", None),
            ("name-day", None, "02-29"),
        ]
        wrong = Correction("offers.greetings", "name_day", "02-29", "30 February")
        assert duties.rectify(connection, person, wrong, now=party.now) == 0
        assert duties.rectify(connection, person, attrs.evolve(wrong, new="05-22"), now=party.now) == 1
        assert party.greetings.wished(connection, aija.id, now=party.now).name_day.day == NOT_LISTED
        assert duties.explain(connection, person, "ru")
        of_channel = Withdrawn(person, OFFERS, EMAIL, Position(9))
        assert duties.stop(connection, of_channel, now=party.now)
        assert len(duties.export(connection, person)[0].rows) == 2
        assert duties.stop(connection, attrs.evolve(of_channel, channel=None), now=party.now)
        assert duties.export(connection, person)[0].rows == []


def test_the_day_somebody_chose_lies_sealed(party: Party) -> None:
    aija = party.guest("Aija Liepa")
    with party.placet.database.transaction() as connection:
        party.greetings.pick(connection, aija.id, YearDay(5, 22), now=party.now)
        (sealed,) = connection.execute("SELECT name_day FROM offers.greeting_wish").fetchone() or (b"",)
        assert b"22" not in bytes(sealed)
        party.greetings.unpick(connection, aija.id)
        assert party.greetings.wished(connection, aija.id, now=party.now).name_day.day == YearDay(3, 12)


@pytest.mark.parametrize(
    ("name", "picked", "day"),
    [
        ("Aija Liepa", None, YearDay(3, 12)),
        ("Aija Liepa", YearDay(5, 22), YearDay(5, 22)),
        ("Anna Aija Liepa", None, YearDay(7, 26)),
        ("Zvxqs Aija Liepa", None, YearDay(3, 12)),
        ("Thomas Becker", None, NOT_LISTED),
        ("Пелагея Кузнецова", None, None),
        (None, None, None),
        (None, YearDay(3, 12), YearDay(3, 12)),
    ],
)
def test_the_name_day_is_chosen_or_of_the_first_name_in_the_calendar(
    name: str | None, picked: YearDay | None, day: YearDay | None
) -> None:
    assert rules.name_day(name, picked).day == day


def test_nobody_is_greeted_for_being_born_that_day(party: Party, now: datetime) -> None:
    person = party.guest(None)
    child = Celebrant(person.id, person.number, "lv", None, now.date())
    assert rules.occasions(child, now.date()) == []
    assert rules.occasions(child, date(2027, 3, 12)) == [BIRTHDAY]
    leapling = attrs.evolve(child, born=date(2000, 2, 29))
    assert rules.occasions(leapling, date(2027, 3, 1)) == [BIRTHDAY]
    assert rules.occasions(leapling, date(2027, 2, 28)) == []
    assert rules.occasions(leapling, date(2028, 3, 1)) == []
