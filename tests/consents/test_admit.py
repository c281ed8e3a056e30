"""Which decisions are recorded at all: the table in admit.yaml."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest
import yaml

from placet.consents.model import Actor, Decision, Provenance, Refused, State, Wish
from placet.consents.rules import Facts, Shown, Terms, admit
from placet.kernel.ids import ChannelId, MandateId, Position, PurposeId, SubjectId

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
REST = timedelta(days=90)
OFFERS = PurposeId("offers")
TERMS = Terms(OFFERS, 1, 0, (ChannelId("email"), ChannelId("sms")), frozenset({"lv", "ru", "en"}))
USUAL = Wish(SubjectId(UUID(int=1)), OFFERS, "given", "portal", Actor("subject"), language="lv", shown=b"\1" * 32)
CASES = yaml.safe_load((Path(__file__).parent / "admit.yaml").read_text())


def hours(count: float | None) -> datetime | None:
    return None if count is None else NOW + timedelta(hours=count)


def wish(changes: dict[str, Any]) -> Wish:
    plain = {
        key: changes[key] for key in ("decision", "route", "channel", "language", "notice_version") if key in changes
    }
    found = attrs.evolve(USUAL, **plain, occurred_at=hours(changes.get("said")))
    if "mandate" in changes:
        found = attrs.evolve(found, mandate=MandateId(UUID(int=changes["mandate"])))
    if "actor" in changes:
        found = attrs.evolve(found, actor=Actor(changes["actor"], str(UUID(int=2))))
    if "provenance" in changes:
        found = attrs.evolve(found, provenance=Provenance("crm", changes["provenance"], NOW), shown=None)
    return found


def facts(changes: dict[str, Any]) -> Facts:
    terms: Terms | None = attrs.evolve(TERMS, line_tied=changes.get("line_tied", False))
    shown: Shown | None = Shown(OFFERS, changes.get("shown_major", 1), 0, "lv")
    if changes.get("shown") == "none":
        shown = None
    elif changes.get("shown") == "usage":
        shown = Shown(PurposeId("usage"), 1, 0, "lv")
    return Facts(
        known=changes.get("known", True),
        erased=changes.get("erased", False),
        terms=None if changes.get("terms") == "none" else terms,
        shown=shown,
        line_since=hours(changes.get("line_since")),
        mandate_covers=changes.get("mandate_covers", False),
    )


def standing(name: str | None) -> dict[ChannelId | None, State]:
    if name is None:
        return {}
    when = NOW - (timedelta(days=7) if name == "own-no" else REST)
    return {None: State(Decision.WITHDRAWN, Position(1), when, when, closed_at=when, closed_by_self=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_admit_answers(case: dict[str, Any]) -> None:
    answer = admit(
        wish(case.get("wish", {})), facts(case.get("facts", {})), standing(case.get("standing")), now=NOW, rest=REST
    )
    assert (answer.code if isinstance(answer, Refused) else "recorded") == case["answer"]


def test_every_refusal_says_what_to_do_and_repeats_nothing_the_caller_sent() -> None:
    secret = attrs.evolve(USUAL, purpose=PurposeId("+37129999999"), channel=ChannelId("anna@example.com"))
    answer = admit(secret, Facts(known=True, terms=TERMS), {}, now=NOW, rest=REST)
    assert isinstance(answer, Refused)
    assert "anna" not in answer.message
    assert "+371" not in answer.message
