"""
Shares and the counts behind them, and what of them may be shown to whom. Pure.

A share is never shown without its interval: *Wilson's* (1927), which stays within 0 and 1 and is honest for small
counts. Who may not see single persons gets `Released` counts: rounded to tens, and below ten nothing but that. Rounding
every count, totals too, keeps one that is left out from being told by subtraction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from typing import Protocol, TypeVar

import attrs

from placet.consents.model import CLOSING, Decision

LEAST = 10
"""Counts below it are not told to whoever may not see single persons."""
_Z = 1.959963984540054
"""The normal quantile of 97.5 %: intervals of 95 %."""

K = TypeVar("K")


@attrs.frozen
class Interval:
    """Where the share lies, with 95 % confidence."""

    low: float
    high: float


@attrs.frozen
class Share:
    """*part* of *whole*; without a whole there is no share."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return None if self.whole == 0 else self.part / self.whole

    @property
    def interval(self) -> Interval | None:
        return None if self.whole == 0 else wilson(self.part, self.whole)


@attrs.frozen
class Released:
    """A count as it may be shown: exact, rounded to tens, or only that it is below ten (*at_most* 9)."""

    shown: int
    is_exact: bool = True
    is_small: bool = False


Release = Callable[[int], Released]


def exact(count: int) -> Released:
    """For those whose office it is to see every case."""
    return Released(count)


def rounded(count: int) -> Released:
    """For those who see no persons: tens, and nothing of one to nine but that it is so few."""
    if count == 0:
        return Released(0, is_exact=False)
    if count < LEAST:
        return Released(LEAST, is_exact=False, is_small=True)
    return Released((count + 5) // 10 * 10, is_exact=False)


def released(share: Share, release: Release) -> Share | None:
    """*share* from counts as they may be shown; None when one of them is too small to divide by or to tell."""
    part, whole = release(share.part), release(share.whole)
    if part.is_small or whole.is_small or not whole.shown:
        return None
    return Share(min(part.shown, whole.shown), whole.shown)


def wilson(part: int, whole: int) -> Interval:
    """Wilson's score interval of *part* out of *whole* (> 0)."""
    share, z2 = part / whole, _Z * _Z
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    # Rounding may step over the ends, where the interval touches them exactly.
    return Interval(0.0 if part == 0 else max(0.0, middle - half), 1.0 if part == whole else min(1.0, middle + half))


class Counted(Protocol):
    """A row of the roll-up."""

    @property
    def decision(self) -> Decision: ...
    @property
    def count(self) -> int: ...
    @property
    def regretted(self) -> int: ...


Row = TypeVar("Row", bound=Counted)


@attrs.frozen
class Tally:
    """What was said in one group: yes, no (a refusal), taken back (a withdrawal or objection), and yes regretted."""

    yes: int = 0
    no: int = 0
    taken_back: int = 0
    lapsed: int = 0
    regretted: int = 0

    @property
    def yes_share(self) -> Share:
        """Of the answers, how many were a yes; what was taken back later is counted by itself."""
        return Share(self.yes, self.yes + self.no)

    @property
    def regret(self) -> Share:
        """Of the yeses, how many the same person took back within 7 days."""
        return Share(self.regretted, self.yes)

    @property
    def answers(self) -> int:
        return self.yes + self.no


def tally(rows: Iterable[Counted]) -> Tally:
    """One group of rows together."""
    yes = no = taken_back = lapsed = regretted = 0
    for row in rows:
        if row.decision is Decision.GIVEN:
            yes += row.count
            regretted += row.regretted
        elif row.decision is Decision.REFUSED:
            no += row.count
        elif row.decision in CLOSING:
            taken_back += row.count
        else:
            lapsed += row.count
    return Tally(yes, no, taken_back, lapsed, regretted)


def grouped(rows: Sequence[Row], by: Callable[[Row], K]) -> dict[K, Tally]:
    """A tally for each value of *by*, in the order in which they first appear."""
    groups: dict[K, list[Row]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    return {key: tally(members) for key, members in groups.items()}
