"""
The report for a planner: one HTML file that needs nothing else, from the tables of a release alone. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from placet.purposes.mobility.model import DayType, Rho
from placet.purposes.mobility.privacy.accounting import Loss
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
from placet.purposes.mobility.releasing.saying import Tongue
from placet.purposes.mobility.releasing.settling import least
from placet.purposes.mobility.releasing.stored import About

MOST = 15
"""Rows of a ranking."""
NIGHT, NOON = 3, 14
Row = Mapping[str, Any]
Tables = Mapping[TableName, pa.Table]


def page(about: About, tables: Tables, places: Places, population: Estimate | None, language: str) -> str:
    """The report as HTML, in one of the languages of `model.REPORTS`."""
    loss = Loss(Rho(sum((spent.rho for spent in about.products.values()), start=Rho(0))))  # type: ignore[arg-type]
    drawing = _Drawing(tables, Tongue(language), describing.titles(places, language))
    return (
        _environment()
        .get_template("report.html")
        .render(
            about=about,
            t=drawing.tongue,
            last=about.window.until - timedelta(days=1),
            population=population,
            loss=loss,
            least={name: least(spent.sigma) for name, spent in about.products.items()},
            sections=[section for section in drawing.sections(places) if section is not None],
        )
    )


Section = tuple[str, str, Markup]
"""A heading, a sentence, a plot."""


@attrs.frozen
class _Drawing:
    """Every section takes what it shows from *tables*; one whose table is not there is None."""

    tables: Tables
    tongue: Tongue
    titles: Mapping[str, str]

    def sections(self, places: Places) -> Sequence[Section | None]:
        return (
            self._curve(),
            self._map(places, NOON),
            self._map(places, NIGHT),
            self._swing(),
            self._flows(),
            self._commuting(),
            self._slow(),
            self._load(),
        )

    def _curve(self) -> Section | None:
        if (table := self.tables.get(ZONE_PROFILE.name)) is None:
            return None
        drawn = [
            plots.Line(self.tongue.say("days_of", day), day, [_interval(row) for row in rows])
            for day in DayType
            if (rows := _rows(table, zone=ALL, day_type=day.value))
        ]
        plot = plots.lines(drawn, id="curve", title=self.tongue.say("curve", "plot"), tongue=self.tongue)
        return self.tongue.say("curve", "heading"), self.tongue.say("curve", "sentence"), plot

    def _map(self, places: Places, hour: int) -> Section | None:
        if (table := self.tables.get(ZONE_PROFILE.name)) is None:
            return None
        rows, say = _rows(table, day_type=DayType.WEEKDAY.value, hour=hour), self.tongue.say
        told = _estimated(rows)
        values = {row["zone"]: row["estimate" if told else "people"] for row in rows}
        areas = [
            plots.Area(zone.outline, values[zone.id], f"{self.titles[zone.id]}: {self._people(values[zone.id])}")
            for zone in places.zones
        ]
        shown = [value for zone in places.zones if (value := values[zone.id]) is not None]
        plot = plots.chart(
            areas, id=f"map-{hour}", title=say("map", "plot", hour=_clock(hour)), bounds=plots.bounds(shown),
            tongue=self.tongue,
        )  # fmt: skip
        return say("map", "heading", hour=_clock(hour)), say("map", "estimated" if told else "counted"), plot

    def _swing(self) -> Section | None:
        """Zones that gain most from night to noon, as a ratio of two noisy values."""
        if (table := self.tables.get(ZONE_PROFILE.name)) is None:
            return None
        rows = _rows(table, day_type=DayType.WEEKDAY.value, level=Level.ZONE.value, hidden=False)
        by_hour = {(row["zone"], row["hour"]): row for row in rows}
        both = [(zone, by_hour[zone, NIGHT], row) for (zone, hour), row in by_hour.items()
                if hour == NOON and (zone, NIGHT) in by_hour]  # fmt: skip
        found = [
            self._ratio(
                self.titles[zone],
                noon["people"] / night["people"], noon["low"] / night["high"], noon["high"] / max(night["low"], 1),
            )
            for zone, night, noon in both
        ]  # fmt: skip
        ranked = sorted(found, key=lambda bar: (-bar.low, bar.name))[:MOST]
        return self._bars("swing", ranked, mark=1.0, noon=_clock(NOON), night=_clock(NIGHT))

    def _flows(self) -> Section | None:
        rows = self._ranked(FLOWS.name, "trips")
        return self._bars("flows", [self._bar(row, self._way(row), "trips") for row in rows])

    def _commuting(self) -> Section | None:
        rows = [
            row for row in self._ranked(ANCHORS.name, "people", many=None)
            if row["work"] not in (NONE, row["home"])
        ][:MOST]  # fmt: skip
        found = [self._bar(row, f"{self.titles[row['home']]} – {self.titles[row['work']]}", "people") for row in rows]
        return self._bars("commuting", found)

    def _slow(self) -> Section | None:
        if (table := self.tables.get(TRAVEL_TIMES.name)) is None:
            return None
        rows = sorted(_rows(table, slow=True), key=lambda row: (-row["ratio_low"], row["origin"], row["destination"]))
        found = [self._ratio(self._way(row), row["ratio"], row["ratio_low"], row["ratio_high"]) for row in rows[:MOST]]
        return self._bars("slow", found, mark=1.0)

    def _load(self) -> Section | None:
        if (table := self.tables.get(ZONE_LOAD.name)) is None:
            return None
        rows = _rows(table, level=Level.ZONE.value, day_type=DayType.WEEKDAY.value, hidden=False)
        busiest: dict[str, Row] = {}
        for row in rows:
            if row["megabytes"] > busiest.get(row["zone"], {"megabytes": 0})["megabytes"]:
                busiest[row["zone"]] = row
        ranked = sorted(busiest.values(), key=lambda row: (-row["megabytes"], row["zone"]))[:MOST]
        found = [self._bar(row, f"{self.titles[row['zone']]}, {_clock(row['hour'])}", "megabytes") for row in ranked]
        return self._bars("load", found)

    def _bars(
        self, name: str, rows: Sequence[plots.Bar], *, mark: float | None = None, **values: object
    ) -> Section | None:
        """The section *name* of a ranking; None where there is nothing to rank."""
        if not rows:
            return None
        say = self.tongue.say
        plot = plots.bars(rows, id=name, title=say(name, "plot", **values), mark=mark)
        return say(name, "heading", **values), say(name, "sentence", **values), plot

    def _ranked(self, name: TableName, measure: str, many: int | None = MOST) -> list[Row]:
        """The largest values that noise alone does not reach."""
        if (table := self.tables.get(name)) is None:
            return []
        rows = _rows(table, sure=True, hidden=False)
        return sorted(rows, key=lambda row: (-row[measure], *map(str, row.values())))[:many]

    def _way(self, row: Row) -> str:
        slot = self.tongue.say("slots", row["slot"])
        return f"{self.titles[row['origin']]} – {self.titles[row['destination']]}, {slot}"

    def _bar(self, row: Row, name: str, measure: str) -> plots.Bar:
        value, low, high = (self.tongue.number(row[each]) for each in (measure, "low", "high"))
        return plots.Bar(name, row[measure], row["low"], row["high"], f"{value} ({low}–{high})")

    def _ratio(self, name: str, value: float, low: float, high: float) -> plots.Bar:
        told, least_of, most_of = (self.tongue.number(each, 2) for each in (value, low, high))
        return plots.Bar(name, value, low, high, f"{told} ({least_of}–{most_of})")

    def _people(self, value: float | None) -> str:
        if value is None:
            return self.tongue.say("map", "hidden")
        return self.tongue.say("map", "people", value=self.tongue.number(value))


def _clock(hour: int) -> str:
    return f"{hour}:00"


def _estimated(rows: Sequence[Row]) -> bool:
    """Whether all that is shown is estimated for everybody: a map has one scale."""
    return all(row["hidden"] or row["estimate"] is not None for row in rows)


def _rows(table: pa.Table, **wanted: object) -> list[Row]:
    for name, value in wanted.items():
        table = table.filter(pc.equal(table[name], value))
    found: list[Row] = table.to_pylist()
    return found


def _interval(row: Row) -> tuple[float, float, float] | None:
    return None if row["hidden"] else (row["people"], row["low"], row["high"])


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("placet.purposes.mobility.releasing"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
