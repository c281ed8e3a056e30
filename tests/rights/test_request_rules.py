"""Runs tests/rights/requests.yaml, and how near a deadline is called what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5
from zoneinfo import ZoneInfo

import attrs
import pytest
import yaml

from placet.consents.model import Actor
from placet.kernel.errors import Conflict
from placet.kernel.ids import StaffId, SubjectId
from placet.rights import rules
from placet.rights.model import CLOSED, STATES, Request, RequestId, State

ZONE = ZoneInfo("Europe/Riga")
DUE = datetime(2026, 3, 31, 23, 59, 59, tzinfo=ZONE)
CASES = yaml.safe_load(Path(__file__).with_name("requests.yaml").read_text(encoding="utf-8"))


def member(name: str) -> StaffId:
    return StaffId(uuid5(NAMESPACE_DNS, name))


def request(state: State, owner: str = "nobody") -> Request:
    received = datetime(2026, 2, 28, 9, tzinfo=UTC)
    return Request(
        id=RequestId(uuid5(NAMESPACE_DNS, "request")),
        subject=SubjectId(uuid5(NAMESPACE_DNS, "zane")),
        kind="access",
        state=state,
        route="portal",
        filed_by=Actor("subject"),
        opening=None,
        concerns=None,
        received_at=received,
        due=DUE,
        extended_at=received if state == "extended" else None,
        owner=None if owner == "nobody" else member(owner),
        closed_at=received if state in CLOSED else None,
    )


def step(case: dict[str, Any]) -> Request:
    before = request(case["state"], case["owner"])
    now = datetime(2026, 3, 1, 12, tzinfo=ZONE) + timedelta(days=case.get("day", 10) - 1)
    by = Actor("system") if case["by"] == "system" else Actor("agent", str(member(case["by"])))
    steps: dict[str, Callable[[], Request]] = {
        "take": lambda: rules.take(before, member(case["by"])),
        "hand-over": lambda: rules.hand_over(before, member(case["by"])),
        "release": lambda: rules.release(before),
        "extend": lambda: rules.extend(before, zone=ZONE, now=now),
        "finish": lambda: rules.finish(before, by, now=now),
        "refuse": lambda: rules.refuse(before, by, now=now),
        "withdraw": lambda: rules.withdraw(before, now=now),
    }
    return steps[case["do"]]()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in CASES])
def test_request(case: dict[str, Any]) -> None:
    if case["then"] not in STATES:
        with pytest.raises(Conflict) as refused:
            step(case)
        assert refused.value.code == case["then"]
        return
    after = step(case)
    assert after.state == case["then"]
    assert (after.closed_at is not None) is (after.state in CLOSED)
    if case["do"] in {"take", "hand-over"}:
        assert after.owner == member(case["by"])
    if case["do"] == "extend":
        # Three months from receipt on 28 February, which is a Saturday's eve; 28 May is a Thursday.
        assert after.due == datetime(2026, 5, 28, 23, 59, 59, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("before_due", "level"),
    [
        (timedelta(days=8), "in-time"),
        (timedelta(days=7, seconds=1), "in-time"),
        (timedelta(days=7), "soon"),
        (timedelta(0), "soon"),
        (timedelta(seconds=-1), "overdue"),
        (timedelta(days=-40), "overdue"),
    ],
)
def test_a_request_is_called_soon_a_week_before_and_overdue_when_its_last_day_is_over(
    before_due: timedelta, level: str
) -> None:
    assert rules.escalation(request("in-progress", "anna"), DUE - before_due) == level
    assert rules.escalation(attrs.evolve(request("done", "anna")), DUE - before_due) == "closed"
