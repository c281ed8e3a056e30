"""
The discrete Gaussian by inversion of a table, in whole numbers: numbered as in docs/explanation/noise.md.

1. w₀ = 1, wₓ₊₁ = wₓ·rₓ, r₀ = exp(−1/2σ²), rₓ₊₁ = rₓ·exp(−1/σ²), in fixed point of 256 bits: wₓ = exp(−x²/2σ²).
2. The sums run from −L to L, beyond which lies less than 2⁻¹²⁸ of the mass.
3. For k < 0, F(k) is the sum of w up to k over the sum of all, in units of 2⁻¹²⁸, rounded down; the table begins at the
   first −K where it is not 0. For k ≥ 0, F(k) = 2¹²⁸ − F(−k−1): the table is symmetric, and ends at F(K) = 2¹²⁸.
4. A draw is the least k with u < F(k), for u uniform below 2¹²⁸.
5. The upper 64 bits of u decide, unless they equal those of a boundary: then the lower 64 bits are drawn and decide.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Context, Decimal
from functools import lru_cache
from itertools import accumulate
from math import ceil, log, sqrt

import attrs
import numpy as np
import numpy.typing as npt

Entropy = Callable[[int], bytes]
"""Gives so many random bytes."""

LEAST_SIGMA = 0.5
MOST_SIGMA = 200_000.0
_FIXED = 256
_WIDTH = 128
_HALF = 64
_PART = 1 << 20
_EXACT = Context(prec=120, Emin=-(10**6), Emax=10**6)


@attrs.frozen(eq=False, repr=False)
class Table:
    """The boundaries of all values from −`most` to `most`, in units of 2⁻¹²⁸, as two words each."""

    sigma: float
    most: int
    upper: npt.NDArray[np.uint64]
    lower: npt.NDArray[np.uint64]

    def draw(self, size: int, entropy: Entropy = os.urandom) -> npt.NDArray[np.int64]:
        """*size* independent draws."""
        drawn = np.empty(size, np.int64)
        for at in range(0, size, _PART):
            words = np.frombuffer(entropy(8 * min(_PART, size - at)), "<u8")
            drawn[at : at + len(words)] = self._found(words, entropy)
        return drawn - self.most

    def _found(self, words: npt.NDArray[np.uint64], entropy: Entropy) -> npt.NDArray[np.int64]:
        """Steps 4 and 5 for the upper words of many draws; the last boundary, 2¹²⁸, is not in the table."""
        places = np.searchsorted(self.upper, words, side="left")
        tied = self.upper[np.minimum(places, len(self.upper) - 1)] == words
        for at in np.flatnonzero(tied):
            places[at] = self._decided(int(places[at]), words[at], int.from_bytes(entropy(8), "little"))
        return places.astype(np.int64, copy=False)

    def _decided(self, place: int, upper: np.uint64, lower: int) -> int:
        """The first boundary above the whole number that *upper* and *lower* make; it is not before *place*."""
        while place < len(self.upper) and self.upper[place] == upper and int(self.lower[place]) <= lower:
            place += 1
        return place


@lru_cache(maxsize=8)
def table(sigma: float) -> Table:
    """The table of *sigma*, which is taken as the binary fraction that it is."""
    if not LEAST_SIGMA <= sigma <= MOST_SIGMA:
        raise ValueError(f"the table is for a sigma from {LEAST_SIGMA} to {MOST_SIGMA:.0f}")
    upper, lower = _below_zero(_weights(sigma))
    # 2¹²⁸ − F, word by word: the negation of a number of two words.
    mirrored = ~upper + (lower == 0), ~lower + np.uint64(1)
    both = [np.concatenate((half, other[::-1])) for half, other in zip((upper, lower), mirrored, strict=True)]
    return Table(sigma, len(upper), *both)


def _weights(sigma: float) -> list[int]:
    """Steps 1 and 2: exp(−x²/2σ²) for x from 0 to L, in units of 2⁻²⁵⁶."""
    square = _EXACT.multiply(Decimal(sigma), Decimal(sigma))
    double = _EXACT.multiply(2, square)
    ratio, step = (_fixed(_EXACT.exp(_EXACT.divide(-1, part))) for part in (double, square))
    weights = [1 << _FIXED]
    for _ in range(reach(sigma)):
        weights.append(weights[-1] * ratio >> _FIXED)
        ratio = ratio * step >> _FIXED
    return weights


def reach(sigma: float) -> int:
    """L of step 2: P(|X| > L) ≤ 2·exp(−L²/2σ²) ≤ 2⁻¹²⁸."""
    return ceil(sigma * sqrt(2 * log(2) * (_WIDTH + 1))) + 1


def _below_zero(weights: list[int]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Step 3: the upper and lower words of F from −K to −1."""
    tail = list(accumulate(reversed(weights[1:])))
    total = 2 * tail[-1] + weights[0]
    units = [unit for part in tail if (unit := (part << _WIDTH) // total)]
    packed = b"".join(unit.to_bytes(_WIDTH // 8, "little") for unit in units)
    words = np.frombuffer(packed, "<u8").reshape(-1, 2)
    return words[:, 1].astype(np.uint64), words[:, 0].astype(np.uint64)


def _fixed(value: Decimal) -> int:
    """*value* in units of 2⁻²⁵⁶, rounded down."""
    return int(_EXACT.multiply(value, Decimal(1 << _FIXED)))
