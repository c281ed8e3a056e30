"""Which rows of a delivery are taken in: the right day, a person who had said yes by then, a cell that stood. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import numpy.typing as npt

from placet.gate.periods import Periods
from placet.sources.cells import Codes
from placet.sources.deliveries import Block, Integers, Refused
from placet.sources.model import Fault

SLACK = 300
"""Seconds that a clock may be ahead before a time counts as the future."""
ROW = np.dtype([("number", "i4"), ("at", "i8"), ("cell", "i4"), ("load", "i8"), ("line", "i8")])
"""An event on its way into the lake, with the line it stood on."""
Rows = npt.NDArray[np.void]


class Judged(NamedTuple):
    """The rows that are taken in, and the others; of those without consent only how many they are."""

    rows: Rows
    refused: Sequence[Refused]
    without_consent: int


@attrs.frozen(eq=False)
class Measure:
    """What a day's rows are held against."""

    first: int
    beyond: int
    """The local day in UTC seconds, half-open: 23 or 25 hours twice a year."""
    now: int
    codes: Codes
    consents: Periods
    """The newest span of each person whose events may be taken in."""

    @classmethod
    def of(cls, day: date, zone: ZoneInfo, *, now: datetime, codes: Codes, consents: Periods) -> Measure:
        start, end = (int(datetime.combine(one, datetime.min.time(), zone).timestamp()) for one in (day, _next(day)))
        return cls(start, end, int(now.timestamp()), codes, consents)

    def judge(self, block: Block, number: Integers, theirs_since: Integers) -> Judged:
        """*number* is whom each row means (0: nobody), and since when the name is theirs."""
        at, cell = block.at, self.codes.at(block.cells, block.at)
        faults = np.full(len(at), "", object)
        for fault, wrong in (
            (Fault.NO_CONSENT, ~self._consented(number, at)),
            (Fault.UNKNOWN_SUBJECT, (number == 0) | (at < theirs_since)),
            (Fault.UNKNOWN_CELL, cell < 0),
            (Fault.OTHER_DAY, (at < self.first) | (at >= self.beyond)),
            (Fault.FUTURE, at > self.now + SLACK),
        ):
            faults[wrong] = fault
        rows = np.empty(len(at), ROW)
        for name, column in zip(ROW.names or (), (number, at, cell, block.loads, block.lines), strict=True):
            rows[name] = column
        told = np.flatnonzero((faults != "") & (faults != Fault.NO_CONSENT))
        refused = [Refused(int(block.lines[place]), faults[place]) for place in told]
        without = int(np.count_nonzero(faults == Fault.NO_CONSENT))
        return Judged(rows[faults == ""], [*block.wrong, *refused], without)

    def _consented(self, number: Integers, at: Integers) -> npt.NDArray[np.bool_]:
        held = self.consents
        if not len(held):
            return np.zeros(len(at), np.bool_)
        place = np.minimum(np.searchsorted(held.numbers, number), len(held) - 1)
        own = held.numbers[place] == number
        return np.asarray(own & (held.since[place] <= at) & (at < held.until[place]), np.bool_)


def ordered(rows: Rows) -> tuple[Rows, list[Refused]]:
    """*rows* by person, time and cell; the same event delivered again is refused where it stands the second time."""
    found = rows[np.lexsort((rows["line"], rows["cell"], rows["at"], rows["number"]))]
    again = np.zeros(len(found), np.bool_)
    again[1:] = np.all([found[name][1:] == found[name][:-1] for name in ("number", "at", "cell")], axis=0)
    return found[~again], [Refused(int(line), Fault.DUPLICATE) for line in found["line"][again]]


def faults_of(refused: Sequence[Refused], without_consent: int) -> Counter[str]:
    """How many rows of each kind."""
    found = Counter(one.fault.value for one in refused)
    found[Fault.NO_CONSENT.value] += without_consent
    return +found


def _next(day: date) -> date:
    return day + timedelta(days=1)
