"""
Everybody's ways, recovered from nothing but how many people were where in each hour.

After Xu et al. (WWW 2017): people hardly move at night and go on in the day as they were going, so each hour's counts
are given out again to the ways of the hour before, at the least cost. A way that was recovered is compared with that of
the person whom it fits best (one each). What the same attack gets from *other* people of the same places is what it
knows of habits, not of anybody: an attack has found something out of those who were counted only where it gets further.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks import measuring, naive
from placet.purposes.mobility.attacks.assignment import cheapest
from placet.purposes.mobility.attacks.canary import Draw
from placet.purposes.mobility.attacks.measuring import Floats
from placet.purposes.mobility.attacks.model import Against, Finding
from placet.purposes.mobility.attacks.traces import Counts, Traces
from placet.purposes.mobility.model import THOUSANDTHS, ZONE_PROFILE
from placet.purposes.mobility.places.model import OUTSIDE, Atlas

AGAINST = (Against.EXACT, Against.FIVE, Against.EVENTS, Against.PLACET)
_MORNING = 6
_HOURS = 24


@attrs.frozen(eq=False)
class Map:
    """The centres of the zones, in kilometres: what anybody can look up."""

    x: Floats = attrs.field(repr=False)
    y: Floats = attrs.field(repr=False)

    @classmethod
    def of(cls, atlas: Atlas) -> Map:
        """The middle of each zone's tiles."""
        inside = atlas.tile_zone != OUTSIDE
        zone, size = atlas.tile_zone[inside], len(atlas.zones)
        tiles = np.maximum(np.bincount(zone, minlength=size), 1)
        x, y = (np.bincount(zone, axis[inside], size) / tiles for axis in (atlas.tiles.east, atlas.tiles.north))
        return cls(x, y)


def recovery(traces: Traces, places: Map, draw: Draw, *, group: int, times: int, seed: int) -> Sequence[Finding]:
    """The share of person-hours recovered of one weekday of *group* people, at least ten *times*."""
    rng = np.random.default_rng(seed)
    day = _weekday(traces)
    shares: dict[Against, list[float]] = {one: [] for one in AGAINST}
    of_others = []
    for _ in range(times):
        drawn = rng.permutation(len(day))[: 2 * group]
        victims, strangers = day.of(drawn[:group]), day.of(drawn[group:])
        of_others.append(_share(victims, ways(strangers.counts().astype(float), group, places)))
        for one in AGAINST:
            shares[one].append(_share(victims, ways(_released(victims, one, draw, rng), group, places)))
    habits = measuring.repeats(np.array(of_others))
    return [
        measuring.found(
            "recovery",
            one,
            "person-hours recovered",
            measuring.repeats(np.array(shares[one])),
            chance=habits.value,
            bound=habits.high,
            note=f"{group} people; the bound is what exact counts of other people recover",
        )
        for one in AGAINST
    ]


def ways(counts: Floats, people: int, places: Map) -> Counts:
    """Ways of *people* through *counts* (hours x zones): people x hours, zones."""
    places_of = [_places(hour, people) for hour in counts]
    found = np.empty((people, len(counts)), np.int64)
    found[:, 0] = places_of[0]
    for hour in range(1, len(counts)):
        x, y = (_expected(axis[found[:, :hour]], night=hour < _MORNING) for axis in (places.x, places.y))
        there = places_of[hour]
        cost = np.hypot(x[:, None] - places.x[there][None, :], y[:, None] - places.y[there][None, :])
        found[:, hour] = there[cheapest(cost)]
    return found


def _weekday(traces: Traces) -> Traces:
    """The first weekday, of those who were seen all day."""
    hours = np.flatnonzero(traces.day_type == 0)[:_HOURS]
    whole = np.flatnonzero((traces.zones[:, hours] >= 0).all(axis=1))
    return attrs.evolve(
        traces, zones=traces.zones[whole][:, hours], hour=traces.hour[hours], day_type=traces.day_type[hours]
    )


def _released(victims: Traces, against: Against, draw: Draw, rng: np.random.Generator) -> Floats:
    """What is published of the victims' day; ours as a typical day with a month's noise."""
    counts = victims.counts()
    if against.ours:
        return counts + draw(ZONE_PROFILE.sigma(), counts.size).reshape(counts.shape) / THOUSANDTHS
    return naive.released(counts, against, rng)


def _places(counts: Floats, people: int) -> Counts:
    """A zone for each of *people*, as nearly in the proportions of *counts* as whole people go."""
    weights = np.maximum(counts, 0.0)
    wanted = people * (weights / weights.sum() if weights.any() else np.full(len(counts), 1 / len(counts)))
    whole = np.floor(wanted).astype(np.int64)
    rest = people - int(whole.sum())
    whole[np.argsort(whole - wanted, kind="stable")[:rest]] += 1
    return np.repeat(np.arange(len(counts)), whole)


def _expected(way: Floats, *, night: bool) -> Floats:
    """One coordinate of where each is expected next: at night where they are, by day further by their last step."""
    if night or way.shape[1] < 2:
        return np.asarray(way[:, -1])
    return np.asarray(2 * way[:, -1] - way[:, -2])


def _share(victims: Traces, found: npt.NDArray[np.int64]) -> float:
    """The share of hours that are right, each recovered way compared with the person whom it fits best."""
    same = (victims.zones[:, None, :] == found[None, :, :]).mean(axis=2)
    return float(same[np.arange(len(same)), cheapest(-same)].mean())
