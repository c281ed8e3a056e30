"""Withdrawals are carried to every purpose, each in its own time, and none is lost by a crash."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import attrs
import psycopg
import pytest
from psycopg import Connection
from reference_purpose import SCHEMA, Greetings, GreetingsGround

from placet.bootstrap import Application, erase
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.duties import Duties, Person, Withdrawn
from placet.gate import stops
from placet.kernel import clock
from placet.kernel.ids import ChannelId, Number, Position, PurposeId
from placet.rights import propagation
from placet.rights.propagation import Propagation, stop_of
from placet.subjects.model import Subject

GREETINGS = GreetingsGround()


@attrs.define
class Obstinate(Greetings):
    """Greetings that run something for *busy* numbers, break for *broken*, and note what they were asked."""

    busy: set[int] = attrs.field(factory=set)
    broken: set[int] = attrs.field(factory=set)
    asked: list[Withdrawn] = attrs.field(factory=list)

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        self.asked.append(withdrawn)
        if withdrawn.person.number in self.broken:
            connection.execute("SELECT 1 / 0")
        return super().stop(connection, withdrawn, now=now) and withdrawn.person.number not in self.busy


@pytest.fixture
def greetings(placet: Application) -> Obstinate:
    with psycopg.connect(placet.config.database_url, autocommit=True) as connection:
        connection.execute(SCHEMA)
    return Obstinate()


@pytest.fixture
def course(placet: Application, greetings: Obstinate) -> Propagation:
    return started(placet, greetings)


def started(placet: Application, *duties: Duties) -> Propagation:
    """As after the start of a worker."""
    found = Propagation(placet.database, duties)
    found.register(now=clock.now())
    return found


def add(placet: Application) -> Subject:
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=[], now=clock.now())


def person(subject: Subject) -> Person:
    return Person(subject.id, Number(subject.number))


def say(
    placet: Application, subject: Subject, decision: str, *, purpose: str = "offers", channel: str | None = None
) -> Position:
    with placet.database.transaction() as connection:
        shown = render(placet.catalogue(connection), purpose=purpose, language="lv", route="api")
        catalogue_store.remember_shown(connection, shown, clock.now())
        wish = Wish(
            subject.id,
            PurposeId(purpose),
            decision,
            "api",
            Actor("client", "tests"),
            channel=None if channel is None else ChannelId(channel),
            language="lv",
            shown=shown.sha256,
        )
        (outcome,) = consents.record(connection, [wish], rulebook=placet.rulebook, now=clock.now())
    assert isinstance(outcome, Recorded)
    return Position(outcome.position)


def queue(placet: Application, subject: Subject) -> None:
    with placet.database.transaction() as connection:
        GREETINGS.queue(connection, person(subject), None, now=clock.now())


def waiting(placet: Application, subject: Subject) -> int:
    with placet.database.transaction() as connection:
        return GREETINGS.waiting(connection, person(subject))


def stopped(placet: Application, position: Position) -> bool:
    with placet.database.transaction() as connection:
        return stops.clock(connection, position, now=clock.now()).stopped_everywhere_at is not None


def test_withdrawal_cancels_what_waits_and_is_acknowledged(placet, greetings, course) -> None:
    anna, berta = add(placet), add(placet)
    for subject in (anna, berta):
        say(placet, subject, "given")
        queue(placet, subject)
    position = say(placet, anna, "withdrawn")
    assert course.look(clock.now) is False
    assert (waiting(placet, anna), waiting(placet, berta), stopped(placet, position)) == (0, 1, True)
    assert greetings.asked == [Withdrawn(person(anna), PurposeId("offers"), None, position)]


def test_withdrawal_of_a_channel_names_it_and_that_of_the_purpose_is_asked_once(placet, greetings, course) -> None:
    anna = add(placet)
    say(placet, anna, "given")
    for channel in ("email", "sms"):
        say(placet, anna, "given", channel=channel)
    say(placet, anna, "withdrawn", channel="email")
    say(placet, anna, "withdrawn")
    course.look(clock.now)
    assert [withdrawn.channel for withdrawn in greetings.asked] == ["email", None]


def test_other_purposes_are_not_asked(placet, greetings, course) -> None:
    anna = add(placet)
    for decision in ("given", "withdrawn"):
        say(placet, anna, decision, purpose="usage")
    say(placet, anna, "given")
    course.look(clock.now)
    assert greetings.asked == []


def test_erasure_is_a_matter_of_every_purpose(placet, greetings, course) -> None:
    anna = add(placet)
    queue(placet, anna)
    with placet.database.transaction() as connection:
        erase(placet, connection, anna.id, now=clock.now())
    course.look(clock.now)
    assert [(one.person, one.channel) for one in greetings.asked] == [(person(anna), None)]
    assert waiting(placet, anna) == 0


def test_what_still_runs_is_asked_again_and_holds_nobody_else_up(placet, greetings, course) -> None:
    anna, berta = add(placet), add(placet)
    greetings.busy = {anna.number}
    positions = [say(placet, subject, "refused") for subject in (anna, berta)]
    queue(placet, berta)
    assert course.look(clock.now) is True
    assert waiting(placet, berta) == 0
    assert [stopped(placet, position) for position in positions] == [False, False]
    assert course.look(clock.now) is True
    greetings.busy = set()
    assert course.look(clock.now) is False
    assert [stopped(placet, position) for position in positions] == [True, True]
    asked = [withdrawn.person.number for withdrawn in greetings.asked]
    assert asked == [anna.number, berta.number, anna.number, anna.number]


def test_purpose_that_breaks_for_one_person_stops_for_the_others_and_is_not_acknowledged(
    placet, greetings, course
) -> None:
    anna, berta = add(placet), add(placet)
    greetings.broken = {anna.number}
    positions = [say(placet, subject, "refused") for subject in (anna, berta)]
    queue(placet, berta)
    assert course.look(clock.now) is True
    assert (waiting(placet, berta), stopped(placet, positions[0])) == (0, False)


def test_crash_before_the_commit_asks_again_and_one_after_it_does_not(placet, greetings, course, monkeypatch) -> None:
    anna = add(placet)
    first = say(placet, anna, "refused")
    queue(placet, anna)
    with monkeypatch.context() as broken:
        broken.setattr(propagation.stops, "acknowledge", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            course.look(clock.now)
    assert (waiting(placet, anna), stopped(placet, first)) == (1, False)
    started(placet, greetings).look(clock.now)
    assert (waiting(placet, anna), stopped(placet, first)) == (0, True)
    greetings.asked.clear()
    started(placet, greetings).look(clock.now)
    assert greetings.asked == []


def test_two_workers_do_not_wait_for_each_other(placet, greetings, course) -> None:
    anna = add(placet)
    position = say(placet, anna, "refused")
    with placet.database.transaction() as connection:
        assert stops.take(connection, stop_of(greetings))
        assert course.look(clock.now) is False
    assert greetings.asked == []
    course.look(clock.now)
    assert stopped(placet, position)


def test_many_withdrawals_go_in_batches_and_none_is_left_out(placet, greetings, course, monkeypatch) -> None:
    monkeypatch.setattr(propagation, "BATCH", 3)
    people = [add(placet) for _ in range(8)]
    positions = [say(placet, subject, "refused") for subject in people]
    rounds = 1
    while course.look(clock.now):
        rounds += 1
    assert rounds == 3
    assert [withdrawn.person.number for withdrawn in greetings.asked] == [subject.number for subject in people]
    assert all(stopped(placet, position) for position in positions)


def test_purpose_that_is_installed_no_more_owes_nothing(placet, greetings, course) -> None:
    say(placet, add(placet), "refused")
    started(placet)
    with placet.database.transaction() as connection:
        assert stops.listing(connection) == []


def test_purpose_that_another_process_retired_is_told_what_it_missed(placet, greetings, course) -> None:
    started(placet)
    position = say(placet, add(placet), "refused")
    assert course.look(clock.now) is False
    assert greetings.asked == []
    course.register(now=clock.now())
    course.look(clock.now)
    assert [withdrawn.position for withdrawn in greetings.asked] == [position]


def test_silent_purpose_closes_its_gate_and_its_answer_opens_it(placet, greetings, course) -> None:
    anna = add(placet)
    greetings.busy = {anna.number}
    position = say(placet, anna, "refused")
    course.look(clock.now)
    with placet.database.transaction() as connection:
        late = clock.now() + propagation.LIMIT + timedelta(seconds=1)
        assert stops.watch(connection, now=late).closed == ((stop_of(greetings), {"offers"}),)
    greetings.busy = set()
    course.look(clock.now)
    with placet.database.transaction() as connection:
        assert stops.closures(connection) == []
    assert stopped(placet, position)


def test_purpose_that_hangs_does_not_keep_its_gate_open(placet, greetings, course) -> None:
    say(placet, add(placet), "refused")
    with placet.database.transaction() as hanging:
        assert stops.take(hanging, stop_of(greetings))
        with placet.database.transaction() as connection:
            connection.execute("SET LOCAL lock_timeout = '5s'")
            late = clock.now() + propagation.LIMIT + timedelta(seconds=1)
            assert stops.watch(connection, now=late).closed == ((stop_of(greetings), {"offers"}),)


def test_thread_is_woken_by_a_withdrawal_and_ends_when_told(placet, greetings) -> None:
    stop = threading.Event()
    running = Propagation(placet.database, [greetings])
    thread = threading.Thread(target=running.follow, args=(stop, clock.now))
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not registered(placet) and time.monotonic() < deadline:
            time.sleep(0.01)
        position = say(placet, add(placet), "refused")
        while not stopped(placet, position) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert stopped(placet, position)
    finally:
        stop.set()
        thread.join()


def registered(placet: Application) -> bool:
    with placet.database.transaction() as connection:
        return bool(stops.listing(connection))


def test_worker_without_purposes_has_nothing_to_propagate(placet) -> None:
    Propagation(placet.database, ()).follow(threading.Event(), clock.now)
