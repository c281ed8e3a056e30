"""The clock jumps back: order stays the ledger's, and nothing that has ended begins again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from survival_house import assert_gapless

from placet.access import sessions
from placet.bootstrap import Application
from placet.consents.model import Actor, Recorded, Wish
from placet.consents.sequencer import Sequencer
from placet.gate.actions import Allowed, Denied
from placet.gate.feed import Feed
from placet.gate.memory import Memory
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.kernel import clock, errors
from placet.kernel.ids import ActivityId, PurposeId
from placet.subjects.model import Alias, Subject

HOUR = timedelta(hours=1)
USAGE = PurposeId("usage")


@pytest.fixture
def anna(placet: Application) -> Subject:
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=[Alias.msisdn("+37120000009")], now=clock.now())


def withdraw(placet: Application, subject: Subject, now: datetime) -> Recorded:
    sequencer = Sequencer(placet.database, placet.rulebook, lambda: now)
    sequencer.start()
    wish = Wish(subject.id, PurposeId("profiling"), "withdrawn", "portal", Actor("subject", str(subject.id)))
    (outcome,) = sequencer.record([wish])
    sequencer.stop()
    assert isinstance(outcome, Recorded)
    return outcome


def open_usage(placet: Application, subject: Subject, until: datetime | None) -> None:
    """A yes that ends at *until*, as a purpose with a term has it."""
    with placet.database.transaction() as connection:
        connection.execute(
            "INSERT INTO consents.state (number, purpose, decision, position, occurred_at, recorded_at, notice_major,"
            " expires_at) SELECT %s, purpose, 'given', 1, now(), now(), major, %s FROM catalogue.current_notice"
            " WHERE purpose = %s",
            [subject.number, until, USAGE],
        )


def test_records_and_checkpoints_never_go_back(placet: Application, anna: Subject) -> None:
    now = clock.now()
    jumps = [0, 2, -48, -47, 1, -900, 3]
    signed = []
    for hours in jumps:
        withdraw(placet, anna, now + hours * HOUR)
        checkpoint = placet.keeper.run_once(now + hours * HOUR)
        assert checkpoint is not None
        signed.append(checkpoint.signed_at)
    assert signed == sorted(signed)
    with placet.database.transaction() as connection:
        assert_gapless(connection)


def test_a_consent_that_has_ended_stays_ended(placet: Application, anna: Subject, tmp_path: Path) -> None:
    now = clock.now()
    open_usage(placet, anna, now + HOUR)
    withdraw(placet, anna, now + 2 * HOUR)
    back = now + HOUR / 2
    with placet.database.transaction() as connection:
        answer = placet.gate.check(connection, anna.id, USAGE, now=back)
    assert isinstance(answer, Denied)
    assert answer.reason == Reason.EXPIRED
    memory = Memory(bound=60.0)
    replica = Replica(memory, Feed(memory, placet.database, tmp_path / "snapshot", clock=lambda: back))
    replica.catch_up()
    told = replica.check(anna.number, USAGE, None, replica.now())
    assert (told.allowed, told.reason) == (False, Reason.LAPSED)


def test_a_permit_is_good_for_no_time_before_it_was_given(placet: Application, anna: Subject) -> None:
    now = clock.now()
    open_usage(placet, anna, None)
    with placet.database.transaction() as connection:
        answer = placet.gate.check(connection, anna.id, ActivityId(USAGE), now=now)
    assert isinstance(answer, Allowed)
    assert answer.permit is not None
    assert placet.gate.verify_permit(answer.permit.text, now=now) == answer.permit
    for jumped in (now - HOUR, now + HOUR):
        with pytest.raises(errors.Denied, match="holds no longer"):
            placet.gate.verify_permit(answer.permit.text, now=jumped)


def test_a_session_does_not_outlive_a_clock_that_jumped_back(placet: Application, anna: Subject) -> None:
    now = clock.now()
    with placet.database.transaction() as connection:
        session = sessions.open_session(connection, anna.id, "lv", now=now)
        assert sessions.resume(connection, session.token, now=now - timedelta(seconds=1)) == session
        assert sessions.resume(connection, session.token, now=now - HOUR) is None


def test_a_code_does_not_outlive_a_clock_that_jumped_back(placet: Application, anna: Subject) -> None:
    now = clock.now()
    sent: list[str] = []

    class Sender:
        def send(self, _connection: object, message: object, *, now: datetime) -> None:
            sent.append(message.code)  # type: ignore[attr-defined]

    codes = type(placet.codes)(placet.database, placet.subjects, placet.master, Sender())
    challenge = codes.request("msisdn:+37120000009", address="192.0.2.1", language="lv", now=now)
    assert codes.verify(challenge, sent[0], now=now - HOUR) is None
    assert codes.verify(challenge, sent[0], now=now) == anna.id
