"""A member's access to one record: for a reason, after a check, for twenty minutes, never one's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from placet.access import opening_checks, openings
from placet.access.codes import Codes, Message
from placet.access.opening_checks import CheckFailed, Opened
from placet.access.openings import LASTS, Asked, Opening
from placet.access.staff import Member, Role
from placet.bootstrap import Application, erase
from placet.kernel.errors import BadInput, Denied, NotFound, TooMany
from placet.kernel.ids import PurposeId
from placet.subjects.model import Alias, Subject
from staff.staff_people import hired

CODE = "161175-19997"


class Postbox:
    """A sender that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, _connection: object, message: Message, *, now: datetime) -> None:
        self.sent.append(message)


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def codes(placet: Application, postbox: Postbox) -> Codes:
    return Codes(placet.database, placet.subjects, placet.master, postbox)


@pytest.fixture
def anna(placet: Application, now: datetime) -> Subject:
    aliases = [Alias.msisdn("20000001"), Alias.email("anna@example.lv"), Alias.personal_code(CODE)]
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=aliases, name="Anna Bērziņa", language="lv", now=now)


@pytest.fixture
def ilze(placet: Application) -> Member:
    return hired(placet, "ilze", Role.AGENT, shop="Rīga")


@pytest.fixture
def opens(placet: Application, now: datetime) -> Callable[..., Opened | CheckFailed]:
    def open_it(member: Member, person: Subject, *, digits: str = "9997", at: datetime = now) -> Opened | CheckFailed:
        asked = Asked(member, person.id, "decision", "wants offers by SMS")
        with placet.database.transaction() as connection:
            return opening_checks.by_document(
                connection, placet.subjects, asked, document="passport", digits=digits, now=at
            )

    return open_it


def live(placet: Application, member: Member, person: Subject, at: datetime) -> Opening | None:
    with placet.database.transaction() as connection:
        return openings.live(connection, placet.subjects, member.id, person.id, now=at)


def test_opening_by_document_lasts_twenty_minutes_to_the_instant(
    placet: Application, ilze: Member, anna: Subject, opens: Callable[..., object], now: datetime
) -> None:
    opened = opens(ilze, anna)
    assert isinstance(opened, Opened)
    assert opened.opening.compared
    assert live(placet, ilze, anna, now) is not None
    assert live(placet, ilze, anna, now + LASTS - timedelta(microseconds=1)) is not None
    assert live(placet, ilze, anna, now + LASTS) is None


def test_digits_that_do_not_agree_open_nothing_and_after_five_tries_nothing_is_tried(
    placet: Application, ilze: Member, anna: Subject, opens: Callable[..., object], now: datetime
) -> None:
    for digits in ("0000", "", "999", "19997", "abcd"):
        assert opens(ilze, anna, digits=digits) == CheckFailed("other-digits")
    with pytest.raises(TooMany):
        opens(ilze, anna)
    assert live(placet, ilze, anna, now) is None
    assert isinstance(opens(ilze, anna, at=now + timedelta(minutes=16)), Opened)


def test_document_of_somebody_whose_code_is_not_known_opens_and_says_so(
    placet: Application, ilze: Member, opens: Callable[..., object], now: datetime
) -> None:
    with placet.database.transaction() as connection:
        person = placet.subjects.add(connection, aliases=[], language="lv", now=now)
    opened = opens(ilze, person, digits="")
    assert isinstance(opened, Opened)
    assert not opened.opening.compared


def test_code_opens_once_and_fits_neither_sign_in_nor_another_record(
    placet: Application, codes: Codes, postbox: Postbox, ilze: Member, anna: Subject, now: datetime
) -> None:
    with placet.database.transaction() as connection:
        other = placet.subjects.add(connection, aliases=[Alias.msisdn("20000002")], language="lv", now=now)
    asked = Asked(ilze, anna.id, "question")
    opening_checks.ask_code(placet.database, placet.subjects, codes, asked, contact=0, now=now)
    (message,) = postbox.sent
    assert message.use == "identity"
    assert message.code is not None
    assert codes.verify(message.challenge, message.code, now=now) is None
    enter = lambda person, code, at: opening_checks.enter_code(  # noqa: E731
        placet.database, codes, ilze, person.id, code, now=at
    )
    assert enter(other, message.code, now) == CheckFailed("wrong-code")
    assert enter(anna, "000000" if message.code != "000000" else "1", now) == CheckFailed("wrong-code")
    assert isinstance(enter(anna, message.code, now), Opened)
    assert enter(anna, message.code, now) == CheckFailed("wrong-code")


def test_code_that_is_five_minutes_old_opens_nothing(
    placet: Application, codes: Codes, postbox: Postbox, ilze: Member, anna: Subject, now: datetime
) -> None:
    asked = Asked(ilze, anna.id, "question")
    opening_checks.ask_code(placet.database, placet.subjects, codes, asked, contact=1, now=now)
    code = postbox.sent[0].code or ""
    late = now + timedelta(minutes=5)
    assert opening_checks.enter_code(placet.database, codes, ilze, anna.id, code, now=late) == CheckFailed("wrong-code")


def test_mandate_opens_while_it_holds_and_no_second_longer(placet: Application, ilze: Member, now: datetime) -> None:
    birthday = datetime(2026, 3, 12, 22, 0, tzinfo=now.tzinfo)  # midnight in Riga: eighteen from here on
    with placet.database.transaction() as connection:
        mother = placet.subjects.add(connection, aliases=[], name="Māra Ozola", language="lv", now=now)
        child = placet.subjects.add(connection, aliases=[], language="lv", birth_date=date(2008, 3, 13), now=now)
        mandate = placet.subjects.add_mandate(
            connection, representative=mother.id, subject=child.id, kind="parent",
            purposes=[PurposeId("offers")], proof="birth certificate", since=now,
        )  # fmt: skip
    asked = Asked(ilze, child.id, "decision")

    def by_mandate(at: datetime) -> Opened | CheckFailed:
        with placet.database.transaction() as connection:
            return opening_checks.by_mandate(
                connection, placet.subjects, asked, mandate=mandate.id, document="id-card", digits="", now=at
            )

    at = birthday - timedelta(minutes=5)
    assert isinstance(by_mandate(at), Opened)
    assert live(placet, ilze, child, birthday - timedelta(seconds=1)) is not None
    assert live(placet, ilze, child, birthday) is None
    assert by_mandate(birthday) == CheckFailed("no-mandate")
    with placet.database.transaction() as connection:
        placet.subjects.end_mandate(connection, mandate.id, at=at + timedelta(minutes=1))
    assert live(placet, ilze, child, at + timedelta(minutes=1)) is None


def test_own_record_never_opens_and_a_colleagues_is_flagged(
    placet: Application, ilze: Member, anna: Subject, opens: Callable[..., object], now: datetime
) -> None:
    peteris = hired(placet, "peteris", Role.AGENT)
    with placet.database.transaction() as connection:
        openings.tie(connection, ilze.id, anna.id)
    with pytest.raises(Denied) as denied:
        opens(ilze, anna)
    assert denied.value.code == "own-record"
    opened = opens(peteris, anna)
    assert isinstance(opened, Opened)
    assert opened.opening.flagged
    with placet.database.transaction() as connection:
        assert [each.name for each in openings.flagged(connection)] == ["Peteris"]


def test_who_a_member_is_can_be_changed_and_taken_back(
    placet: Application, ilze: Member, anna: Subject, opens: Callable[..., object]
) -> None:
    with placet.database.transaction() as connection:
        openings.tie(connection, ilze.id, anna.id)
        assert openings.customer_of(connection, ilze.id) == anna.id
        openings.untie(connection, ilze.id)
        assert openings.customer_of(connection, ilze.id) is None
    assert isinstance(opens(ilze, anna), Opened)


def test_login_that_is_an_address_of_the_customer_tells_who_a_member_is(
    placet: Application, anna: Subject, opens: Callable[..., object]
) -> None:
    with pytest.raises(Denied):
        opens(hired(placet, "anna@example.lv", Role.AGENT), anna)


def test_two_members_on_one_record_see_each_other(
    placet: Application, ilze: Member, anna: Subject, opens: Callable[..., object], now: datetime
) -> None:
    peteris = hired(placet, "peteris", Role.REVIEWER, shop="Liepāja")
    mine, theirs = opens(ilze, anna), opens(peteris, anna)
    assert isinstance(mine, Opened)
    assert isinstance(theirs, Opened)
    with placet.database.transaction() as connection:
        assert [(each.name, each.shop) for each in openings.others(connection, mine.opening, now=now)] == [
            ("Peteris", "Liepāja")
        ]
        openings.end(connection, theirs.opening, now=now)
        assert openings.others(connection, mine.opening, now=now) == []


def test_new_check_begins_anew_and_never_adds_up(
    placet: Application, ilze: Member, anna: Subject, opens: Callable[..., object], now: datetime
) -> None:
    opens(ilze, anna)
    later = now + timedelta(minutes=15)
    opens(ilze, anna, at=later)
    assert live(placet, ilze, anna, later + LASTS - timedelta(seconds=1)) is not None
    assert live(placet, ilze, anna, later + LASTS) is None
    with placet.database.transaction() as connection:
        assert len(openings.of_member(connection, ilze.id, now=later)) == 1
        first, second = openings.of_subject(connection, anna.id)
    assert (first.closed_at, second.closed_at) == (later + LASTS, later)


def test_customer_reads_why_until_they_are_erased_and_nobody_else_can(
    placet: Application, ilze: Member, anna: Subject, opens: Callable[..., object], now: datetime
) -> None:
    opens(ilze, anna)
    with placet.database.transaction() as connection:
        (opening,) = openings.of_subject(connection, anna.id)
        key = placet.subjects.key(connection, anna.id)
        assert openings.words_of(opening, key) == "wants offers by SMS"
        assert "offers" not in str(connection.execute("SELECT o::text FROM access.opening o").fetchall())
        assert b"wants offers".hex() not in str(connection.execute("SELECT o::text FROM access.opening o").fetchall())
    with placet.database.transaction() as connection:
        erase(placet, connection, anna.id, now=now)
    with placet.database.transaction() as connection:
        (opening,) = openings.of_subject(connection, anna.id)
    assert openings.words_of(opening, bytes(32)) == ""
    with pytest.raises(NotFound):
        opens(ilze, anna)


@pytest.mark.parametrize(
    ("reason", "words", "document"),
    [
        ("other", "", "passport"),
        ("other", "  ", "passport"),
        ("nothing", "x", "passport"),
        ("question", "x" * 501, "passport"),
        ("question", "", "library-card"),
        ("question", "", ""),
    ],
)
def test_opening_needs_a_reason_and_a_document_of_the_list(
    placet: Application, ilze: Member, anna: Subject, now: datetime, reason: str, words: str, document: str
) -> None:
    asked = Asked(ilze, anna.id, reason, words)  # type: ignore[arg-type]
    with placet.database.transaction() as connection, pytest.raises(BadInput):
        opening_checks.by_document(connection, placet.subjects, asked, document=document, digits="9997", now=now)


def test_whoever_leafs_through_everybody_is_stopped(placet: Application, ilze: Member, now: datetime) -> None:
    most, window = openings.LIMITS["find"]
    with placet.database.transaction() as connection:
        for _ in range(most):
            openings.count_search(connection, ilze.id, now=now)
        with pytest.raises(TooMany):
            openings.count_search(connection, ilze.id, now=now)
        openings.count_search(connection, ilze.id, now=now + window)


def test_sweep_forgets_codes_that_never_came_and_keeps_what_was_opened(
    placet: Application, codes: Codes, ilze: Member, anna: Subject, opens: Callable[..., object], now: datetime
) -> None:
    opens(ilze, anna)
    asked = Asked(ilze, anna.id, "question")
    opening_checks.ask_code(placet.database, placet.subjects, codes, asked, contact=0, now=now)
    with placet.database.transaction() as connection:
        assert openings.sweep(connection, now=now + timedelta(days=2)) == 1
        assert len(openings.of_subject(connection, anna.id)) == 1
