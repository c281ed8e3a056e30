"""Runs tests/rights/deadlines.yaml, and what must hold for every day."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from placet.rights import deadlines

RIGA = ZoneInfo("Europe/Riga")
MOMENTS = st.integers(0, 40 * 365 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
CASES = yaml.safe_load(Path(__file__).with_name("deadlines.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in CASES])
def test_deadline(case: dict[str, Any]) -> None:
    received = datetime.fromisoformat(case["received"]).replace(tzinfo=RIGA)
    end = deadlines.due(received, zone=RIGA)
    assert (end.date(), end.timetz()) == (case["last_day"], time(23, 59, 59, tzinfo=RIGA))
    assert deadlines.due(received, zone=RIGA, months=deadlines.EXTENDED).date() == case["extended"]
    assert deadlines.due(received.astimezone(UTC), zone=RIGA) == end


@given(MOMENTS)
def test_a_deadline_is_a_working_day_one_month_or_a_little_more_after_receipt(received: datetime) -> None:
    end = deadlines.due(received, zone=RIGA)
    assert end.weekday() < 5
    assert timedelta(days=28) <= end.date() - received.astimezone(RIGA).date() <= timedelta(days=37)
    assert deadlines.working_day(end.date()) == end.date()


@given(MOMENTS)
def test_who_asks_later_is_never_answered_earlier(received: datetime) -> None:
    later = received + timedelta(hours=13)
    assert deadlines.due(received, zone=RIGA) <= deadlines.due(later, zone=RIGA)
