from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import attrs
import pytest

from placet.gate import _mint
from placet.gate.actions import Allowed, Denied, Gate, Permit, answer_json
from placet.gate.model import Reason, Token
from placet.kernel import errors
from placet.kernel.ids import SubjectId
from placet.store.database import Database


def ask(
    database: Database, gate: Gate, subject: SubjectId, asked: str, now: datetime, **more: object
) -> Allowed | Denied:
    with database.transaction() as connection:
        return gate.check(connection, subject, asked, now=now, **more)


def reason(answer: Allowed | Denied) -> str:
    return answer.reason.value if isinstance(answer, Denied) else "yes"


def test_silence_is_no_consent(town, database, gate, now) -> None:
    assert reason(ask(database, gate, town.add(1), "offers", now)) == "no-decision"


def test_unknown_subject_is_refused_even_on_a_contract(town, database, gate, now) -> None:
    assert reason(ask(database, gate, SubjectId(uuid4()), "service.billing", now)) == "unknown-subject"


def test_contract_needs_no_consent_and_says_so(town, database, gate, now) -> None:
    answer = ask(database, gate, town.add(1), "service.billing", now)
    assert isinstance(answer, Allowed)
    assert answer.basis == "contract"


def test_withdrawal_is_seen_by_the_next_check(town, database, gate, now) -> None:
    subject = town.add(1)
    town.say(1, "offers", "given")
    assert reason(ask(database, gate, subject, "offers", now)) == "yes"
    town.say(1, "offers", "withdrawn")
    assert reason(ask(database, gate, subject, "offers", now)) == "withdrawn"


def test_sending_needs_purpose_and_channel(town, database, gate, now) -> None:
    subject = town.add(1)
    town.say(1, "offers", "given")
    assert reason(ask(database, gate, subject, "offers.email", now)) == "no-channel"
    town.say(1, "offers", "given", channel="email")
    assert reason(ask(database, gate, subject, "offers.email", now)) == "yes"
    assert reason(ask(database, gate, subject, "offers", now, channel="sms")) == "no-channel"
    town.say(1, "offers", "refused", channel="email")
    assert reason(ask(database, gate, subject, "offers.email", now)) == "channel-refused"
    assert reason(ask(database, gate, subject, "offers", now)) == "yes"


def test_all_needs_of_an_activity_are_asked(town, database, gate, now) -> None:
    subject = town.add(1)
    town.say(1, "credit", "given")
    assert reason(ask(database, gate, subject, "credit.care", now)) == "no-decision"
    town.say(1, "usage", "given")
    assert reason(ask(database, gate, subject, "credit.care", now)) == "yes"


def test_states_of_another_person_open_nothing(town, database, gate, now) -> None:
    town.add(1)
    town.say(1, "offers", "given")
    assert reason(ask(database, gate, town.add(2), "offers", now)) == "no-decision"


def test_token_of_the_withdrawal_is_honoured_and_one_ahead_is_stale(town, database, gate, now) -> None:
    subject = town.add(1)
    town.say(1, "offers", "given")
    answer = ask(database, gate, subject, "offers", now)
    assert reason(ask(database, gate, subject, "offers", now, token=answer.token)) == "yes"
    ahead = attrs.evolve(answer.token, position=answer.token.position + 1)
    assert reason(ask(database, gate, subject, "offers", now, token=ahead)) == "stale"


def test_token_from_before_a_restore_is_stale(town, database, gate, now) -> None:
    subject = town.add(1)
    town.say(1, "offers", "given")
    before = ask(database, gate, subject, "offers", now).token
    town.restore("ffffffff")
    assert reason(ask(database, gate, subject, "offers", now, token=before)) == "stale"


def test_erased_person_is_refused_on_every_basis(town, database, gate, now) -> None:
    subject = town.add(1)
    town.say(1, "offers", "given")
    town.erase(1)
    for asked in ("offers", "service.billing"):
        assert reason(ask(database, gate, subject, asked, now)) == "erased"


def test_merged_person_answers_as_the_one_that_remains(town, database, gate, now) -> None:
    remaining = town.add(1)
    town.say(1, "offers", "withdrawn")
    town.say(2, "offers", "given")
    merged = town.add(2, merged_into=remaining)
    assert reason(ask(database, gate, merged, "offers", now)) == "withdrawn"


MALFORMED = [
    "",
    "x",
    "0a0a0a0a",
    "0a0a0a0a.",
    "0a0a0a0a.-1",
    "0a0a0a0a.01",
    "0A0A0A0A.1",
    "0a0a0a0a.1 ",
    "0a0a0a0a.٣",
    "0a0a0a0a.1\n",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_token_is_bad_input_and_not_ignored(text: str) -> None:
    with pytest.raises(errors.BadInput):
        Token.parse(text)


def permit(town, database, gate, now, **said: object) -> Permit:
    subject = town.add(1)
    town.say(1, "offers", "given", **said)
    answer = ask(database, gate, subject, "offers", now)
    assert isinstance(answer, Allowed)
    assert answer.permit is not None
    return answer.permit


def test_permit_is_read_back_as_it_was_minted(town, database, gate, now) -> None:
    minted = permit(town, database, gate, now)
    assert gate.verify_permit(minted.text, now=now) == minted


def test_permit_ends_half_open(town, database, gate, now) -> None:
    minted = permit(town, database, gate, now)
    end = now + timedelta(seconds=gate.permit_seconds)
    assert gate.verify_permit(minted.text, now=end - timedelta(microseconds=1)) == minted
    with pytest.raises(errors.Denied):
        gate.verify_permit(minted.text, now=end)


def test_permit_never_outlives_the_consent(town, database, gate, now) -> None:
    end = now + timedelta(seconds=5)
    assert permit(town, database, gate, now, until=end).expires_at == end


def test_permit_with_any_byte_changed_is_refused(town, database, gate, now) -> None:
    text = permit(town, database, gate, now).text
    for place, letter in enumerate(text):
        forged = text[:place] + ("A" if letter != "A" else "B") + text[place + 1 :]
        with pytest.raises(errors.Denied):
            gate.verify_permit(forged, now=now)


@pytest.mark.parametrize("text", ["", ".", "..", "p1..", "p1.e30.", "p1.€.x", "p2.e30.e30", "\x00"])
def test_rubbish_is_no_permit(gate, now, text: str) -> None:
    with pytest.raises(errors.Denied):
        gate.verify_permit(text, now=now)


def test_permit_of_another_key_is_refused(town, database, gate, now) -> None:
    text = permit(town, database, gate, now).text
    with pytest.raises(errors.Denied):
        Gate(bytes([1]) * 32).verify_permit(text, now=now)


def test_nobody_but_the_gate_makes_a_permit_or_an_audience(town, database, gate, now) -> None:
    minted = permit(town, database, gate, now)
    for attempt in (Permit, _mint.Audience, lambda: attrs.evolve(minted, basis="contract")):
        with pytest.raises(errors.Denied):
            attempt()


def test_answer_prints_what_the_public_face_promises(town, database, gate, now) -> None:
    subject = town.add(1)
    assert answer_json(ask(database, gate, subject, "offers", now)) == {
        "allowed": False,
        "reason": Reason.NO_DECISION.value,
        "as_of": "2026-03-12T12:00:00.000000Z",
        "age_ms": 0,
        "token": str(ask(database, gate, subject, "offers", now).token),
        "permit": None,
    }
