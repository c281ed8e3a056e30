"""
By when a request must be answered. Nothing here reads a clock.

GDPR 12(3): one month from receipt, extended by two further months where necessary. How months are counted says
Regulation (EEC, Euratom) 1182/71, Article 3:

1. the period ends on the same date of the month it ends in (3(2)(c));
2. a date which that month does not have becomes its last day (3(2)(c));
3. a public holiday, Saturday or Sunday becomes the next working day (3(4));
4. it ends with that day's last hour (3(2)(c)), in the operator's time zone.

Days that an order moves within a week to make a long weekend are no public holidays (3(4), Article 2): they lengthen
nothing. tests/rights/deadlines.yaml holds cases that a data-protection officer can read and add to.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

MONTHS = 1
"""GDPR 12(3), first sentence."""
EXTENDED = 3
"""GDPR 12(3), second sentence: two further months."""
SOON = timedelta(days=7)
"""How long before its end a deadline is called near."""

_LAST_HOUR = time(23, 59, 59)
_SATURDAY = 5


def due(received_at: datetime, *, zone: ZoneInfo, months: int = MONTHS) -> datetime:
    """The last second in which a request received at *received_at* is answered in time."""
    received = received_at.astimezone(zone).date()
    return datetime.combine(working_day(_same_date(received, months)), _LAST_HOUR, zone)


def working_day(day: date) -> date:
    """*day*, or the first working day after it (step 3)."""
    while day.weekday() >= _SATURDAY or day in _public_holidays(day.year):
        day += timedelta(days=1)
    return day


def _same_date(day: date, months: int) -> date:
    """The same date *months* later, or the last day of that month (steps 1 and 2)."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


@lru_cache(64)
def _public_holidays(year: int) -> frozenset[date]:
    named = holidays.country_holidays("LV", years=year, language="en_US")
    return frozenset(day for day, name in named.items() if not name.startswith("Day off"))
