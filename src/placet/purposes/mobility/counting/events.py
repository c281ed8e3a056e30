"""
From events to what each person contributes, once for every engine: Ibis expressions over the tables named here.

Every window has a total order, whole numbers only, and no engine reckons time zones or hashes.

1. `marked`: events of those who take part, within their consent, in known cells; one a second and person; each with
   what is wrong with its place. A day is judged by itself, so it does not matter which days are read together.
2. `presence`: an event holds its cell until the person's next one, an hour at most; by hour of the typical day.
3. `loads`: bytes, by the same hours.
4. `trips`: a stay is 15 minutes from the first to the last event in a zone, with none elsewhere between them; a trip
   leads from one stay of a day to its next in another zone. One of a person's trips is kept, by the secret order.
5. `tile_hours`: in which tiles a person was in which hours, the first twelve by the secret order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from placet.purposes.mobility.counting import keyed
from placet.purposes.mobility.counting.calendar import HOUR
from placet.purposes.mobility.counting.model import HOLD, JUMP_METRES, JUMP_SPEED, PING_PONG, STAY, Step
from placet.purposes.mobility.model import HOURLY_CELLS, MINUTES_MOST

EVENTS = {"number": "int32", "at": "int64", "cell": "int32", "load": "int64"}
_HOURS = {"hour": "int64", "day": "int32", "day_type": "int32", "clock": "int32", "slot": "int32", "weight": "int64"}

_events = ibis.table(EVENTS, "events")
_following = ibis.table(EVENTS, "following")
"""The day after a batch, of which the first hour is read: until when its last events hold."""
_participants = ibis.table({"number": "int32", "person": "int32", "since": "int64", "until": "int64"}, "participants")
_cells = ibis.table({"cell": "int32", "zone": "int32", "tile": "int32", "x": "int64", "y": "int64"}, "cells")
_hours = ibis.table(_HOURS, "hours")
"""Of the whole window."""
_batch_hours = ibis.table(_HOURS, "batch_hours")
_next_hour = ibis.table({"hour": "int64"}, "next_hour")
_parts = ibis.table({"part": "int64"}, "parts")
"""Nought and one: what is held for an hour at most lies in at most two hours."""

NOTHING, JUMP, PINGED = 0, 1, 2
_MARKED = ibis.table(
    {"person": "int32", "at": "int64", "cell": "int32", "load": "int64", "copies": "int64", "day": "int32",
     "zone": "int32", "tile": "int32", "fault": "int32"},
    "marked",
)  # fmt: skip


def marked() -> Step:
    """Step 1."""
    rows = _allowed(_events).inner_join(_batch_hours[["hour", "day"]], "hour")
    single = rows.group_by("person", "at", "day").agg(cell=rows.cell.min(), load=rows.load.max(), copies=rows.count())
    placed = single.inner_join(_cells, "cell")
    w = ibis.window(group_by=[placed.person, placed.day], order_by=placed["at"])
    near = placed.mutate(
        **{f"{name}_before": placed[name].lag().over(w) for name in ("at", "cell", "x", "y")},
        **{f"{name}_after": placed[name].lead().over(w) for name in ("at", "cell", "x", "y")},
    )
    jump = _impossible(near, "before") & _impossible(near, "after")
    pinged = (
        (near.cell_before == near.cell_after)
        & (near.cell_before != near.cell)
        & (near.at_after - near.at_before <= PING_PONG)
    )
    fault = ibis.cases((jump, JUMP), (pinged, PINGED), else_=NOTHING).cast("int32")
    return Step("marked", near.select("person", "at", "cell", "load", "copies", "day", "zone", "tile", fault=fault))


def cleaned() -> Step:
    """How many events are marked with what: one row."""
    rows = _MARKED
    return Step(
        "cleaned",
        rows.agg(
            placed=ibis.coalesce(rows.copies.sum(), 0),
            single=rows.count(),
            jumps=ibis.coalesce((rows.fault == JUMP).sum(), 0),
            ping_pong=ibis.coalesce((rows.fault == PINGED).sum(), 0),
        ),
    )


def read() -> Step:
    """How many events there are before any is left out: one row."""
    return Step("read", _events.agg(read=_events.count()))


def presence() -> Step:
    """Step 2: person, cell, day_type, clock, amount (half seconds)."""
    rows = _clean()
    first = _allowed(_following).semi_join(_next_hour, "hour")
    first = first.group_by("person").agg(next_day=first["at"].min())
    w = ibis.window(group_by=rows.person, order_by=rows["at"])
    held = rows.mutate(following=rows["at"].lead().over(w)).left_join(first, "person")
    held = held.mutate(
        hour=floored(held["at"], HOUR),
        end=ibis.least(held["at"] + HOLD, ibis.coalesce(held.following, held.next_day, held["at"] + HOLD)),
    )
    split = held.select("person", "cell", "at", "end", "hour").cross_join(_parts)
    edge = (split.hour + 1) * HOUR
    begun = ibis.ifelse(split.part == 0, split["at"], edge)
    ended = ibis.ifelse(split.part == 0, ibis.least(split.end, edge), split.end)
    spent = split.select("person", "cell", hour=split.hour + split.part, seconds=ended - begun)
    spent = spent.filter(spent.seconds > 0).inner_join(_hours, "hour")
    return Step(
        "presence",
        spent.group_by("person", "cell", "day_type", "clock").agg(amount=(spent.seconds * spent.weight).sum()),
    )


def loads() -> Step:
    """Step 3: person, cell, day_type, clock, amount (bytes, twice)."""
    rows = _MARKED.filter(_MARKED.fault != JUMP, _MARKED.load > 0)
    rows = rows.mutate(hour=floored(rows["at"], HOUR), load=ibis.least(rows.load, MOST_BYTES))
    rows = rows.inner_join(_batch_hours, "hour")
    return Step(
        "loads",
        rows.group_by("person", "cell", "day_type", "clock").agg(amount=(rows.load * rows.weight).sum()),
    )


def trips(known: Mapping[str, int]) -> Step:
    """Step 4: person, order, left, origin, destination, slot, minutes; one row a person."""
    rows = _clean()
    w = ibis.window(group_by=[rows.person, rows.day], order_by=rows["at"])
    whole_day = ibis.window(group_by=[rows.person, rows.day])
    rows = rows.mutate(
        zone_before=rows.zone.lag().over(w),
        at_before=rows["at"].lag().over(w),
        day_last=rows["at"].max().over(whole_day),
    )
    turns = rows.filter(rows.zone_before.isnull() | (rows.zone_before != rows.zone))
    w = ibis.window(group_by=[turns.person, turns.day], order_by=turns["at"])
    stays = turns.mutate(last=ibis.coalesce(turns.at_before.lead().over(w), turns.day_last))
    stays = stays.filter(stays["last"] - stays["at"] >= STAY)
    w = ibis.window(group_by=[stays.person, stays.day], order_by=stays["at"])
    legs = stays.mutate(origin=stays.zone.lag().over(w), left=stays["last"].lag().over(w))
    legs = legs.filter(legs.origin >= 0, legs.zone >= 0, legs.origin != legs.zone)
    legs = legs.select(
        "person", "left", "origin",
        destination=legs.zone,
        hour=floored(legs.left, HOUR),
        minutes=ibis.least(floored(legs["at"] - legs.left + 59, 60), MINUTES_MOST),
        order=keyed.order(known, legs.person, legs.left, legs.origin, legs.zone),
    )  # fmt: skip
    legs = legs.inner_join(_batch_hours[["hour", "slot"]], "hour")
    return Step("trips", _first(legs, 1, "left").select(*TRIPS))


def tile_hours(known: Mapping[str, int]) -> Step:
    """Step 5: person, tile, clock; at most twelve rows a person."""
    rows = _clean()
    rows = rows.mutate(hour=floored(rows["at"], HOUR)).inner_join(_batch_hours[["hour", "clock"]], "hour")
    rows = rows.select("person", "tile", "clock").distinct()
    rows = rows.mutate(order=keyed.order(known, rows.person, rows.tile, rows.clock))
    return Step("tile_hours", _first(rows, HOURLY_CELLS, "tile", "clock").drop("order"))


MOST_BYTES = 10**10
"""No event counts for more: it is beyond what an hour may add already, and sums stay below 2^53."""
AMOUNTS = {"person": "int32", "cell": "int32", "day_type": "int32", "clock": "int32", "amount": "int64"}
TRIPS = {"person": "int32", "order": "int64", "left": "int64", "origin": "int32", "destination": "int32",
         "slot": "int32", "minutes": "int64"}  # fmt: skip
TILE_HOURS = {"person": "int32", "tile": "int32", "clock": "int32"}


def floored(value: Any, by: int) -> Any:
    """The whole part of a non-negative whole number through another; exact, for both are below 2^53."""
    return (value - value % by) // by


def _allowed(rows: Any) -> Any:
    """As of the event: whoever takes part had said yes then, and has not taken it back since."""
    rows = rows.mutate(hour=floored(rows["at"], HOUR)).semi_join(_cells, "cell")
    joined = rows.inner_join(
        _participants,
        [rows.number == _participants.number, rows["at"] >= _participants.since, rows["at"] < _participants.until],
    )
    return joined.select("person", "at", "cell", "load", "hour")


def _clean() -> Any:
    return _MARKED.filter(_MARKED.fault == NOTHING)


def _impossible(rows: Any, side: str) -> Any:
    """Far, and faster than anything on the ground, from the event on that *side*; not, if there is none."""
    x, y, at = (rows[name] - rows[f"{name}_{side}"] for name in ("x", "y", "at"))
    far = x * x + y * y
    return ibis.coalesce((far >= JUMP_METRES**2) & (far >= at * at * JUMP_SPEED**2), ibis.literal(value=False))


def _first(rows: Any, most: int, *ties: str) -> Any:
    """Of each person's rows the first *most* in their order."""
    w = ibis.window(group_by=rows.person, order_by=[rows.order, *(rows[name] for name in ties)])
    ranked = rows.mutate(place=ibis.row_number().over(w))
    return ranked.filter(ranked.place < most).drop("place")
