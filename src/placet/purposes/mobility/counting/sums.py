"""
From what each person contributes to counts, once for every engine; here each person is held to the product's bound.

1. `typical`: what a person adds to an hour of the typical day is shared out to the cells they were at, in whole units.
   The sum over cells, in their order, is divided by the hour's length and rounded; a cell gets what its rounded sum has
   more than the one before. So an hour's units add up to what the whole hour rounds to, and never to more than *most*.
2. `spread`: a cell's units go to its tiles (or zones) in the same way, by the sum of their shares. People who add the
   same to the same cell are spread together: the result is the same, and the work does not grow with them.
3. `anchors`: home is the zone of most night seconds (20 to 6). Work is the other zone of most seconds on weekdays from
   9 to 17, if it has a quarter of the person's; who works in the zone of their home has none.
4. `flows` and `minutes`: of all days' trips that were kept, one a person.

Whoever is not among `persons` any more is in none of it, whatever was kept of them.
"""

from __future__ import annotations

from typing import Any

import attrs
import ibis

from placet.purposes.mobility.counting.events import AMOUNTS, TILE_HOURS, TRIPS, floored
from placet.purposes.mobility.counting.model import Step
from placet.purposes.mobility.model import LOAD_MOST, LOAD_STEP, THOUSANDTHS

_persons = ibis.table({"person": "int32"}, "persons")
_lengths = ibis.table({"day_type": "int32", "clock": "int32", "weight": "int64"}, "lengths")
_cells = ibis.table({"cell": "int32", "zone": "int32", "tile": "int32", "x": "int64", "y": "int64"}, "cells")
_presence = ibis.table(AMOUNTS, "presence")
_trips = ibis.table(TRIPS, "trips")
_tile_hours = ibis.table(TILE_HOURS, "tile_hours")

NIGHT_FROM, NIGHT_UNTIL = 20, 6
WORK_FROM, WORK_UNTIL = 9, 17
WEEKDAY = 0
WORK_PART = 4
SHARE = 1000


@attrs.frozen
class Measure:
    """What a typical day is told in: *most* units an hour, each of `unit` / `per` seconds (or bytes)."""

    name: str
    source: str
    """The table of contributions, in halves."""
    most: int
    units: int
    """As many of these …"""
    per: int
    """… are this much, in each whole hour of a typical day."""


PEOPLE = Measure("people", "presence", THOUSANDTHS, THOUSANDTHS, 3600)
LOAD = Measure("load", "loads", LOAD_MOST, 1, LOAD_STEP)


def typical(measure: Measure) -> Step:
    """Step 1: cell, day_type, clock, units, people."""
    rows = ibis.table(AMOUNTS, measure.source).semi_join(_persons, "person")
    rows = rows.group_by("person", "cell", "day_type", "clock").agg(amount=rows.amount.sum())
    rows = rows.inner_join(_lengths, ["day_type", "clock"])
    rows = rows.mutate(length=rows.weight * measure.per)
    # In floating point, where whole numbers below 2^53 are exact: DuckDB reckons with whole sums in 128 bits.
    rows = rows.mutate(amount=ibis.least(rows.amount, rows.length * measure.most).cast("float64"))
    hour = [rows.person, rows.day_type, rows.clock]
    upto = ibis.window(group_by=hour, order_by=rows.cell, preceding=(None, 0))
    rows = rows.mutate(upto=rows.amount.sum().over(upto))
    before = _rounded((rows.upto - rows.amount).cast("int64"), rows.length, measure)
    units = _rounded(rows.upto.cast("int64"), rows.length, measure) - before
    rows = rows.select("cell", "day_type", "clock", units=units)
    rows = rows.filter(rows.units > 0)
    return Step(_typical(measure), rows.group_by("cell", "day_type", "clock", "units").agg(people=rows.count()))


def spread(measure: Measure, places: str) -> Step:
    """Step 2: member (of *places*: `zones` or `tiles`), day_type, clock, value."""
    rows = ibis.table(
        {"cell": "int32", "day_type": "int32", "clock": "int32", "units": "int64", "people": "int64"}, _typical(measure)
    )
    shares = ibis.table({"cell": "int32", "member": "int32", "low": "int64", "high": "int64"}, places)
    rows = rows.inner_join(shares, "cell")
    part = _shared(rows.units, rows.high) - _shared(rows.units, rows.low)
    rows = rows.select("member", "day_type", "clock", value=part * rows.people)
    return Step(f"{measure.name}_by_{places}", rows.group_by("member", "day_type", "clock").agg(value=rows.value.sum()))


def anchors() -> Step:
    """Step 3: home, work (-1 for none), value."""
    rows = _presence.semi_join(_persons, "person").inner_join(_cells.filter(_cells.zone >= 0), "cell")
    night = (rows.clock >= NIGHT_FROM) | (rows.clock < NIGHT_UNTIL)
    work = (rows.day_type == WEEKDAY) & (rows.clock >= WORK_FROM) & (rows.clock < WORK_UNTIL)
    seconds = rows.group_by("person", "zone").agg(
        night=night.ifelse(rows.amount, 0).sum(), work=work.ifelse(rows.amount, 0).sum()
    )
    by_night = ibis.window(group_by=seconds.person, order_by=[seconds.night.desc(), seconds.zone])
    homes = seconds.mutate(place=ibis.row_number().over(by_night))
    homes = homes.filter(homes.place == 0, homes.night > 0).select("person", home=homes.zone)
    all_work = ibis.window(group_by=seconds.person)
    works = seconds.mutate(whole=seconds.work.sum().over(all_work)).inner_join(homes, "person")
    works = works.filter(works.zone != works.home)
    by_work = ibis.window(group_by=works.person, order_by=[works.work.desc(), works.zone])
    works = works.mutate(place=ibis.row_number().over(by_work))
    works = works.filter(works.place == 0, works.work > 0, works.work * WORK_PART >= works.whole)
    pairs = homes.left_join(works.select("person", work=works.zone), "person")
    pairs = pairs.select("home", work=ibis.coalesce(pairs.work, -1))
    return Step("anchors", pairs.group_by("home", "work").agg(value=pairs.count()))


def one_trip() -> Step:
    """Step 4: origin, destination, slot, value (people), minutes (their sum)."""
    rows = _trips.semi_join(_persons, "person")
    w = ibis.window(group_by=rows.person, order_by=[rows.order, rows.left, rows.origin, rows.destination])
    rows = rows.mutate(place=ibis.row_number().over(w))
    rows = rows.filter(rows.place == 0)
    return Step(
        "one_trip",
        rows.group_by("origin", "destination", "slot").agg(value=rows.count(), minutes=rows.minutes.sum()),
    )


def people_by_tile_hours() -> Step:
    """tile, clock, value."""
    rows = _tile_hours.semi_join(_persons, "person")
    return Step("people_by_tile_hours", rows.group_by("tile", "clock").agg(value=rows.count()))


def _typical(measure: Measure) -> str:
    return f"typical_{measure.name}"


def _rounded(amount: Any, length: Any, measure: Measure) -> Any:
    """*amount* in units of the hour, rounded, and never more than the hour holds."""
    scaled = ibis.least(amount, length * measure.most) * measure.units
    return ibis.least(floored(scaled * 2 + length, length * 2), measure.most)


def _shared(units: Any, share: Any) -> Any:
    return floored(units * share * 2 + SHARE, SHARE * 2)
