"""
The report for a planner: one HTML file that needs nothing else, from the tables of a release alone. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from placet.kernel.periods import format_instant
from placet.purposes.mobility.model import DayType, Rho
from placet.purposes.mobility.privacy.accounting import DELTA, Loss
from placet.purposes.mobility.releasing import describing, plots
from placet.purposes.mobility.releasing.hierarchy import Places
from placet.purposes.mobility.releasing.model import (
    ALL,
    ANCHORS,
    FLOWS,
    NONE,
    TRAVEL_TIMES,
    ZONE_LOAD,
    ZONE_PROFILE,
    Estimate,
    Level,
    TableName,
)  # fmt: skip
from placet.purposes.mobility.releasing.settling import least
from placet.purposes.mobility.releasing.stored import About

MOST = 15
"""Rows of a ranking."""
NIGHT, NOON = 3, 14
Row = Mapping[str, Any]
Tables = Mapping[TableName, pa.Table]


def page(about: About, tables: Tables, places: Places, population: Estimate | None) -> str:
    """The report as HTML."""
    loss = Loss(Rho(sum((spent.rho for spent in about.products.values()), start=Rho(0))))  # type: ignore[arg-type]
    titles = describing.titles(places, "en")
    return (
        _environment()
        .get_template("report.html")
        .render(
            about=about,
            last=about.window.until - timedelta(days=1),
            made_at=format_instant(about.made_at),
            population=population,
            loss=loss,
            delta=DELTA,
            least={name: least(spent.sigma) for name, spent in about.products.items()},
            notes=describing.NOTES,
            sections=[section for section in _sections(tables, places, titles) if section is not None],
        )
    )


Section = tuple[str, str, Markup]
"""A heading, a sentence, a plot."""


def _sections(tables: Tables, places: Places, titles: Mapping[str, str]) -> Sequence[Section | None]:
    return (
        _curve(tables),
        _map(tables, places, titles, NOON),
        _map(tables, places, titles, NIGHT),
        _swing(tables, titles),
        _flows(tables, titles),
        _commuting(tables, titles),
        _slow(tables, titles),
        _load(tables, titles),
    )


def _curve(tables: Tables) -> Section | None:
    if (table := tables.get(ZONE_PROFILE.name)) is None:
        return None
    drawn = [
        plots.Line(f"{day} day" if day == DayType.WEEKEND else day, day, [_interval(row) for row in rows])
        for day in DayType
        if (rows := _rows(table, zone=ALL, day_type=day.value))
    ]
    return (
        "A typical day",
        "People who take part and whom the network saw, hour by hour, in all zones together.",
        plots.lines(drawn, id="curve", title="People in all zones by hour, on a weekday and on a weekend day"),
    )


def _map(tables: Tables, places: Places, titles: Mapping[str, str], hour: int) -> Section | None:
    if (table := tables.get(ZONE_PROFILE.name)) is None:
        return None
    rows = _rows(table, day_type=DayType.WEEKDAY.value, hour=hour)
    told = _estimated(rows)
    values = {row["zone"]: row["estimate" if told else "people"] for row in rows}
    areas = [
        plots.Area(zone.outline, values[zone.id], f"{titles[zone.id]}: {_people(values[zone.id])}")
        for zone in places.zones
    ]
    shown = [value for zone in places.zones if (value := values[zone.id]) is not None]
    return (
        f"Where people are at {hour}:00 on a weekday",
        "Estimated for all inhabitants." if told else "Of those who take part; nothing tells for how many they stand.",
        plots.chart(areas, id=f"map-{hour}", title=f"People by zone, weekday {hour}:00", bounds=plots.bounds(shown)),
    )


def _estimated(rows: Sequence[Row]) -> bool:
    """Whether all that is shown is estimated for everybody: a map has one scale."""
    return all(row["hidden"] or row["estimate"] is not None for row in rows)


def _swing(tables: Tables, titles: Mapping[str, str]) -> Section | None:
    """Zones that gain most from night to noon, as a ratio of two noisy values."""
    if (table := tables.get(ZONE_PROFILE.name)) is None:
        return None
    rows = _rows(table, day_type=DayType.WEEKDAY.value, level=Level.ZONE.value, hidden=False)
    by_hour = {(row["zone"], row["hour"]): row for row in rows}
    both = [(zone, by_hour[zone, NIGHT], row) for (zone, hour), row in by_hour.items()
            if hour == NOON and (zone, NIGHT) in by_hour]  # fmt: skip
    found = [
        _ratio(
            titles[zone],
            noon["people"] / night["people"], noon["low"] / night["high"], noon["high"] / max(night["low"], 1),
        )
        for zone, night, noon in both
    ]  # fmt: skip
    ranked = sorted(found, key=lambda bar: (-bar.low, bar.name))[:MOST]
    plot = plots.bars(ranked, id="swing", title=f"People at {NOON}:00 for one at {NIGHT}:00, by zone", mark=1.0)
    return _unless_empty(
        ranked,
        "Zones that fill during the day",
        f"People at {NOON}:00 on a weekday for one at {NIGHT}:00; the line ends where both intervals do.",
        plot,
    )


def _flows(tables: Tables, titles: Mapping[str, str]) -> Section | None:
    rows = _ranked(tables, FLOWS.name, "trips")
    found = [
        _bar(row, f"{titles[row['origin']]} – {titles[row['destination']]}, {row['slot']}", "trips") for row in rows
    ]
    plot = plots.bars(found, id="flows", title="The largest flows between zones")
    return _unless_empty(
        found,
        "The largest flows",
        "Of each person's trips in the window one was drawn: people by their drawn trip.",
        plot,
    )


def _commuting(tables: Tables, titles: Mapping[str, str]) -> Section | None:
    rows = [
        row for row in _ranked(tables, ANCHORS.name, "people", many=None)
        if row["work"] not in (NONE, row["home"])
    ][:MOST]  # fmt: skip
    found = [_bar(row, f"{titles[row['home']]} – {titles[row['work']]}", "people") for row in rows]
    plot = plots.bars(found, id="commuting", title="Where people live and where they work")
    return _unless_empty(found, "Commuting", "People by the zone of their nights and of their working hours.", plot)


def _slow(tables: Tables, titles: Mapping[str, str]) -> Section | None:
    if (table := tables.get(TRAVEL_TIMES.name)) is None:
        return None
    rows = sorted(_rows(table, slow=True), key=lambda row: (-row["ratio_low"], row["origin"], row["destination"]))
    found = [
        _ratio(
            f"{titles[row['origin']]} – {titles[row['destination']]}, {row['slot']}",
            row["ratio"], row["ratio_low"], row["ratio_high"],
        )
        for row in rows[:MOST]
    ]  # fmt: skip
    plot = plots.bars(found, id="slow", title="Travel time for one minute at night", mark=1.0)
    sentence = "Pairs whose travel time is surely longer than at night: the whole interval lies above 1."
    return _unless_empty(found, "Slow traffic", sentence, plot)


def _load(tables: Tables, titles: Mapping[str, str]) -> Section | None:
    if (table := tables.get(ZONE_LOAD.name)) is None:
        return None
    rows = _rows(table, level=Level.ZONE.value, day_type=DayType.WEEKDAY.value, hidden=False)
    busiest: dict[str, Row] = {}
    for row in rows:
        if row["megabytes"] > busiest.get(row["zone"], {"megabytes": 0})["megabytes"]:
            busiest[row["zone"]] = row
    ranked = sorted(busiest.values(), key=lambda row: (-row["megabytes"], row["zone"]))[:MOST]
    found = [_bar(row, f"{titles[row['zone']]}, {row['hour']}:00", "megabytes") for row in ranked]
    plot = plots.bars(found, id="load", title="Megabytes in the busiest hour, by zone")
    return _unless_empty(found, "Load of the network", "Megabytes in the busiest hour of a weekday.", plot)


def _unless_empty(rows: Sequence[object], heading: str, sentence: str, plot: Markup) -> Section | None:
    return (heading, sentence, plot) if rows else None


def _ranked(tables: Tables, name: TableName, measure: str, many: int | None = MOST) -> list[Row]:
    """The largest values that noise alone does not reach."""
    if (table := tables.get(name)) is None:
        return []
    rows = _rows(table, sure=True, hidden=False)
    return sorted(rows, key=lambda row: (-row[measure], *map(str, row.values())))[:many]


def _rows(table: pa.Table, **wanted: object) -> list[Row]:
    for name, value in wanted.items():
        table = table.filter(pc.equal(table[name], value))
    found: list[Row] = table.to_pylist()
    return found


def _bar(row: Row, name: str, measure: str) -> plots.Bar:
    text = f"{row[measure]:,} ({row['low']:,}–{row['high']:,})"
    return plots.Bar(name, row[measure], row["low"], row["high"], text)


def _interval(row: Row) -> tuple[float, float, float] | None:
    return None if row["hidden"] else (row["people"], row["low"], row["high"])


def _ratio(name: str, value: float, low: float, high: float) -> plots.Bar:
    return plots.Bar(name, value, low, high, f"{value:.2f} ({low:.2f}–{high:.2f})")


def _people(value: float | None) -> str:
    return "hidden, too few" if value is None else f"{value:,.0f} people"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("placet.purposes.mobility.releasing"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
