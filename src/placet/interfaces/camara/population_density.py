"""
CAMARA Population Density Data v0.3, `POST /population-density-data/v0.3/retrieve`, from public releases alone.

An area of any shape is answered by geohash cells, and each of these by the public tile or zone that its centre lies
in: so there is nothing to learn from the difference of two areas. Hours are those of typical days: the release whose
window holds the day, or else the newest one, stands for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from pydantic import ValidationError

from placet.bootstrap import Application
from placet.interfaces.camara import areas
from placet.interfaces.camara.problems import invalid, refused
from placet.interfaces.camara.shapes import Asked, GeohashList
from placet.kernel.periods import format_instant
from placet.purposes.mobility.counting.calendar import day_type
from placet.purposes.mobility.releasing.density import Densities, Density, Hour, Unknown
from placet.purposes.mobility.releasing.model import TILES, ZONE_PROFILE, Release

PRECISIONS = (6, 7)
"""1.2 km by 0.6 km, and 150 m: about a tile, and finer, which adds nothing but is what the standard defaults to."""
_DEFAULT = 7
_REACH = timedelta(days=92)
"""Three months, back and ahead."""
_LONGEST = timedelta(days=7)
_MOST = 20_000
"""Cells times hours in one answer."""
_HOUR = timedelta(hours=1)
_RELEASES = 100


@attrs.frozen(eq=False)
class PopulationDensity:
    """Answers from releases, each read once."""

    application: Application
    now: Callable[[], datetime]
    _read: dict[str, Densities] = attrs.field(factory=dict, repr=False)
    """By the hash of a release; written by any thread, each write alone is atomic."""

    def retrieve(self, body: bytes) -> dict[str, Any]:
        """The answer; `Refused` in the words of the standard."""
        asked = _asked(body)
        hours = _hours(asked, self.now())
        cells = _cells(asked)
        if len(cells) * len(hours) > _MOST:
            raise refused(422, "UNSUPPORTED_REQUEST", "ask for a smaller area, a shorter time, or a lower precision")
        zone = ZoneInfo(self.application.config.time_zone)
        releases = self._releases()
        timed = [self._timed(hour, cells, releases, zone) for hour in hours]
        kinds = {cell["dataType"] for one in timed for cell in one["cellPopulationDensityData"]}
        if kinds <= {"NO_DATA"}:
            return {"status": "AREA_NOT_SUPPORTED", "timedPopulationDensityData": []}
        status = "PART_OF_AREA_NOT_SUPPORTED" if "NO_DATA" in kinds else "SUPPORTED_AREA"
        return {"status": status, "timedPopulationDensityData": timed}

    def _timed(
        self, hour: datetime, cells: Sequence[areas.Cell], releases: Sequence[Release], zone: ZoneInfo
    ) -> dict[str, Any]:
        local = hour.astimezone(zone)
        release = _standing(releases, local)
        key: Hour = (day_type(local.date()).value, local.hour)
        told = [_cell(cell.geohash, self._at(release, cell, key)) for cell in cells]
        return {
            "startTime": format_instant(hour),
            "endTime": format_instant(hour + _HOUR),
            "cellPopulationDensityData": told,
        }

    def _at(self, release: Release | None, cell: areas.Cell, hour: Hour) -> Density | Unknown:
        if release is None:
            return Unknown.OUTSIDE
        densities = self._densities(release)
        return densities.at(cell.place(release.sha256, densities), hour)

    def _densities(self, release: Release) -> Densities:
        if (known := self._read.get(release.sha256)) is not None:
            return known
        shelf = self.application.mobility.releases
        names = shelf.files(release)
        tiles = shelf.table(release, TILES.name) if f"{TILES.name}.parquet" in names else None
        made = Densities.of(shelf.zones(release), shelf.table(release, ZONE_PROFILE.name), tiles)
        self._read[release.sha256] = made
        return made

    def _releases(self) -> list[Release]:
        with self.application.database.transaction() as connection:
            found = self.application.mobility.releases.public(connection, limit=_RELEASES)
        return [release for release in found if set(ZONE_PROFILE.products) <= set(release.products)]


def _asked(body: bytes) -> Asked:
    try:
        asked = Asked.model_validate(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise invalid(_place(error)) from None
    if isinstance(asked.area, GeohashList) and asked.precision is not None:
        raise invalid("precision: a list of geohashes has its own")
    return asked


def _place(error: Exception) -> str:
    """Where the body is wrong; its values may be anybody's."""
    if not isinstance(error, ValidationError):
        return "the body is not JSON"
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    known = fault["loc"][:-1] if fault["type"] == "extra_forbidden" else fault["loc"]
    return f"{'.'.join(map(str, known)) or 'body'}: {fault['msg']}"


def _hours(asked: Asked, now: datetime) -> Sequence[datetime]:
    """The whole hours (UTC) that cover what is asked for, at least one."""
    start, end = asked.span
    if end < start:
        raise refused(400, "INVALID_END_TIME", "endTime is earlier than startTime")
    if start < now - _REACH:
        raise refused(400, "MIN_STARTTIME_EXCEEDED", "startTime lies more than three months back")
    if start > now + _REACH or end > now + _REACH:
        raise refused(400, "MAX_STARTTIME_EXCEEDED", "the time lies more than three months ahead")
    if end - start > _LONGEST:
        raise refused(400, "MAX_TIME_PERIOD_EXCEEDED", "ask for at most seven days")
    if start < now < end:
        raise refused(400, "INVALID_TIME_PERIOD", "the time is partly past and partly to come")
    first = start.replace(minute=0, second=0, microsecond=0)
    many = max(-(-(end - first) // _HOUR), 1)
    return [first + _HOUR * at for at in range(many)]


def _cells(asked: Asked) -> Sequence[areas.Cell]:
    if isinstance(asked.area, GeohashList):
        words = list(dict.fromkeys(asked.area.geohashes))
        _demand_precisions({len(word) for word in words})
        return [areas.Cell(word) for word in words]
    precision = asked.precision or _DEFAULT
    ring = areas.ring(asked.area)
    _demand_precisions({precision})
    if areas.many(ring, precision) > _MOST:
        raise refused(422, "UNSUPPORTED_REQUEST", "ask for a smaller area, or a lower precision")
    return areas.cells(ring, precision)


def _demand_precisions(asked: set[int]) -> None:
    if not asked <= set(PRECISIONS):
        raise refused(422, "UNSUPPORTED_PRECISION", f"cells have a precision of {PRECISIONS[0]} or {PRECISIONS[1]}")


def _standing(releases: Sequence[Release], local: datetime) -> Release | None:
    """The newest release of that day, or the newest of all."""
    of_day = (release for release in releases if release.window.first <= local.date() < release.window.until)
    return next(of_day, next(iter(releases), None))


def _cell(geohash: str, found: Density | Unknown) -> dict[str, Any]:
    if isinstance(found, Unknown):
        return {"geohash": geohash, "dataType": "NO_DATA" if found is Unknown.OUTSIDE else "LOW_DENSITY"}
    return {
        "geohash": geohash,
        "dataType": "DENSITY_ESTIMATION",
        "pplDensity": found.value,
        "minPplDensity": found.low,
        "maxPplDensity": found.high,
    }
