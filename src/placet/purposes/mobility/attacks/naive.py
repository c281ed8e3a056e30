"""
How others release counts of people: exact, hidden below a threshold, or with noise for one event.

These exist to be attacked, so that what is said of ours is measured beside what an attack can do. The factors of
multiplication are those of the export configurations that Eurostat's multimno 1.0 ships.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks.measuring import Floats
from placet.purposes.mobility.attacks.model import Against

FACTOR = 0.95 * 5.4
"""Devices that are not counted twice, times people for each of the operator's devices."""
THRESHOLD = {Against.FIVE: 5, Against.FIFTEEN: 15}
_EPSILON = 1.0


def released(counts: npt.NDArray[np.int64], against: Against, rng: np.random.Generator) -> Floats:
    """What is published of *counts*; what is hidden reads as 0, which nobody takes for a figure."""
    if against is Against.EXACT:
        return counts.astype(float)
    if against is Against.MULTIPLIED:
        multiplied = counts * FACTOR
        return np.where(multiplied < THRESHOLD[Against.FIVE], 0.0, multiplied)
    if against is Against.EVENTS:
        return counts + rng.laplace(scale=1 / _EPSILON, size=counts.shape)
    return np.where(counts < THRESHOLD[against], 0.0, counts)


def variance(against: Against) -> float:
    """Of the noise in each published figure."""
    return 2 / _EPSILON**2 if against is Against.EVENTS else 0.0
