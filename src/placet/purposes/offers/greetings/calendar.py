"""
Name days: the lists of the State Language Centre of Latvia, the traditional one and the extended one. Pure.

A name is looked for as it is written, and without its marks: whoever writes `Liga` means 23 June, whoever writes
`Janis` may mean one of two days. What the calendar does not list has 22 May, the day of all such names.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

import attrs
from lv_namedays import NameDayDB

from placet.kernel.errors import BadInput

_LEAP_YEAR = 2024
"""Any year that has every day."""


@attrs.frozen(order=True)
class YearDay:
    """A day of every year."""

    month: int
    day: int

    def __attrs_post_init__(self) -> None:
        try:
            date(_LEAP_YEAR, self.month, self.day)
        except ValueError:
            raise BadInput("there is no such day in any year; nothing was changed", code="bad-day") from None

    @classmethod
    def parse(cls, text: str) -> YearDay:
        """Read `05-22`."""
        month, _, day = text.partition("-")
        if not (month.isdecimal() and day.isdecimal() and text.isascii()):
            raise BadInput("a day of the year looks like 05-22; nothing was changed", code="bad-day")
        return cls(int(month), int(day))

    @classmethod
    def of(cls, day: date) -> YearDay:
        return cls(day.month, day.day)

    def in_year(self, year: int) -> date:
        """
        Where it falls in *year*. 29 February is kept on 1 March where there is none: a wish that comes before its day
        is held to bring bad luck, in Latvian and in Russian.
        """
        if (self.month, self.day) == (2, 29) and not _leap(year):
            return date(year, 3, 1)
        return date(year, self.month, self.day)

    def __str__(self) -> str:
        return f"{self.month:02}-{self.day:02}"


NOT_LISTED = YearDay(5, 22)
"""The day of all names that no calendar lists."""


@attrs.frozen
class Listed:
    """A name of the calendar, and its day."""

    name: str
    day: YearDay


def listed(name: str) -> tuple[Listed, ...]:
    """
    What *name* may be in the calendar, each day once: first as it is written, then what differs by marks alone, for
    lists without them (`Janis`). Empty: it is not listed.
    """
    wanted, first = _composed(name), dict[YearDay, Listed]()
    for one in sorted(_calendar().get(_folded(name), ()), key=lambda one: _composed(one.name) != wanted):
        first.setdefault(one.day, one)
    return tuple(first.values())


def name_day(name: str) -> YearDay | None:
    """The day of a first name as Latvian documents spell it; None when it is not listed, or could be several."""
    found = listed(name)
    sure = len(found) == 1 or is_listed(name)
    return found[0].day if found and sure else None


def is_listed(name: str) -> bool:
    """Whether the calendar has the name, exactly as it is written."""
    return any(_composed(one.name) == _composed(name) for one in _calendar().get(_folded(name), ()))


@cache
def _calendar() -> Mapping[str, tuple[Listed, ...]]:
    """The names of both lists, by their letters without marks."""
    found: defaultdict[str, list[Listed]] = defaultdict(list)
    lists = NameDayDB()
    for written, names in [*lists.namedays.items(), *lists.namedays_ext.items()]:
        day = YearDay.parse(written)
        # A sentence stands in the list where all other names have their day, and a dash where nobody has.
        for name in (name for name in names if name.isalpha()):
            found[_folded(name)].append(Listed(name, day))
    return {name: tuple(dict.fromkeys(days)) for name, days in found.items()}


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _folded(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _leap(year: int) -> bool:
    return (date(year, 3, 1) - timedelta(days=1)).day == 29
