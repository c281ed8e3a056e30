"""
What a release is computed from, as it is published: the noisy integers, the public map, and what the release says of
itself. From these three files everybody can compute all others again, to the last byte (`files.write_derived`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from placet.kernel.errors import Tampered
from placet.kernel.periods import format_instant
from placet.purposes.mobility.model import Axis, Domain, Product, ProductName, ReleaseId, Window, ZoneId
from placet.purposes.mobility.places.model import Zone
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing.hierarchy import Places
from placet.purposes.mobility.releasing.model import Spent
from placet.purposes.mobility.releasing.store import spent_json, spent_of

NOISY = "noisy.npz"
ZONES = "zones.geojson"
ABOUT = "release.json"

Counts = Mapping[ProductName, NoisyCounts]


@attrs.frozen
class About:
    """What a release says of itself, before anything is computed from it."""

    id: ReleaseId
    window: Window
    missing: tuple[date, ...]
    """Days of the window of which nothing was delivered: a typical day is one of the others."""
    time_zone: str
    made_at: datetime
    controller: str
    products: Mapping[ProductName, Spent]
    measures: Mapping[ProductName, str]
    atlas: str
    code: str
    """SHA-256 of the program that counted, hexadecimal."""

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "window": {"name": self.window.name, "first": str(self.window.first), "until": str(self.window.until)},
            "missing": [str(day) for day in self.missing],
            "time_zone": self.time_zone,
            "made_at": format_instant(self.made_at),
            "controller": self.controller,
            "products": {
                name: spent_json(spent) | {"measure": self.measures[name]} for name, spent in self.products.items()
            },
            "atlas": self.atlas,
            "code": self.code,
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> About:
        window = value["window"]
        return cls(
            id=ReleaseId(value["id"]),
            window=Window(window["name"], date.fromisoformat(window["first"]), date.fromisoformat(window["until"])),
            missing=tuple(date.fromisoformat(day) for day in value["missing"]),
            time_zone=value["time_zone"],
            made_at=datetime.fromisoformat(value["made_at"]),
            controller=value["controller"],
            products={ProductName(name): spent_of(spent) for name, spent in value["products"].items()},
            measures={ProductName(name): spent["measure"] for name, spent in value["products"].items()},
            atlas=value["atlas"],
            code=value["code"],
        )


def write(folder: Path, about: About, counts: Counts, places: Places) -> None:
    """The three files."""
    write_json(folder / ABOUT, about.as_json())
    write_json(folder / ZONES, _collection(places))
    arrays: dict[str, npt.NDArray[Any]] = {"map/tiles": np.array(places.tiles), "map/tile_zone": places.tile_zone}
    for name, noisy in counts.items():
        arrays[f"{name}/values"] = noisy.values
        arrays[f"{name}/axes"] = np.array([axis.name for axis in noisy.domain.axes])
        arrays |= {f"{name}/{axis.name}": np.array(axis.members) for axis in noisy.domain.axes}
    with (folder / NOISY).open("wb") as file:
        np.savez_compressed(file, **dict(sorted(arrays.items())))  # type: ignore[arg-type]


def read(folder: Path) -> tuple[About, Counts, Places]:
    """What `write` wrote."""
    try:
        about = About.of_json(json.loads((folder / ABOUT).read_bytes()))
        zones, regions = _zones(json.loads((folder / ZONES).read_bytes()))
        with np.load(folder / NOISY, allow_pickle=False) as arrays:
            counts = {name: _counts(about, name, arrays) for name in about.products}
            places = Places(zones, regions, tuple(arrays["map/tiles"].tolist()), arrays["map/tile_zone"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Tampered(
            f"the files of this release are not as they were written ({type(error).__name__}); restore them",
            code="release-broken",
        ) from None
    return about, counts, places


def write_json(path: Path, value: Any) -> None:
    """Readable, in a fixed order, with every letter as it is written."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _counts(about: About, name: ProductName, arrays: Mapping[str, Any]) -> NoisyCounts:
    spent = about.products[name]
    axes: Sequence[str] = arrays[f"{name}/axes"].tolist()
    domain = Domain(tuple(Axis(axis, tuple(arrays[f"{name}/{axis}"].tolist())) for axis in axes))
    product = Product(name, tuple(axes), about.measures[name], spent.unit, spent.bound, spent.rho)
    return NoisyCounts(product, domain, arrays[f"{name}/values"], spent.sigma * spent.unit)


def _collection(places: Places) -> dict[str, Any]:
    """Zones, then regions, as GeoJSON (RFC 7946)."""
    levels = [*((zone, "zone") for zone in places.zones), *((zone, "region") for zone in places.regions)]
    features = [
        {
            "type": "Feature",
            "id": zone.id,
            "properties": {
                "id": zone.id, "level": level, "parent": zone.parent, "population": zone.population,
                **{f"title_{language}": title for language, title in zone.titles.items()},
            },
            "geometry": zone.outline,
        }
        for zone, level in levels
    ]  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


def _zones(collection: Mapping[str, Any]) -> tuple[tuple[Zone, ...], tuple[Zone, ...]]:
    levels: dict[str, list[Zone]] = {"zone": [], "region": []}
    for feature in collection["features"]:
        told = feature["properties"]
        titles = {key.removeprefix("title_"): text for key, text in told.items() if key.startswith("title_")}
        parent = None if told["parent"] is None else ZoneId(told["parent"])
        levels[told["level"]].append(Zone(ZoneId(told["id"]), titles, told["population"], parent, feature["geometry"]))
    return tuple(levels["zone"]), tuple(levels["region"])
