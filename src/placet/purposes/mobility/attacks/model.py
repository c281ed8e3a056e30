"""What an attack finds: a measured figure with its interval, and the most that theory allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs


class Against(StrEnum):
    """The ways to release that are attacked; all but `PLACET` are what others do, and are here to be beaten."""

    EXACT = "exact"
    """Counts as they are."""
    FIVE = "k-5"
    """Counts below 5 are hidden."""
    FIFTEEN = "k-15"
    """Counts below 15 are hidden."""
    MULTIPLIED = "k-after-multiplication"
    """Counts are multiplied up to the population, and hidden below 5 only then: one person in 5.13 is published."""
    EVENTS = "event-noise"
    """Laplace noise for one event (epsilon 1 an hour and zone): the promise is to an event, not to a person."""
    ANEW = "noise-anew"
    """Noise is drawn again for each request."""
    UNLOCKED = "budget-unlocked"
    """The budget is looked at and then spent, in two steps."""
    PLACET = "placet"
    """Ours: a month's release."""
    PLACET_DAILY = "placet-daily"
    """Ours: one day, hour by hour."""
    PLACET_YEAR = "placet-year"
    """Ours: the releases of twelve months, all together."""
    PLACET_FAMILY = "placet-family"
    """Ours: a month's release, of four people who are always together."""

    @property
    def ours(self) -> bool:
        return self.value.startswith("placet")


@attrs.frozen(kw_only=True)
class Finding:
    """
    How far one attack got against one way to release.

    *bound* is what our release promises for this attack; the same line is held against the others.
    """

    name: str
    against: Against
    figure: str
    """What is measured: `auc`, `hours recovered`, …"""
    measured: float
    low: float
    """With *high*, the ends of its 95 % interval."""
    high: float
    chance: float
    """What guessing gets."""
    bound: float
    sure: float
    """The true figure is below this with a probability of less than 1e-9: what the verdict rests on."""
    trials: int
    note: str = ""

    @property
    def held(self) -> bool:
        """The attack does not get further than the bound, as far as anything measured can say: the verdict on ours."""
        return self.sure <= self.bound

    @property
    def beaten(self) -> bool:
        """All of the 95 % interval lies above the bound: what is said of the others."""
        return self.low > self.bound


@attrs.frozen
class Curve:
    """True positives (*hits*) by false ones (*alarms*) of an attack, as its threshold moves."""

    name: str
    against: Against
    alarms: tuple[float, ...] = attrs.field(repr=False)
    hits: tuple[float, ...] = attrs.field(repr=False)
    rho: float | None = None
    """Where the curve of theory is drawn beside it: the privacy loss that it is computed from."""
    above: float | None = None
    """How far the curve is above theory's anywhere, beyond all chance; not above 0 when it holds."""

    @property
    def held(self) -> bool:
        return self.above is None or self.above <= 0


@attrs.frozen
class AccuracyRow:
    """The error of released values whose true size lies in [*least*, *most*)."""

    product: str
    least: float
    most: float
    middle: float
    """The median of their sizes."""
    values: int
    median: float
    """Of the relative errors, and their 95th percentile."""
    error95: float
    arithmetic: float
    """1.96 sigma over the least size: what the noise alone allows to expect of the worst of them."""


@attrs.frozen
class Report:
    """All that was tried, in the order in which it is told."""

    findings: tuple[Finding, ...]
    curves: tuple[Curve, ...] = ()
    accuracy: tuple[AccuracyRow, ...] = ()
    world: Mapping[str, Any] = attrs.field(factory=dict)
    """What it was tried on: people, zones, days, seed."""

    @property
    def held(self) -> bool:
        """None of ours got above its bound. Empty never means yes."""
        ours = [finding for finding in self.findings if finding.against.ours]
        return bool(ours) and all(finding.held for finding in ours) and all(curve.held for curve in self.curves)

    def about(self, name: str) -> Sequence[Finding]:
        return [finding for finding in self.findings if finding.name == name]
