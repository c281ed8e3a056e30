"""The pages of the atlas: a map for each view and part of the day, what can be downloaded, and how it is made."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs
from babel import dates
from markupsafe import Markup
from starlette.responses import FileResponse, RedirectResponse, Response

from placet.interfaces.atlas import courses, drawing, noise, plates
from placet.interfaces.atlas.drawing import Address
from placet.interfaces.atlas.library import Library
from placet.interfaces.atlas.plates import Areas, View, When
from placet.interfaces.atlas.volume import Volume
from placet.interfaces.web.languages import Words, language_of
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import NotFound
from placet.purposes.mobility.model import FLOWS, DayType, Slot, Window
from placet.purposes.mobility.privacy.accounting import Loss
from placet.purposes.mobility.releasing.model import Release, State, report_files

_LISTED = 40
"""Rows of ways beside the map; all of them stand in the files."""
_LIVELY = 8
_HOUR = 3_600
"""Seconds for which a browser keeps what never changes: a withdrawn release is gone soon."""


@attrs.frozen
class Deposit:
    """One published file: its size, and its SHA-256 in hexadecimal."""

    name: str
    path: Path = attrs.field(repr=False)
    size: int
    sha256: str


@attrs.frozen(eq=False)
class Pages:
    """Each public method is a page."""

    shell: Shell
    library: Library
    url: str

    def start(self, visit: Visit) -> Response:
        """The newest map; before the first release, a page that says that there is none."""
        if (found := self.library.newest()) is None:
            return self._render(visit, "empty")
        return _other(str(Address(found.id, View.PEOPLE, When.first(View.PEOPLE))))

    def opened(self, visit: Visit) -> Response:
        """A release or a view of it, at its first map; a form without scripts says day, hour and zone here."""
        volume = self.library.volume(visit.request.path_params["release"])
        release, told = volume.release, plates.views(volume)
        if not told:
            return _other(f"/atlas/{release.id}/data")
        view = _view(visit.request.path_params.get("view", told[0]))
        query = visit.request.query_params
        zone = query.get("zone") or None
        return _other(str(Address(release.id, view, _asked(view, query), zone)))

    def plate(self, visit: Visit) -> Response:
        """A map with all that stands beside it."""
        path = visit.request.path_params
        volume = self.library.volume(path["release"])
        view = _view(path["view"])
        zone = path.get("zone")
        if zone is not None and zone not in volume.shapes:
            raise NotFound("this map has no such zone; choose one on it", code="not-found")
        address = Address(volume.release.id, view, When.parse(view, path["when"]), zone)
        beside = self._areas(visit, volume, address) if view.has_hours else self._ways(visit, volume, address)
        return self._render(visit, "plate", **self._around(visit, volume, address), **beside)

    def frames(self, visit: Visit) -> Response:
        """All hours of a day as the script turns them: the same words as on the pages."""
        path = visit.request.path_params
        volume = self.library.volume(path["release"])
        view, language = _view(path["view"]), language_of(path["language"])
        day = next((day for day in DayType if day == path["day"]), None)
        if language is None or day is None or not view.has_hours:
            raise NotFound("there are no such hours", code="not-found")
        packed = self._packed(volume, view, day, Words(language, visit.words.zone))
        headers = {"cache-control": f"public, max-age={_HOUR}", "vary": "accept-encoding"}
        if "gzip" in visit.request.headers.get("accept-encoding", ""):
            return Response(packed, media_type="application/json", headers={**headers, "content-encoding": "gzip"})
        return Response(gzip.decompress(packed), media_type="application/json", headers=headers)

    def releases(self, visit: Visit) -> Response:
        return self._render(visit, "releases", releases=self.library.shown(), month=month)

    def data(self, visit: Visit) -> Response:
        """What can be downloaded of a release, with the hash of each file and its place in the log."""
        release = self.library.release(visit.request.path_params["release"])
        files = self._files(release)
        reports = report_files({each.name for each in files})
        return self._render(visit, "data", release=release, files=files, reports=reports, month=month)

    def file(self, visit: Visit) -> Response:
        """One of those files, the same bytes for everybody."""
        path = visit.request.path_params
        release = self.library.release(path["release"])
        found = next((each for each in self._files(release) if each.name == path["file"]), None)
        if found is None:
            raise NotFound("the release has no such file", code="unknown-file")
        headers = {"cache-control": f"public, max-age={_HOUR}", "etag": f'"{found.sha256}"'}
        return FileResponse(found.path, filename=f"{release.id}-{found.name}", headers=headers)

    def method(self, visit: Visit) -> Response:
        release = self.library.newest()
        if release is None:
            return self._render(visit, "method", release=None)
        flows = release.products.get(FLOWS.name)
        title = self.shell.text(visit.words, "atlas/bells.html")
        return self._render(
            visit,
            "method",
            release=release,
            month=month,
            loss=Loss(release.rho),
            bells=None if flows is None else noise.bells(flows.sigma, title=title),
        )

    def _files(self, release: Release) -> list[Deposit]:
        """What can be downloaded; nothing of a release that was withdrawn."""
        if release.state is not State.PUBLIC:
            return []
        releases = self.library.releases
        return [
            Deposit(name, path := releases.place(release) / name, path.stat().st_size, sha256)
            for name, sha256 in sorted(releases.files(release).items())
        ]

    def _areas(self, visit: Visit, volume: Volume, address: Address) -> Mapping[str, object]:
        plate = plates.areas(volume, address.view, address.when)
        words, day = visit.words, address.when.day
        assert day is not None
        return {
            "plate": plate,
            "drawings": drawing.drawings(
                volume, address, words.language, tones=plates.by_zone(plate.areas), ways=None, words=words
            ),
            "rows": drawing.rows(volume, plate, address, words),
            "first": self._first(volume, plate, words, address.zone),
            "hours": drawing.row_of_hours(
                volume,
                address,
                lambda moment, _value: f"{moment.hour:02d}:00",
                label=self.shell.text(words, "atlas/hours.html", zone=_title(volume, address, words)),
            ),
        }

    def _ways(self, visit: Visit, volume: Volume, address: Address) -> Mapping[str, object]:
        plate = plates.ways(volume, address.view, address.when, address.zone)
        homes = plates.catchment(volume, address.zone) if address.zone and address.view is View.COMMUTING else None
        tones = {} if homes is None else plates.by_zone(homes.areas)
        words = visit.words
        return {
            "plate": plate,
            "homes": homes,
            "drawings": drawing.drawings(volume, address, words.language, tones=tones, ways=plate, words=words),
            "listed": plate.ways[:_LISTED],
            "first": plate.ways[0] if plate.ways else None,
            "slower": (1.0, *plates.SLOWER),
            "slots": [(each.text, address.at(each)) for each in plates.moments(address.view)],
        }

    def _around(self, visit: Visit, volume: Volume, address: Address) -> dict[str, object]:
        """What every plate has around it."""
        words = visit.words
        named = sorted((volume.title(zone, words.language), zone) for zone in volume.shapes)
        shown = [address.zone] if address.zone else plates.liveliest(volume, _LIVELY)
        return {
            "volume": volume,
            "release": volume.release,
            "address": address,
            "link": f"{self.url}{address}",
            "views": [
                (view, Address(address.release, view, _kept(view, address.when), address.zone))
                for view in plates.views(volume)
            ],
            "days": [(day, address.at(When(day, address.when.hour))) for day in DayType] if address.when.day else [],
            "named": named,
            "month": month,
            "drawing": drawing,
            "courses": [_course(volume, zone, words) for zone in shown],
        }

    def _first(self, volume: Volume, plate: Areas, words: Words, zone: str | None = None) -> str:
        """The finding of a plate in one sentence; of a chosen *zone*, its figure."""
        if zone is not None:
            return drawing.area_text(volume, plate.view, plates.by_zone(plate.areas)[zone], words)
        if (found := plate.first) is None:
            return self.shell.text(words, "atlas/nothing.html")
        return self.shell.text(
            words,
            "atlas/finding.html",
            view=plate.view,
            zone=volume.title(found.zone, words.language),
            value=drawing.value_text(plate.view, found, words),
            between=drawing.between_text(plate.view, found, words),
        )

    @lru_cache(48)  # noqa: B019 - one of these pages lives as long as its process
    def _packed(self, volume: Volume, view: View, day: DayType, words: Words) -> bytes:
        frames = [self._frame(volume, plates.areas(volume, view, When(day, hour)), words) for hour in range(24)]
        text = json.dumps({"zones": list(volume.shapes), "hours": frames}, ensure_ascii=False, separators=(",", ":"))
        return gzip.compress(text.encode(), mtime=0)

    def _frame(self, volume: Volume, plate: Areas, words: Words) -> Mapping[str, Any]:
        return {
            "first": self._first(volume, plate, words),
            "tones": [area.tone for area in plate.areas],
            "values": [drawing.value_text(plate.view, area, words) for area in plate.areas],
            "betweens": [drawing.between_text(plate.view, area, words) for area in plate.areas],
            "beside": [drawing.beside_text(plate.view, area, words) for area in plate.areas],
            "order": [area.zone for area in (*plate.ranked, *plate.untold)],
        }

    def _render(self, visit: Visit, template: str, **values: Any) -> Response:
        return self.shell.render(visit, f"atlas/{template}.html", **values)


def month(window: Window, words: Words) -> str:
    """What a window is called: its month, or its days."""
    if window == Window.month(f"{window.first:%Y-%m}"):
        return str(dates.format_skeleton("yMMMM", window.first, locale=words.locale))
    return f"{words.narrow_day(window.first)}\N{EN DASH}{words.narrow_day(window.days[-1])}"


def _view(text: str) -> View:
    found = next((view for view in View if view == text), None)
    if found is None:
        raise NotFound("the atlas has no such map", code="not-found")
    return found


def _asked(view: View, query: Mapping[str, str]) -> When:
    """What the form asked for; without it where the view begins."""
    if view.has_hours and "day" in query:
        return When.parse(view, f"{query['day']}-{query.get('hour', '')}")
    return When.parse(view, query["slot"]) if "slot" in query else When.first(view)


def _kept(view: View, when: When) -> When:
    """The same part of the day in another view, as far as it has one."""
    if view.has_hours:
        return when if when.day is not None else When.first(view)
    if view is View.COMMUTING:
        return When()
    return When(slot=Slot.of(when.hour) if when.hour is not None else when.slot or Slot.MORNING)


def _course(volume: Volume, zone: str, words: Words) -> tuple[str, str, str, Markup]:
    """A zone with its name, the top of its scale and its drawing."""
    lines = [plates.course(volume.people, zone, day) for day in DayType]
    name, top = volume.title(zone, words.language), courses.top(lines)
    drawn = courses.course(lines, [day.value for day in DayType], top, title=name)
    return zone, name, words.number(top), drawn


def _title(volume: Volume, address: Address, words: Words) -> str | None:
    return None if address.zone is None else volume.title(address.zone, words.language)


def _other(address: str) -> Response:
    return RedirectResponse(address, status_code=303)
