"""
What the rooms of mobility speak of: windows of time, public axes, products and what one person may add to each.

Every product is counted over a *domain*: all members of public axes, zeros included, so that the shape of what is
released tells nothing (docs/explanation/mobility.md). Counts are whole numbers of a *unit*: a product of unit 1000
counts thousandths of a person. A bound holds for one person over the whole window, never for an event or a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from math import floor, prod, sqrt
from typing import NewType, Self
from zoneinfo import ZoneInfo

import attrs

from placet.kernel.errors import BadInput

ProductName = NewType("ProductName", str)
ReleaseId = NewType("ReleaseId", str)
"""Speaking and in URLs: `2026-10`, and `2026-10-2` for a second release of the same window."""
ZoneId = NewType("ZoneId", str)
Rho = NewType("Rho", Decimal)
"""Privacy loss in zero-concentrated differential privacy (Bun and Steinke 2016): it adds up over releases."""


class DayType(StrEnum):
    """Days that are alike: public holidays count as weekend."""

    WEEKDAY = "weekday"
    WEEKEND = "weekend"


class Slot(StrEnum):
    """The part of the local day in which a trip begins."""

    NIGHT = "night"
    """20:00 to 06:00."""
    MORNING = "morning"
    """06:00 to 10:00."""
    DAY = "day"
    """10:00 to 16:00."""
    EVENING = "evening"
    """16:00 to 20:00."""

    @classmethod
    def of(cls, hour: int) -> Self:
        """The slot of a local *hour*, 0 to 23."""
        return cls(("night", "morning", "day", "evening", "night")[sum(hour >= edge for edge in (6, 10, 16, 20))])


@attrs.frozen
class Window:
    """The days that one release speaks of, half-open, in the operator's zone; a person's budget is spent a window."""

    name: str
    """`2026-10` for a month; it keys the budget."""
    first: date
    until: date

    @classmethod
    def month(cls, text: str) -> Self:
        """The calendar month `YYYY-MM`."""
        try:
            first = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise BadInput(f"{text} is no month; write it as 2026-10", code="bad-window") from None
        return cls(text, first, (first + timedelta(days=31)).replace(day=1))

    @classmethod
    def named(cls, text: str) -> Self:
        """A calendar month `YYYY-MM`, or a day `YYYY-MM-DD`."""
        if len(text) == len("2026-10"):
            return cls.month(text)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise BadInput(f"{text} is no month and no day; write 2026-10, or 2026-10-14", code="bad-window") from None
        return cls(day.isoformat(), day, day + timedelta(days=1))

    @property
    def days(self) -> Sequence[date]:
        return [self.first + timedelta(days=n) for n in range((self.until - self.first).days)]

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its beginning and its end."""
        at = datetime.min.time()
        return datetime.combine(self.first, at, zone), datetime.combine(self.until, at, zone)


@attrs.frozen
class Axis:
    """One public dimension; its members and their order are fixed before anything is counted."""

    name: str
    members: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen
class Domain:
    """All combinations of public axes, in C order: the shape of the array that holds a product's values."""

    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis.members) for axis in self.axes)

    @property
    def size(self) -> int:
        return prod(self.shape)


@attrs.frozen
class Bound:
    """How far one person, over the whole window, can move a product: in its units, by the three usual measures."""

    cells: int
    """How many values they may change (L0)."""
    most: int
    """How far any one of them (L∞)."""
    length: float
    """How far all together, Euclidean (L2): what Gaussian noise is scaled to."""


@attrs.frozen
class Product:
    """A thing that is counted, the bound of one person's part in it, and its share of the window's budget."""

    name: ProductName
    axes: tuple[str, ...]
    measure: str
    """`people`, `load` (bytes), `trips` or `minutes`."""
    unit: int
    """How many counted units make one published one."""
    bound: Bound
    rho: Rho

    def sigma(self) -> float:
        """
        The standard deviation of its noise, in counted units: length / sqrt(2 rho), rounded up to a millionth.

        Rounding up, and never to the same value, keeps floating point on the side of the person.
        """
        return (floor(self.bound.length / sqrt(2 * float(self.rho)) * 1_000_000) + 1) / 1_000_000


THOUSANDTHS = 1000
_HOURS = 24 * len(DayType)
LOAD_STEP = 1_000_000
"""Load is counted in megabytes an hour, and more than `LOAD_MOST` of a person's are not counted."""
LOAD_MOST = 50
MINUTES_MOST = 120


def _rho(text: str) -> Rho:
    return Rho(Decimal(text))


ZONE_PROFILE = Product(
    ProductName("zone-profile"),
    ("zone", "day_type", "hour"),
    "people",
    THOUSANDTHS,
    # In each hour of a typical day a person is one person, spread over the zones: a vector of sum, and so length, ≤ 1.
    Bound(cells=_HOURS * THOUSANDTHS, most=THOUSANDTHS, length=THOUSANDTHS * sqrt(_HOURS)),
    _rho("0.072"),
)
ZONE_LOAD = Product(
    ProductName("zone-load"),
    ("zone", "day_type", "hour"),
    "load",
    1,
    Bound(cells=_HOURS * LOAD_MOST, most=LOAD_MOST, length=LOAD_MOST * sqrt(_HOURS)),
    _rho("0.008"),
)
FLOWS = Product(
    ProductName("flows"),
    ("origin", "destination", "slot"),
    "trips",
    1,
    Bound(cells=1, most=1, length=1.0),
    _rho("0.01"),
)
ANCHORS = Product(
    ProductName("anchors"), ("home", "work"), "people", 1, Bound(cells=1, most=1, length=1.0), _rho("0.01")
)
TILE_PROFILE = Product(
    ProductName("tile-profile"),
    ("tile", "day_type", "hour"),
    "people",
    THOUSANDTHS,
    Bound(cells=_HOURS * THOUSANDTHS, most=THOUSANDTHS, length=THOUSANDTHS * sqrt(_HOURS)),
    _rho("0.01"),
)
MINUTES = Product(
    ProductName("minutes"),
    ("origin", "destination", "slot"),
    "minutes",
    1,
    Bound(cells=1, most=MINUTES_MOST, length=float(MINUTES_MOST)),
    _rho("0.01"),
)
MONTHLY: tuple[Product, ...] = (ZONE_PROFILE, ZONE_LOAD, FLOWS, ANCHORS, TILE_PROFILE, MINUTES)
"""What a month's release is made of, 0.12 in sum: 0.08 for typical days, 0.01 for flows, 0.01 for home and work, and
0.01 each for the finer map and for travel times."""

HOURLY_CELLS = 12
TILE_HOURS = Product(
    ProductName("tile-hours"),
    ("tile", "hour"),
    "people",
    1,
    # Of the tile-hours of one day a person counts in at most twelve, by a keyed order.
    Bound(cells=HOURLY_CELLS, most=1, length=sqrt(HOURLY_CELLS)),
    _rho("0.005"),
)
"""One day, hour by hour: not part of a month's release. Each day that is asked for is debited from the same month's
budget, whose cap must leave room for it."""
