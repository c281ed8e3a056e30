"""
A release as the atlas reads it: from its published files and nothing else, so that what is drawn is what everybody can
download. A hidden value is not there: None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from placet.interfaces.atlas.outlines import Shape, shapes
from placet.interfaces.atlas.panels import Panel, graticule, panels
from placet.interfaces.atlas.projection import Projection
from placet.purposes.mobility.releasing.actions import Releases
from placet.purposes.mobility.releasing.model import (
    ANCHORS,
    CATCHMENT,
    FLOWS,
    TRAVEL_TIMES,
    ZONE_LOAD,
    ZONE_PROFILE,
    Level,
    Release,
    Table,
)

_ESTIMATE = ("estimate", "estimate_low", "estimate_high")
Row = Mapping[str, Any]


@attrs.frozen
class Figure:
    """A published value with its 95 % interval."""

    value: float
    low: float
    high: float


@attrs.frozen
class Zone:
    """A zone's names and its public population."""

    id: str
    titles: Mapping[str, str]
    population: int
    parent: str | None


@attrs.frozen
class Travel:
    """The mean time of a way in one part of the day, and how much longer it takes than at night."""

    minutes: Figure
    ratio: Figure | None
    is_slow: bool


_FINE = 0.1
"""Degrees between the lines of an enlarged piece."""

Hourly = Mapping[tuple[str, str, int], Figure]
"""By zone, type of day, hour."""
Flows = Mapping[tuple[str, str, str], Figure]
"""By origin, destination, part of the day."""


@attrs.frozen(eq=False)
class Sheet:
    """A panel with all that does not change on it: the outlines of its zones by id, the lines of the globe."""

    panel: Panel
    outlines: Mapping[str, str] = attrs.field(repr=False)
    net: tuple[str, ...] = attrs.field(repr=False)

    @classmethod
    def of(cls, panel: Panel, shapes: Mapping[str, Shape], projection: Projection) -> Sheet:
        net = graticule(panel, projection, every=_FINE if panel.name else 1.0)
        return cls(panel, {zone: panel.path(shapes[zone]) for zone in panel.zones}, net)


@attrs.frozen(eq=False)
class Volume:
    """All that the atlas shows of one release."""

    release: Release
    zones: Mapping[str, Zone]
    shapes: Mapping[str, Shape] = attrs.field(repr=False)
    sheets: tuple[Sheet, ...] = attrs.field(repr=False)
    """The whole map, and what is enlarged of it."""
    people: Hourly = attrs.field(repr=False)
    load: Hourly = attrs.field(repr=False)
    flows: Flows = attrs.field(repr=False)
    homes: Mapping[tuple[str, str], Figure] = attrs.field(repr=False)
    """By zone of home and zone of work."""
    catchment: Mapping[tuple[str, str], Figure] = attrs.field(repr=False)
    """By zone of work and zone of home: the share of those who work there."""
    times: Mapping[tuple[str, str, str], Travel] = attrs.field(repr=False)

    def title(self, zone: str, language: str) -> str:
        """A zone's name; its id where it has none in any language."""
        found = self.zones.get(zone)
        return zone if found is None else found.titles.get(language) or next(iter(found.titles.values()), zone)


def read(releases: Releases, release: Release) -> Volume:
    """All of *release*; a table that it does not have is empty."""
    features = releases.zones(release)["features"]
    zones = {zone.id: zone for zone in map(_zone, features)}
    outlines = {_zone(each).id: each["geometry"] for each in features if each["properties"]["level"] == Level.ZONE}
    projection, found = shapes(outlines)
    drawn = panels(found, {id: zone.parent for id, zone in zones.items()})
    tables = _Tables(releases, release)
    return Volume(
        release=release,
        zones=zones,
        shapes=found,
        sheets=tuple(Sheet.of(panel, found, projection) for panel in drawn),
        people=tables.counted(ZONE_PROFILE),
        load=tables.counted(ZONE_LOAD),
        flows=tables.counted(FLOWS),
        homes=tables.counted(ANCHORS),
        catchment=tables.catchment(),
        times=tables.times(),
    )


def _zone(feature: Row) -> Zone:
    told = feature["properties"]
    titles = {language: told[f"title_{language}"] for language in ("lv", "ru", "en")}
    return Zone(told["id"], titles, told["population"], told["parent"])


@attrs.frozen
class _Tables:
    """The tables of one release, each row by its keys."""

    releases: Releases
    release: Release

    def counted(self, table: Table) -> dict[Any, Figure]:
        """What stands for all inhabitants where that is told, else what was measured: one of the two throughout."""
        rows = self._told(table)
        estimated = any(row.get("estimate") is not None for row in rows)
        value, low, high = _ESTIMATE if estimated else (table.measure, "low", "high")
        return {
            tuple(row[key] for key in table.keys): Figure(row[value], row[low], row[high])
            for row in rows
            if row[value] is not None
        }

    def catchment(self) -> dict[tuple[str, str], Figure]:
        return {
            (row["work"], row["home"]): Figure(row["share"], row["share_low"], row["share_high"])
            for row in self._told(CATCHMENT)
            if row["share"] is not None
        }

    def times(self) -> dict[tuple[str, str, str], Travel]:
        return {tuple(row[key] for key in TRAVEL_TIMES.keys): _travel(row) for row in self._told(TRAVEL_TIMES)}

    def _told(self, table: Table) -> list[Row]:
        """The rows that are not hidden, and sure where the table says which are."""
        if f"{table.name}.parquet" not in self.releases.files(self.release):
            return []
        rows = self.releases.table(self.release, table.name).to_pylist()
        return [row for row in rows if not row["hidden"] and row.get("sure", True)]


def _travel(row: Row) -> Travel:
    ratio = None if row["ratio"] is None else Figure(row["ratio"], row["ratio_low"], row["ratio_high"])
    return Travel(Figure(row["minutes"], row["low"], row["high"]), ratio, bool(row["slow"]))
