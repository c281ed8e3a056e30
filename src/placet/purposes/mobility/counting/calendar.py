"""
Which local day, kind of day, hour and slot each hour since 1970 (UTC) is: engines look it up and reckon no time zones.

In autumn two hours have the same local name: each counts half. In spring one has none: that day is one day less for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pyarrow as pa

from placet.kernel.errors import Misconfigured
from placet.purposes.mobility.model import DayType, Slot

HOUR = 3600
WHOLE = 2
"""An hour's weight in halves."""
HOURS = pa.schema(
    [("hour", pa.int64()), ("day", pa.int32()), ("day_type", pa.int32()), ("clock", pa.int32()), ("slot", pa.int32()),
     ("weight", pa.int64())]
)  # fmt: skip
_SATURDAY = 5


def day_type(day: date) -> DayType:
    """Saturdays, Sundays and the public holidays of Latvia are weekend; days that an order moves are what they were."""
    return DayType.WEEKEND if day.weekday() >= _SATURDAY or day in _public_holidays(day.year) else DayType.WEEKDAY


def hours(days: Sequence[date], zone: ZoneInfo) -> pa.Table:
    """A row for each hour of *days*: its number since 1970, its day's place in *days*, its names, its weight."""
    rows = [row for place, day in enumerate(days) for row in _hours_of(place, day, zone)]
    columns = list(zip(*rows, strict=True)) or [()] * len(HOURS)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, HOURS, strict=True)], HOURS)


def lengths(table: pa.Table) -> pa.Table:
    """How long each hour of a typical day is over all days of *table*, in halves: what its sums are divided by."""
    kinds = (table["day_type"].to_numpy() * 24 + table["clock"].to_numpy()).astype(np.int64)
    sums = np.bincount(kinds, table["weight"].to_numpy(), len(DayType) * 24).astype(np.int64)
    known = np.flatnonzero(sums)
    columns = ((known // 24).astype(np.int32), (known % 24).astype(np.int32), sums[known])
    return pa.table(dict(zip(("day_type", "clock", "weight"), columns, strict=True)))


def span(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Its first second and the one after its last, since 1970."""
    first, after = (datetime.combine(at, datetime.min.time(), zone).timestamp() for at in (day, day + timedelta(1)))
    return int(first), int(after)


def _hours_of(place: int, day: date, zone: ZoneInfo) -> list[tuple[int, ...]]:
    first, after = span(day, zone)
    if first % HOUR or after % HOUR:
        raise Misconfigured(f"{zone.key} is not whole hours from UTC; mobility counts by whole hours", code="bad-zone")
    clocks = [datetime.fromtimestamp(at, zone).hour for at in range(first, after, HOUR)]
    kind, slots = list(DayType).index(day_type(day)), list(Slot)
    return [
        (first // HOUR + n, place, kind, clock, slots.index(Slot.of(clock)), WHOLE // clocks.count(clock))
        for n, clock in enumerate(clocks)
    ]


@lru_cache(64)
def _public_holidays(year: int) -> frozenset[date]:
    named = holidays.country_holidays("LV", years=year, language="en_US")
    return frozenset(day for day, name in named.items() if not name.startswith("Day off"))
