"""All attacks, one after the other, on a synthetic world: `placet mobility attack`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pyarrow as pa

from placet.purposes.mobility.attacks import accuracy, canary, differencing, recovery
from placet.purposes.mobility.attacks.canary import Draw
from placet.purposes.mobility.attacks.exhausting import exhaustion
from placet.purposes.mobility.attacks.flooding import flooding
from placet.purposes.mobility.attacks.membership import Knowing, Trial, membership
from placet.purposes.mobility.attacks.model import AccuracyRow, Against, Curve, Finding, Report
from placet.purposes.mobility.attacks.repeating import repeated
from placet.purposes.mobility.attacks.traces import Counts, Traces, traces
from placet.purposes.mobility.model import ANCHORS, FLOWS, MONTHLY, TILE_HOURS, ZONE_PROFILE, Product, Rho, Window
from placet.purposes.mobility.privacy.debit import Sampler
from placet.purposes.mobility.privacy.drawing import discrete_gaussian
from placet.purposes.mobility.world import World, plan
from placet.store.database import Database

MONDAY = date(2026, 10, 5)
"""The worlds' first day; nothing depends on which Monday it is."""
RHO = Rho(sum((product.rho for product in MONTHLY), Decimal(0)))
_AGAINST = (
    Against.EXACT,
    Against.FIVE,
    Against.FIFTEEN,
    Against.MULTIPLIED,
    Against.EVENTS,
    Against.PLACET,
)


@attrs.frozen(kw_only=True)
class Size:
    """How much is tried."""

    people: int
    regions: tuple[str, ...]
    days: int
    groups: Trial
    canaries: int
    years: int
    """Trials of twelve months each."""
    victims: int
    """Of a withdrawal."""
    recovered: int
    """People whose ways are looked for together."""
    threads: int
    crowd: int
    """People on whom the accuracy is measured."""


SMALL = Size(
    people=1_000,
    regions=("riga",),
    days=7,
    groups=Trial(group=300, victims=3, times=120, seed=1),
    canaries=4_000,
    years=500,
    victims=100,
    recovered=30,
    threads=8,
    crowd=10_000,
)
FULL = Size(
    people=3_000,
    regions=(),
    days=7,
    groups=Trial(group=600, victims=12, times=250, seed=1),
    canaries=20_000,
    years=4_000,
    victims=400,
    recovered=60,
    threads=32,
    crowd=100_000,
)


@attrs.frozen
class Bench:
    """What every attack is tried with. *database* and *folder* are thrown away afterwards."""

    size: Size
    world: World
    traces: Traces
    draw: Draw
    database: Database
    folder: Path
    now: datetime

    @property
    def seed(self) -> int:
        return self.size.groups.seed


Told = Callable[[str], None]


def run(size: Size, *, database: Database, folder: Path, now: datetime, progress: Told) -> Report:
    """
    Try everything. *database* is a migrated one that is thrown away: its budget is emptied. *progress* is told of each
    attack as it begins.
    """
    progress("a world")
    world = plan(size.people, seed=size.groups.seed, regions=size.regions)
    draw = partial(discrete_gaussian, sampler=Sampler.TABLE)
    bench = Bench(
        size, world, seen(world, [MONDAY + timedelta(n) for n in range(size.days)]), draw, database, folder, now
    )
    findings: list[Finding] = []
    curves: list[Curve] = []
    for name, attack in ATTACKS.items():
        progress(name)
        found, drawn = attack(bench)
        findings += found
        curves += drawn
    progress("accuracy")
    crowd = plan(size.crowd, seed=size.groups.seed, regions=size.regions)
    return Report(tuple(findings), tuple(curves), tuple(measured(truths(crowd), draw)), _told(bench))


def seen(world: World, days: Sequence[date]) -> Traces:
    """The traces of all people of *world* over these days."""
    return traces([world.events(day) for day in days], world.atlas, days, people=world.people, zone=world.zone)


def truths(world: World) -> Mapping[Product, Counts]:
    """
    What would be released of *world* without any noise, made without the engine: people in zones on a Monday and a
    Sunday, one trip of each person's Monday, and homes with places of work.
    """
    days = [seen(world, [day]) for day in (MONDAY, MONDAY + timedelta(6))]
    profile = np.concatenate([day.counts().T for day in days], axis=1) * ZONE_PROFILE.unit
    return {ZONE_PROFILE: profile, FLOWS: days[0].flows(np.random.default_rng(0)), ANCHORS: days[0].pairs()}


def measured(
    truth: Mapping[Product, Counts], draw: Draw, *, edges: Sequence[float] = accuracy.EDGES
) -> Sequence[AccuracyRow]:
    """The errors of each value with a month's noise and nothing done to it afterwards, by true size."""
    rows: list[AccuracyRow] = []
    for product, exact in truth.items():
        noise = draw(product.sigma(), exact.size).reshape(exact.shape)
        rows += accuracy.curve(product, exact, exact + noise, edges=edges)
    return rows


Found = tuple[Sequence[Finding], Sequence[Curve]]


def _canary(bench: Bench) -> Found:
    size = bench.size
    ours = [
        canary.worst_case(Against.PLACET, MONTHLY, bench.draw, trials=size.canaries),
        canary.worst_case(Against.PLACET_YEAR, MONTHLY, bench.draw, trials=size.years, times=12),
        canary.worst_case(Against.PLACET_FAMILY, MONTHLY, bench.draw, trials=size.years, people=4),
        canary.worst_case(Against.PLACET_DAILY, (TILE_HOURS,), bench.draw, trials=size.canaries),
    ]
    theirs = canary.worst_case_elsewhere(float(RHO), trials=size.canaries, seed=bench.seed)
    findings = [finding for found, _ in ours for finding in found] + [finding for finding, _ in theirs]
    return findings, [curve for _, curve in ours] + [curve for _, curve in theirs]


def _membership(bench: Bench, knowing: Knowing) -> Found:
    told = [
        membership(bench.traces, against, bench.draw, bench.size.groups, rho=float(RHO), knowing=knowing)
        for against in _AGAINST
    ]
    return [finding for finding, _ in told], [curve for _, curve in told]


def _recovery(bench: Bench) -> Found:
    places = recovery.Map.of(bench.world.atlas)
    return recovery.recovery(
        bench.traces, places, bench.draw, group=bench.size.recovered, times=10, seed=bench.seed
    ), ()


def _withdrawal(bench: Bench) -> Found:
    return differencing.withdrawal(
        bench.traces, bench.draw, victims=bench.size.victims, rho=float(RHO), seed=bench.seed
    ), ()


def _areas(bench: Bench) -> Found:
    return differencing.areas(bench.traces, bench.draw, times=bench.size.canaries, seed=bench.seed), ()


def _resident(bench: Bench) -> Found:
    return differencing.resident(bench.draw, trials=bench.size.canaries, rho=float(RHO), seed=bench.seed), ()


def _exhaustion(bench: Bench) -> Found:
    window = Window.month(f"{MONDAY:%Y-%m}")
    return exhaustion(bench.database, window, threads=bench.size.threads, now=bench.now), ()


def _repetition(bench: Bench) -> Found:
    window = Window.month(f"{MONDAY:%Y-%m}")
    folder = bench.folder / "release"
    return repeated(bench.draw, bench.world.atlas, window, folder, now=bench.now, seed=bench.seed), ()


def _flooding(bench: Bench) -> Found:
    events: pa.Table = bench.world.events(MONDAY)
    atlas, zone = bench.world.atlas, bench.world.zone
    trials = bench.size.years
    return flooding(events, atlas, MONDAY, zone, bench.folder, bench.draw, trials=trials, seed=bench.seed), ()


ATTACKS: Mapping[str, Callable[[Bench], Found]] = {
    "membership": partial(_membership, knowing=Knowing.POPULATION),
    "membership without knowledge": partial(_membership, knowing=Knowing.RELEASE),
    "canary": _canary,
    "one resident": _resident,
    "withdrawal": _withdrawal,
    "two areas": _areas,
    "recovery": _recovery,
    "repetition": _repetition,
    "ten thousand events": _flooding,
    "exhaustion": _exhaustion,
}
"""In the order in which they are told."""


def _told(bench: Bench) -> dict[str, object]:
    size = bench.size
    return {"people": size.people, "zones": bench.traces.places, "days": size.days, "crowd": size.crowd}
