"""
What a release is: its tables with every column, what it cost in privacy, and what became of it.

Tables are the same in Parquet and CSV; `dictionary.json` is written from `TABLES`. A value is null where it is hidden:
where noise leaves less than the least that is published (`figures.least`). `low` and `high` are the ends of a 95 %
interval. `estimate` is what the value stands for among all inhabitants, by factors from public and noisy figures.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

import attrs
import pyarrow as pa

from placet.kernel.ids import Position, StaffId
from placet.purposes.mobility.model import Bound, ProductName, ReleaseId, Rho, Window

TableName = NewType("TableName", str)

ALL = "all"
"""The id of everything together: the row above all zones, of `level` `all`."""
NONE = "none"
"""Of `work` in the table of anchors: no zone stands out."""


class Level(StrEnum):
    """How far up a row of zones stands."""

    ZONE = "zone"
    REGION = "region"
    """A zone that others name as their parent: itself and all below it."""
    ALL = "all"


@attrs.frozen
class Column:
    """One column: its type, and what it says in one sentence."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str | None = None


@attrs.frozen
class Table:
    """One published table. `keys` tell its rows apart, `measure` is the column that was counted."""

    name: TableName
    title: str
    products: tuple[ProductName, ...]
    """What it needs: a release without one of them has no such table. Estimates need the anchors besides."""
    keys: tuple[str, ...]
    measure: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])


def _zone(name: str = "zone", meaning: str = "Id of the zone, as in zones.geojson; `all` for all together.") -> Column:
    return Column(name, pa.string(), meaning)


_LEVEL = Column("level", pa.string(), "`zone`, `region` (a zone with all below it) or `all`.")
_DAY_TYPE = Column("day_type", pa.string(), "`weekday`, or `weekend` with public holidays.")
_HOUR = Column("hour", pa.int8(), "Hour of the local day, 0 to 23.", "h")
_SLOT = Column(
    "slot", pa.string(), "When the trip begins: `night` 20-06, `morning` 06-10, `day` 10-16, `evening` 16-20."
)
_SURE = Column(
    "sure", pa.bool_(), "Above what noise alone reaches anywhere in this table: draw these when a map must be clean."
)


def _measured(name: str, meaning: str, unit: str) -> tuple[Column, ...]:
    return (
        Column(name, pa.int64(), f"{meaning} Null where hidden.", unit),
        Column("low", pa.int64(), "Lower end of the 95 % interval of the value before it.", unit),
        Column("high", pa.int64(), "Upper end of the same interval.", unit),
        Column("hidden", pa.bool_(), "The noisy value is below the least that is published."),
    )


def _estimated(unit: str) -> tuple[Column, ...]:
    return (
        Column("estimate", pa.int64(), "The value times the factor of its zone: for all inhabitants.", unit),
        Column("estimate_low", pa.int64(), "Lower end of its 95 % interval, the factor's own included.", unit),
        Column("estimate_high", pa.int64(), "Upper end of the same interval.", unit),
    )


_PEOPLE = "people"
ZONE_PROFILE = Table(
    TableName("zone-profile"),
    "People in each zone, hour by hour, on a typical weekday and weekend day",
    (ProductName("zone-profile"),),
    ("zone", "day_type", "hour"),
    "people",
    (
        _zone(), _LEVEL, _DAY_TYPE, _HOUR,
        *_measured("people", "People who take part, there on average in this hour.", _PEOPLE),
        *_estimated(_PEOPLE),
    ),
)  # fmt: skip
ZONE_LOAD = Table(
    TableName("zone-load"),
    "Mobile data used in each zone, hour by hour, on a typical weekday and weekend day",
    (ProductName("zone-load"),),
    ("zone", "day_type", "hour"),
    "megabytes",
    (
        _zone(), _LEVEL, _DAY_TYPE, _HOUR,
        *_measured("megabytes", "Megabytes of those who take part, no more than 50 a person and hour.", "MB"),
    ),
)  # fmt: skip
TILES = Table(
    TableName("tiles"),
    "People in each square kilometre, hour by hour, on a typical day; only rows that are not hidden",
    (ProductName("tile-profile"),),
    ("tile", "day_type", "hour"),
    "people",
    (
        Column("tile", pa.string(), "INSPIRE id of the square kilometre (EPSG:3035)."),
        _zone(meaning="The zone that its centre lies in; null outside all zones."),
        _DAY_TYPE, _HOUR,
        *_measured("people", "People who take part, there on average in this hour.", _PEOPLE),
        _SURE,
        *_estimated(_PEOPLE),
    ),
)  # fmt: skip
FLOWS = Table(
    TableName("flows"),
    "Trips between zones: of each person's trips in the window, the one that was drawn",
    (ProductName("flows"),),
    ("origin", "destination", "slot"),
    "trips",
    (
        _zone("origin", "Id of the zone where the trip begins."),
        _zone("destination", "Id of the zone where it ends, another one."),
        _SLOT,
        *_measured("trips", "People whose drawn trip this is.", _PEOPLE),
        _SURE,
        *_estimated(_PEOPLE),
    ),
)  # fmt: skip
ZONE_TRIPS = Table(
    TableName("zone-trips"),
    "Trips that leave and that reach each zone: the sums of flows, hidden ones included",
    (ProductName("flows"),),
    ("zone", "direction", "slot"),
    "trips",
    (
        _zone(), _LEVEL,
        Column("direction", pa.string(), "`out`: trips that begin there; `in`: trips that end there."),
        _SLOT,
        *_measured("trips", "People whose drawn trip begins or ends there.", _PEOPLE),
        *_estimated(_PEOPLE),
    ),
)  # fmt: skip
ANCHORS = Table(
    TableName("anchors"),
    "Where people live and where they work: zones of their usual nights and working hours",
    (ProductName("anchors"),),
    ("home", "work"),
    "people",
    (
        _zone("home", "Id of the zone of most nights."),
        _zone("work", "Id of the zone of most working hours; `none` where none stands out."),
        *_measured("people", "People who take part.", _PEOPLE),
        _SURE,
        *_estimated(_PEOPLE),
    ),
)  # fmt: skip
RESIDENTS = Table(
    TableName("residents"),
    "People who live in each zone and take part, its public population, and the factor between the two",
    (ProductName("anchors"),),
    ("zone",),
    "people",
    (
        _zone(), _LEVEL,
        *_measured("people", "People who take part and live there: the sum over all places of work.", _PEOPLE),
        Column("population", pa.int64(), "Inhabitants, from the public figure of zones.geojson.", _PEOPLE),
        Column("factor", pa.float64(), "Inhabitants a person who takes part; what `estimate` multiplies by."),
        Column("factor_low", pa.float64(), "Lower end of its 95 % interval."),
        Column("factor_high", pa.float64(), "Upper end of the same interval."),
        Column("factor_of", pa.string(), "The zone, or the next above it, whose factor is sure enough to be used."),
    ),
)  # fmt: skip
CATCHMENT = Table(
    TableName("catchment"),
    "Where those who work in a zone live; only rows that are not hidden",
    (ProductName("anchors"),),
    ("work", "home"),
    "people",
    (
        _zone("work", "Id of the zone of most working hours."),
        _zone("home", "Id of the zone of most nights."),
        *_measured("people", "People who take part.", _PEOPLE),
        Column("share", pa.float64(), "Of all who work there."),
        Column("share_low", pa.float64(), "Lower end of its 95 % interval."),
        Column("share_high", pa.float64(), "Upper end of the same interval."),
    ),
)
TRAVEL_TIMES = Table(
    TableName("travel-times"),
    "Mean travel time between zones, and how much longer than at night",
    (ProductName("flows"), ProductName("minutes")),
    ("origin", "destination", "slot"),
    "minutes",
    (
        _zone("origin", "Id of the zone where the trip begins."),
        _zone("destination", "Id of the zone where it ends."),
        _SLOT,
        Column("minutes", pa.float64(), "Mean minutes of the drawn trips. Null where hidden.", "min"),
        Column("low", pa.float64(), "Lower end of the 95 % interval of the value before it.", "min"),
        Column("high", pa.float64(), "Upper end of the same interval.", "min"),
        Column("hidden", pa.bool_(), "Too few trips, or too much noise, for a mean."),
        Column("ratio", pa.float64(), "Minutes of this slot for one of the night, of the same pair."),
        Column("ratio_low", pa.float64(), "Lower end of its 95 % interval."),
        Column("ratio_high", pa.float64(), "Upper end of the same interval."),
        Column("slow", pa.bool_(), "Slow traffic: all of the interval of the ratio lies above 1."),
    ),
)
TILE_HOURS = Table(
    TableName("tile-hours"),
    "People in each square kilometre, hour by hour of one day; only rows that are not hidden",
    (ProductName("tile-hours"),),
    ("tile", "hour"),
    "people",
    (
        Column("tile", pa.string(), "INSPIRE id of the square kilometre (EPSG:3035)."),
        _zone(meaning="The zone that its centre lies in; null outside all zones."),
        _HOUR,
        *_measured("people", "People who take part, each in no more than twelve tile-hours of the day.", _PEOPLE),
        _SURE,
    ),
)  # fmt: skip

TABLES: Mapping[TableName, Table] = {
    table.name: table
    for table in (
        ZONE_PROFILE, ZONE_LOAD, TILES, FLOWS, ZONE_TRIPS, ANCHORS, CATCHMENT, RESIDENTS, TRAVEL_TIMES, TILE_HOURS,
    )
}  # fmt: skip


REPORTS: Mapping[str, str] = {"lv": "report.lv.html", "ru": "report.ru.html", "en": "report.html"}
"""The file of the report for planners in each language; the English one is as old as releases are."""


def report_files(names: Collection[str]) -> list[tuple[str, str]]:
    """The languages in which a release with these files has its report, and the file of each."""
    return [(language, name) for language, name in REPORTS.items() if name in names]


@attrs.frozen
class Spent:
    """What one product of a release cost a person in privacy, and by which noise."""

    rho: Rho
    sigma: float
    """Standard deviation of the noise of each value, in published units."""
    bound: Bound
    unit: int
    mechanism: str
    """Who drew the noise: `opendp` or `table` (docs/explanation/noise.md)."""


@attrs.frozen
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class State(StrEnum):
    """Where a release stands. Its figures never change."""

    MADE = "made"
    PUBLIC = "public"
    """A second person has made it public."""
    WITHDRAWN = "withdrawn"
    """It is public no longer, and a notice says why; its noise is spent all the same."""


@attrs.frozen
class Release:
    """A release, whole: its files lie in the data folder, and this is what vouches for them."""

    id: ReleaseId
    window: Window
    made_at: datetime
    made_by: StaffId | None
    products: Mapping[ProductName, Spent]
    population: Estimate | None
    """How many people took part, from noisy counts alone; None where no product tells it."""
    atlas: str
    """SHA-256 of the public grid and zones, hexadecimal."""
    sha256: str
    """SHA-256 of SHA256SUMS, hexadecimal: what the event of the log commits to."""
    position: Position
    """Of that event."""
    public_at: datetime | None = None
    public_by: StaffId | None = None
    withdrawn_at: datetime | None = None
    notice: str | None = None
    """Why it was withdrawn, in words for everybody."""

    @property
    def state(self) -> State:
        if self.withdrawn_at is not None:
            return State.WITHDRAWN
        return State.MADE if self.public_at is None else State.PUBLIC

    @property
    def rho(self) -> Rho:
        """What all its products cost together."""
        return Rho(sum((spent.rho for spent in self.products.values()), start=Decimal(0)))
