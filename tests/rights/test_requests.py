"""A person's requests against a real database: filing, working, words under the person's key."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from rights_people import add

from placet import bootstrap
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound, PlacetError
from placet.kernel.ids import PurposeId, StaffId, SubjectId
from placet.rights.model import Request, RequestId
from placet.rights.requests import LONGEST, MOST_OPEN
from placet.subjects.model import Subject

RIGA = ZoneInfo("Europe/Riga")
ANNA, BORIS = StaffId(uuid4()), StaffId(uuid4())
BY_ANNA = Actor("agent", str(ANNA))
WISH = "Lūdzu dzēsiet manu numuru 26123456. Пожалуйста 🙏"


@pytest.fixture
def zane(placet: Application, now: datetime) -> Subject:
    return add(placet, "+37126123456", now, name="Zane Ozola")


def file(placet: Application, subject: SubjectId, now: datetime, **more: object) -> Request:
    with placet.database.transaction() as connection:
        asked: dict[str, object] = {"text": WISH, "route": "portal", "filed_by": Actor("subject", str(subject))}
        kind = more.pop("kind", "access")
        return placet.requests.file(connection, subject, kind, **(asked | more), now=now)  # type: ignore[arg-type]


def refused(error: type[PlacetError], code: str) -> pytest.RaisesExc[PlacetError]:
    return pytest.raises(error, check=lambda raised: raised.code == code)


def test_a_request_is_read_back_as_it_was_filed_with_its_deadline_and_first_step(
    placet: Application, zane: Subject, now: datetime
) -> None:
    filed = file(placet, zane.id, now, kind="human-review", concerns="offers.profile")
    with placet.database.transaction() as connection:
        assert placet.requests.get(connection, filed.id) == filed
        (step,) = placet.requests.steps(connection, filed.id)
    assert (filed.state, filed.text, filed.concerns) == ("received", WISH, "offers.profile")
    assert filed.due == datetime(2026, 4, 13, 23, 59, 59, tzinfo=RIGA)  # 12 April is a Sunday
    assert (step.kind, step.at, step.actor, step.note) == ("filed", now, Actor("subject", str(zane.id)), WISH)


def test_words_are_in_no_table_in_clear(placet: Application, zane: Subject, now: datetime, server_url: str) -> None:
    filed = file(placet, zane.id, now)
    with placet.database.transaction() as connection:
        placet.requests.take(connection, filed.id, ANNA, now=now)
        placet.requests.finish(connection, filed.id, outcome="Nosūtīts uz Brīvības 1", by=BY_ANNA, now=now)
        rows = connection.execute("SELECT r::text FROM rights.request AS r").fetchall()
        rows += connection.execute("SELECT s::text FROM rights.step AS s").fetchall()
        sealed = connection.execute("SELECT sealed FROM rights.words").fetchall()
    assert len(sealed) == 2
    for text in ("26123456", "Brīvības", "Zane"):
        assert text not in str(rows)
        assert all(text.encode() not in bytes(row[0]) for row in sealed)


def test_the_clock_runs_from_receipt_when_a_letter_is_filed_later(
    placet: Application, zane: Subject, now: datetime
) -> None:
    received = now - timedelta(days=10)
    filed = file(placet, zane.id, now, route="post", received_at=received, filed_by=BY_ANNA, opening=uuid4())
    assert filed.received_at == received
    assert filed.due == datetime(2026, 4, 2, 23, 59, 59, tzinfo=RIGA)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"route": "post", "received_at": datetime(2026, 3, 12, 12, 0, 1, tzinfo=UTC)}, "in-the-future"),
        ({"received_at": datetime(2026, 3, 11, tzinfo=UTC)}, "time-not-yours"),
        ({"filed_by": BY_ANNA}, "no-opening"),
        ({"kind": "human-review"}, "no-concern"),
        ({"kind": "objection"}, "no-concern"),
        ({"kind": "human-review", "concerns": "call +371 26123456"}, "no-concern"),
        ({"text": "x" * (LONGEST + 1)}, "text-too-long"),
        ({"text": "a\x00b"}, "bad-text"),
        ({"text": "a\ud800b"}, "bad-text"),
    ],
)
def test_what_cannot_be_filed_says_why_and_leaves_nothing(
    placet: Application, zane: Subject, now: datetime, asked: dict[str, object], code: str
) -> None:
    with refused(BadInput, code):
        file(placet, zane.id, now, **asked)
    with placet.database.transaction() as connection:
        assert placet.requests.of_subject(connection, zane.id) == []


def test_ten_thousand_characters_of_any_script_are_kept_as_they_are(
    placet: Application, zane: Subject, now: datetime
) -> None:
    text = ("ā" * 4_000 + "яЖ\n\t" * 1_000 + "漢字🙏é" * 500)[:LONGEST].strip()
    assert file(placet, zane.id, now, text=text).text == text
    assert file(placet, zane.id, now, text="   ").text is None


def test_who_files_for_another_needs_a_mandate_that_holds_now(
    placet: Application, zane: Subject, now: datetime
) -> None:
    parent = add(placet, "+37126000002", now)
    by = Actor("representative", str(parent.id))
    with refused(Denied, "no-mandate"):
        file(placet, zane.id, now, filed_by=by)
    with placet.database.transaction() as connection:
        placet.subjects.add_mandate(
            connection,
            representative=parent.id,
            subject=zane.id,
            kind="power-of-attorney",
            purposes=[PurposeId("offers")],
            proof="No. 1",
            since=now,
            until=now + timedelta(days=1),
        )
    assert file(placet, zane.id, now, filed_by=by).filed_by == by
    with refused(Denied, "no-mandate"):
        file(placet, zane.id, now + timedelta(days=1), filed_by=by)
    with refused(Denied, "no-mandate"):  # not the other way round
        file(placet, parent.id, now, filed_by=Actor("representative", str(zane.id)))


def test_the_same_idempotency_key_files_once_and_another_request_under_it_is_a_conflict(
    placet: Application, zane: Subject, now: datetime
) -> None:
    first = file(placet, zane.id, now, key=b"k" * 32)
    assert file(placet, zane.id, now + timedelta(hours=1), key=b"k" * 32) == first
    with refused(Conflict, "key-reused"):
        file(placet, zane.id, now, key=b"k" * 32, text="something else")
    with refused(Conflict, "key-reused"):
        file(placet, add(placet, "+37126000009", now).id, now, key=b"k" * 32)
    with placet.database.transaction() as connection:
        assert placet.requests.of_subject(connection, zane.id) == [first]


def test_a_flood_of_one_person_does_not_hide_the_others(placet: Application, zane: Subject, now: datetime) -> None:
    for _ in range(MOST_OPEN):
        last = file(placet, zane.id, now, text=None)
    with refused(Conflict, "too-many-open"):
        file(placet, zane.id, now)
    with placet.database.transaction() as connection:
        placet.requests.withdraw(connection, last.id, now=now)
    assert file(placet, zane.id, now).state == "received"


def test_of_two_members_who_take_a_request_at_once_one_wins_and_the_other_is_told(
    placet: Application, zane: Subject, now: datetime
) -> None:
    filed = file(placet, zane.id, now)
    gate = threading.Barrier(2)
    told: dict[StaffId, str] = {}

    def take(member: StaffId) -> None:
        with placet.database.transaction() as connection:
            gate.wait(30)
            try:
                placet.requests.take(connection, filed.id, member, now=now)
                told[member] = "won"
            except Conflict as error:
                told[member] = error.code

    threads = [threading.Thread(target=take, args=(member,)) for member in (ANNA, BORIS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told.values()) == ["request-taken", "won"]
    (winner,) = (member for member, what in told.items() if what == "won")
    with placet.database.transaction() as connection:
        assert placet.requests.get(connection, filed.id).owner == winner
        assert [step.kind for step in placet.requests.steps(connection, filed.id)] == ["filed", "taken"]


def test_a_request_withdrawn_while_it_was_worked_on_cannot_be_finished(
    placet: Application, zane: Subject, now: datetime
) -> None:
    filed = file(placet, zane.id, now)
    with placet.database.transaction() as connection:
        placet.requests.take(connection, filed.id, ANNA, now=now)
        placet.requests.withdraw(connection, filed.id, now=now)
    with refused(Conflict, "request-withdrawn"), placet.database.transaction() as connection:
        placet.requests.finish(connection, filed.id, outcome="done", by=BY_ANNA, now=now)
    with placet.database.transaction() as connection:
        found = placet.requests.get(connection, filed.id)
        assert (found.state, found.outcome) == ("withdrawn", None)
        steps = placet.requests.steps(connection, filed.id)
    assert [(step.kind, step.actor.kind) for step in steps] == [
        ("filed", "subject"),
        ("taken", "agent"),
        ("withdrawn", "subject"),
    ]


def test_a_whole_life_is_a_history_with_who_and_why(placet: Application, zane: Subject, now: datetime) -> None:
    filed = file(placet, zane.id, now)
    later = now + timedelta(days=3)
    with placet.database.transaction() as connection:
        requests = placet.requests
        requests.take(connection, filed.id, ANNA, now=later)
        with refused(BadInput, "no-reason"):
            requests.extend(connection, filed.id, reason="  ", by=BY_ANNA, now=later)
        requests.extend(connection, filed.id, reason="Arhīvs jāmeklē", by=BY_ANNA, now=later)
        requests.release(connection, filed.id, by=BY_ANNA, now=later)
        requests.hand_over(connection, filed.id, BORIS, by=BY_ANNA, now=later)
        with refused(Conflict, "request-taken"):
            requests.refuse(connection, filed.id, reason="no", by=BY_ANNA, now=later)
        done = requests.refuse(connection, filed.id, reason="Nav Jūsu", by=Actor("agent", str(BORIS)), now=later)
        steps = requests.steps(connection, filed.id)
    assert (done.state, done.outcome, done.text) == ("refused", "Nav Jūsu", WISH)
    assert done.due == datetime(2026, 6, 12, 23, 59, 59, tzinfo=RIGA)
    assert [(step.kind, step.owner, step.note) for step in steps] == [
        ("filed", None, WISH),
        ("taken", ANNA, None),
        ("extended", ANNA, "Arhīvs jāmeklē"),
        ("released", None, None),
        ("handed-over", BORIS, None),
        ("refused", BORIS, "Nav Jūsu"),
    ]


def test_the_history_cannot_be_improved_afterwards(placet: Application, zane: Subject, now: datetime) -> None:
    file(placet, zane.id, now)
    for statement in ("UPDATE rights.step SET at = at - interval '1 day'", "DELETE FROM rights.step"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), placet.database.transaction() as connection:
            connection.execute(statement.encode())


def test_the_queue_is_by_deadline_in_pages_without_words(placet: Application, zane: Subject, now: datetime) -> None:
    filed = [file(placet, zane.id, now - timedelta(days=days)) for days in (3, 33, 1, 27, 2)]
    with placet.database.transaction() as connection:
        requests = placet.requests
        requests.take(connection, filed[0].id, ANNA, now=now)
        requests.withdraw(connection, filed[2].id, now=now)
        first = requests.queue(connection, limit=2)
        rest = requests.queue(connection, after=first[-1].id, limit=10)
        assert [one.id for one in (*first, *rest)] == [filed[1].id, filed[3].id, filed[0].id, filed[4].id]
        assert {one.text for one in (*first, *rest)} == {None}
        assert [one.id for one in requests.queue(connection, owner=ANNA)] == [filed[0].id]
        assert len(requests.queue(connection, owner="nobody")) == 3
        assert [one.id for one in requests.queue(connection, states=["withdrawn"])] == [filed[2].id]
        newest = requests.queue(connection, order="filing")
        assert [one.id for one in newest] == sorted((one.id for one in newest), reverse=True)
        counts = requests.counts_by_deadline(connection, now)
        assert (counts.overdue, counts.soon, counts.in_time, counts.open) == (1, 1, 2, 4)


def test_requests_are_listed_newest_first_in_pages_and_only_to_their_person(
    placet: Application, zane: Subject, now: datetime
) -> None:
    filed = [file(placet, zane.id, now + timedelta(minutes=minute)) for minute in range(5)]
    stranger = add(placet, "+37126000003", now)
    with placet.database.transaction() as connection:
        requests = placet.requests
        page = requests.of_subject(connection, zane.id, limit=2)
        rest = requests.of_subject(connection, zane.id, before=page[-1].id)
        assert [*page, *rest] == filed[::-1]
        assert requests.of_subject(connection, stranger.id) == []
        assert requests.get(connection, filed[0].id, subject=zane.id) == filed[0]
        with refused(NotFound, "unknown-request"):
            requests.get(connection, filed[0].id, subject=stranger.id)
        with refused(NotFound, "unknown-request"):
            requests.get(connection, RequestId(uuid4()))


def test_requests_of_a_merged_identity_are_the_persons_and_stay_readable(
    placet: Application, zane: Subject, now: datetime
) -> None:
    twin = add(placet, "+37126000004", now)
    filed = file(placet, twin.id, now)
    with placet.database.transaction() as connection:
        bootstrap.merge(placet, connection, zane.id, twin.id, now=now)
        assert placet.requests.of_subject(connection, zane.id) == [filed]
        assert placet.requests.get(connection, filed.id, subject=zane.id).text == WISH
        answered = placet.requests.finish(connection, filed.id, outcome="Gatavs", by=BY_ANNA, now=now)
    assert (answered.text, answered.outcome) == (WISH, "Gatavs")
