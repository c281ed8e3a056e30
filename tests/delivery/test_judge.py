"""The rules of sending, by the tables beside this file."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
import yaml

from placet.delivery import rules
from placet.delivery.model import Deferred, Delivered, Failed, Kind, Outcome, Sent, State, Unknown
from placet.delivery.policy import parse, standard
from placet.delivery.rules import Asked, Earlier, Halt, Mute, Refuse, Start, Wait
from placet.kernel.ids import ChannelId

RIGA = ZoneInfo("Europe/Riga")
HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = yaml.safe_load((HERE / "judge.yaml").read_text(encoding="utf-8"))
TOLD = [tuple(row) for row in yaml.safe_load((HERE / "settle.yaml").read_text(encoding="utf-8"))]
OUTCOMES: dict[str, Outcome] = {
    "sent": Sent("q1"),
    "delivered": Delivered(),
    "failed": Failed("5.1.1"),
    "deferred": Deferred("4.2.2", datetime(2026, 3, 12, 13, tzinfo=RIGA)),
    "unknown": Unknown("answer-lost"),
}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=RIGA)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_judge_answers_as_the_table_says(case: dict[str, Any]) -> None:
    at = instant(case["at"])
    kind, topic = Kind(case.get("kind", "offer")), case.get("topic")
    channel = ChannelId(case.get("channel", "email"))
    asked = Asked(
        kind=kind, channel=channel, topic=topic, basis=case.get("basis", "consent"), refusal=case.get("refusal"),
        not_after=instant(case["not_after"]) if "not_after" in case else at + timedelta(days=2),
        zone=ZoneInfo(case.get("zone", "Europe/Riga")), addressed=case.get("addressed", True),
        suppressed=frozenset(case.get("suppressed", ())), mutes=[muted(**mute) for mute in case.get("mutes", ())],
        slowed=case.get("slowed", False), halt=Halt(case["halt"]) if "halt" in case else None,
        earlier=[
            Earlier(
                Kind(one.get("kind", kind)), ChannelId(one.get("channel", "email")), one.get("topic"),
                at - timedelta(days=one["days"]),
            )
            for one in case.get("earlier", ())
        ],
    )  # fmt: skip
    assert rules.judge(asked, standard(), at) == expected(case)


def muted(until: str | None = None, **what: Any) -> Mute:
    return Mute(**what, until=None if until is None else instant(until))


def expected(case: dict[str, Any]) -> rules.Verdict:
    if "refuse" in case:
        return Refuse(case["refuse"])
    return Wait(instant(case["wait"])) if "wait" in case else Start(instant(case["start_until"]))


@pytest.mark.parametrize(("state", "outcome"), list(product(State, OUTCOMES)))
def test_settle_moves_as_the_table_says_and_never_otherwise(state: State, outcome: str) -> None:
    becomes = {(before, told): after for before, told, after in TOLD}.get((state, outcome))
    settled = rules.settle(state, 1, OUTCOMES[outcome], standard())
    assert (None if settled is None else settled.state) == becomes


def test_deferred_too_often_has_failed() -> None:
    policy = standard()
    assert rules.settle(State.SENDING, policy.attempts - 1, OUTCOMES["deferred"], policy).state is State.DEFERRED
    last = rules.settle(State.SENDING, policy.attempts, OUTCOMES["deferred"], policy)
    assert (last.state, last.reason) == (State.FAILED, "too-often")


def test_calendar_without_an_open_day_refuses() -> None:
    policy = standard()
    never = attrs.evolve(policy.calendars[Kind.OFFER], week=(None,) * 7)
    assert rules.window(never, RIGA, instant("2026-03-12 14:00")) is None


@pytest.mark.parametrize(
    "harm", [{"caps": [{"kind": "offer", "most": 1, "day": 7}]}, {"hours": {"offer": {"someday": []}}}]
)
def test_policy_with_a_word_it_does_not_know_is_refused(harm: dict[str, Any]) -> None:
    whole = {"caps": [], "hours": {}, "attempts": 1, "lease_seconds": 90, "reconcile_hours": 24}
    assert parse(whole).caps == ()
    with pytest.raises(ValueError, match="know"):
        parse(whole | harm)
