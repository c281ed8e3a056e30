"""
A release to look at: a made-up country of squares, or any other, counted by formula and with noise of a fixed seed,
laid down in the files and rows that a real release has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from placet.bootstrap import Application
from placet.kernel.ids import Position, StaffId
from placet.purposes.mobility.model import (
    ANCHORS,
    FLOWS,
    MINUTES,
    ZONE_LOAD,
    ZONE_PROFILE,
    Axis,
    DayType,
    Domain,
    Product,
    ProductName,
    ReleaseId,
    Slot,
    Window,
    ZoneId,
)
from placet.purposes.mobility.places.model import Zone
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing import figures, files, store
from placet.purposes.mobility.releasing.hierarchy import Places
from placet.purposes.mobility.releasing.model import NONE, Release, Spent
from placet.purposes.mobility.releasing.stored import About

Floats = npt.NDArray[np.float64]
MADE = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
PRODUCTS = (ZONE_PROFILE, ZONE_LOAD, FLOWS, ANCHORS, MINUTES)
ACTIVE = {"weekday": 1.0, "weekend": 0.3}
SHARES = {"night": 0.1, "morning": 0.45, "day": 0.2, "evening": 0.25}
NAMES = ("Kalns", "Ezers", "Ogas", "Priedes", "Smilts", "Tilts")
PARTS = ("Centrs", "Osta", "Parks", "Šķūņi")


def country() -> Places:
    """Six squares of half a degree, and in one of them a town of four parts; one zone where hardly anybody lives."""
    titles = [{"lv": name, "ru": f"{name} (ру)", "en": name} for name in (*NAMES, *PARTS)]
    corners = [(22 + 0.5 * (at % 3), 56 + 0.5 * (at // 3), 0.5) for at in range(6)]
    corners += [(23.6 + 0.04 * (at % 2), 56.2 + 0.02 * (at // 2), 0.04) for at in range(4)]
    populations = (40_000, 25_000, 18_000, 12_000, 8_000, 40, 60_000, 30_000, 45_000, 20_000)
    zones = tuple(
        Zone(ZoneId(f"z{at}"), names, people, ZoneId("pilsēta") if at >= 6 else None, square(*corner))
        for at, (names, corner, people) in enumerate(zip(titles, corners, populations, strict=True))
    )
    town = Zone(
        ZoneId("pilsēta"), {"lv": "Pilsēta", "ru": "Город", "en": "Town"}, 155_000, None, square(23.6, 56.2, 0.08)
    )
    return Places(zones, (town,), (), np.zeros(0, np.int32))


def square(west: float, south: float, side: float) -> Mapping[str, object]:
    east, north = west + side, south + side / 2
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def counts(places: Places, *, part: float = 0.3, seed: int = 1) -> Mapping[ProductName, NoisyCounts]:
    """What a *part* of everybody would come to: they work by gravity, leave at seven and are back by six."""
    draw = np.random.default_rng(seed)
    people = np.array([zone.population for zone in places.zones]) * part
    working = _working(places, people)
    by_day = people - working.sum(1) + working.sum(0)
    out = np.array([_away(hour) for hour in range(24)])
    days = np.array([ACTIVE[day] for day in DayType])
    profile = people[:, None, None] + (by_day - people)[:, None, None] * days[None, :, None] * out[None, None, :]
    load = profile * (2 + 3 * np.exp(-(((np.arange(24) - 20) / 3) ** 2)))[None, None, :]
    share = np.array([SHARES[slot] for slot in Slot])
    trips = working[:, :, None] * share + working.T[:, :, None] * share[::-1]
    trips[np.arange(len(people)), np.arange(len(people))] = 0
    slow = np.array([{"night": 1.0, "day": 1.1}.get(slot, 1.4) for slot in Slot])
    homes = np.concatenate([working, (people - working.sum(1))[:, None]], axis=1)
    exact = {
        ZONE_PROFILE: profile * 1000,
        ZONE_LOAD: load,
        FLOWS: trips,
        ANCHORS: homes,
        MINUTES: trips * (8 + _far(places) * 0.9)[:, :, None] * slow,
    }
    return {product.name: _noisy(product, places, values, draw) for product, values in exact.items()}


def released(
    application: Application,
    id: str = "2026-10",
    *,
    places: Places | None = None,
    part: float = 0.3,
    seed: int = 1,
    made_at: datetime = MADE,
    made_by: StaffId | None = None,
    public_by: StaffId | None = None,
) -> Release:
    """A release laid down as if it had been made; public when somebody is named who made it so."""
    places, window = places or country(), Window.month(id[:7])
    noisy = counts(places, part=part, seed=seed)
    spent = {
        product.name: Spent(product.rho, product.sigma() / product.unit, product.bound, product.unit, "opendp")
        for product in PRODUCTS
    }
    measures = {product.name: product.measure for product in PRODUCTS}
    about = About(
        id=ReleaseId(id),
        window=window,
        missing=(),
        time_zone="Europe/Riga",
        made_at=made_at,
        controller="SIA",
        products=spent,
        measures=measures,
        atlas="ab" * 32,
        code="cd" * 32,
    )
    folder = application.config.data_dir / "mobility" / "releases" / id
    folder.mkdir(parents=True)
    digest = files.write(folder, about, noisy, places)
    release = Release(
        ReleaseId(id), window, made_at, None, spent, figures.population(noisy), about.atlas, digest, Position(1)
    )
    with application.database.transaction() as connection:
        store.plan(connection, release.id, window, digest, by=made_by, now=made_at)
        store.add(connection, release, audience=None)
        if public_by is not None:
            store.step(connection, release.id, "published", by=public_by, now=made_at + timedelta(days=1))
        return store.get(connection, release.id)


def _noisy(product: Product, places: Places, values: Floats, draw: np.random.Generator) -> NoisyCounts:
    sigma = product.sigma()
    noise = draw.normal(0, sigma, values.shape)
    domain = Domain(tuple(Axis(name, _members(places, name)) for name in product.axes))
    return NoisyCounts(product, domain, np.rint(values + noise).astype(np.int64), sigma)


def _members(places: Places, axis: str) -> tuple[str, ...]:
    zones = tuple(str(zone.id) for zone in places.zones)
    return {
        "day_type": tuple(DayType),
        "hour": tuple(str(hour) for hour in range(24)),
        "slot": tuple(Slot),
        "work": (*zones, NONE),
    }.get(axis, zones)


def _working(places: Places, people: Floats) -> Floats:
    """Who lives where and works where."""
    pull = people * np.where([zone.parent is not None for zone in places.zones], 12.0, 1.0)
    weight = pull / np.maximum(_far(places), 2.0) ** 1.8
    return np.asarray(people[:, None] * 0.5 * weight / weight.sum(1, keepdims=True))


def _far(places: Places) -> Floats:
    """Kilometres between the first corners of zones: near enough."""
    corners = np.array([_corner(zone.outline) for zone in places.zones])
    apart = (corners[:, None, :] - corners[None, :, :]) * (61.0, 111.0)
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]))


def _corner(outline: Mapping[str, object]) -> tuple[float, float]:
    found = outline["coordinates"]
    while not isinstance(found[0], int | float):  # type: ignore[index]
        found = found[0]  # type: ignore[index]
    return found[0], found[1]  # type: ignore[index]


def _away(hour: int) -> float:
    """How many of those who work are there."""
    return float((np.tanh((hour - 7.5) / 1.2) - np.tanh((hour - 17.5) / 1.4)) / 2)
