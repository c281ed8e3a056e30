"""A person's own no against a representative's yes: the table in own_no.yaml, through the fold and what it admits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from placet.consents.model import Actor, Decision, Notice, Record, Refused, Wish
from placet.consents.rules import OWN_NO_MERGED, Facts, Shown, Terms, admit, fold
from placet.kernel.ids import ChannelId, Position, PurposeId, RecordId, SubjectId

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
OFFERS = PurposeId("offers")
ZANE = SubjectId(UUID(int=7))
TERMS = Terms(OFFERS, 1, 0, tuple(map(ChannelId, ("email", "sms", "post"))), frozenset({"lv"}))
FACTS = Facts(known=True, terms=TERMS, shown=Shown(OFFERS, 1, 0, "lv"), mandate_covers=True)
CASES = yaml.safe_load(Path(__file__).with_name("own_no.yaml").read_text(encoding="utf-8"))


def words(text: str) -> tuple[str, Decision, ChannelId | None]:
    who, decision, *channel = text.split()
    return who, Decision(decision), ChannelId(channel[0]) if channel else None


def record(position: int, text: str) -> Record:
    who, decision, channel = words(text)
    at = NOON + timedelta(hours=position)
    return Record(
        id=RecordId(UUID(int=position)),
        subject=ZANE,
        purpose=OFFERS,
        channel=channel,
        decision=decision,
        route="portal",
        actor=Actor("system" if who == "merged" else who),  # type: ignore[arg-type]
        occurred_at=at,
        recorded_at=at,
        notice=Notice("1.0", None) if decision is Decision.GIVEN else None,
        reason=OWN_NO_MERGED if who == "merged" else None,
        position=Position(position),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_who_may_open_again_what_was_closed(case: dict[str, Any]) -> None:
    said = [record(position, text) for position, text in enumerate(case["said"], 1)]
    standing = fold(said, {OFFERS: TERMS}).get(OFFERS, {})
    who, decision, channel = words(case["wish"])
    wish = Wish(ZANE, OFFERS, decision.value, "portal", Actor(who), channel=channel)  # type: ignore[arg-type]
    answer = admit(wish, FACTS, standing, now=NOON + timedelta(days=1), rest=timedelta(days=90))
    assert (answer.code if isinstance(answer, Refused) else "recorded") == case["answer"]
