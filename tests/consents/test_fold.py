"""The fold, as a table that a data-protection officer can read and add to, and as properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from placet.consents.model import CLOSING, Actor, Decision, Notice, Record
from placet.consents.rules import Terms, fold
from placet.kernel.ids import ChannelId, Position, PurposeId, RecordId, SubjectId

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
SUBJECT = SubjectId(UUID(int=7))
OFFERS = PurposeId("offers")
CHANNELS = tuple(map(ChannelId, ("email", "sms", "call", "post", "app")))
TERMS = {OFFERS: Terms(OFFERS, 1, 0, CHANNELS, frozenset({"lv"}))}
CASES = yaml.safe_load((Path(__file__).parent / "fold.yaml").read_text())


def said(position: int, decision: str, channel: str, hour: float, recorded: float | None = None) -> Record:
    return Record(
        id=RecordId(UUID(int=position)),
        subject=SUBJECT,
        purpose=OFFERS,
        channel=None if channel == "-" else ChannelId(channel),
        decision=Decision(decision),
        route="portal",
        actor=Actor("subject"),
        occurred_at=NOON + timedelta(hours=hour),
        recorded_at=NOON + timedelta(hours=hour if recorded is None else recorded, microseconds=position),
        notice=Notice("1.0", None) if decision == "given" else None,
        position=Position(position),
    )


def records(lines: list[str]) -> list[Record]:
    parts = [line.split() for line in lines]
    return [said(index, d, c, *map(float, hours)) for index, (d, c, *hours) in enumerate(parts, 1)]


def words(folded: Any) -> dict[str, str]:
    return {channel or "-": state.decision.value for channel, state in folded.get(OFFERS, {}).items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_fold_leads_to(case: dict[str, Any]) -> None:
    assert words(fold(records(case["said"]), TERMS)) == case["then"]


def test_what_was_known_earlier_is_what_was_recorded_by_then() -> None:
    history = records(["given - 1", "withdrawn - 2 9"])
    assert words(fold(history, TERMS, known_at=NOON + timedelta(hours=5))) == {"-": "given"}
    assert words(fold(history, TERMS)) == {"-": "withdrawn"}


def test_what_was_valid_earlier_is_what_had_occurred_by_then() -> None:
    history = records(["given - 1", "withdrawn - 4"])
    assert words(fold(history, TERMS, at=NOON + timedelta(hours=3))) == {"-": "given"}
    assert words(fold(history, TERMS, at=NOON + timedelta(hours=4))) == {"-": "withdrawn"}


def test_a_late_paper_no_closes_from_the_day_it_was_said() -> None:
    history = records(["given - 1", "withdrawn - 2 9"])
    assert words(fold(history, TERMS, at=NOON + timedelta(hours=3))) == {"-": "withdrawn"}


moves = st.tuples(
    st.sampled_from([d.value for d in Decision]),
    st.sampled_from(["-", "sms", "email"]),
    st.integers(0, 6),
    st.integers(0, 3),
)


@given(st.lists(moves, max_size=14))
def test_a_yes_is_never_open_unless_it_is_newer_than_every_earlier_no(history: list[tuple[str, str, int, int]]) -> None:
    entered = [said(i, d, c, hour, hour + late) for i, (d, c, hour, late) in enumerate(history, 1)]
    states = fold(entered, TERMS).get(OFFERS, {})
    for channel, state in states.items():
        if state.decision is not Decision.GIVEN:
            continue
        mine = entered[state.position - 1]
        against = [r for r in entered if r.decision in CLOSING and r.channel in {channel, None}]
        assert all(r.position < mine.position and r.occurred_at < mine.occurred_at for r in against)  # type: ignore[operator]


@given(st.lists(moves, max_size=14))
def test_a_closing_no_always_closes(history: list[tuple[str, str, int, int]]) -> None:
    entered = [said(i, d, c, hour, hour + late) for i, (d, c, hour, late) in enumerate(history, 1)]
    entered.append(said(len(entered) + 1, "withdrawn", "-", 0, 99))
    states = fold(entered, TERMS)[OFFERS]
    assert all(state.decision is not Decision.GIVEN for state in states.values())
