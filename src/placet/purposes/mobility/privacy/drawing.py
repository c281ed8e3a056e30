"""Draws of discrete Gaussian noise: by OpenDP, or by our table of the same law (docs/explanation/noise.md)."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import opendp.prelude as dp

from placet.purposes.mobility.privacy.debit import Sampler
from placet.purposes.mobility.privacy.table import table

_PART = 50_000
"""OpenDP takes and gives lists: so many values at a time keep memory bounded and all cores at work."""

dp.enable_features("contrib")


def discrete_gaussian(sigma: float, size: int, sampler: Sampler) -> npt.NDArray[np.int64]:
    """*size* independent draws, from the operating system's randomness; nothing can be drawn again."""
    if sampler is Sampler.TABLE:
        return table(sigma).draw(size)
    drawn = np.empty(size, np.int64)

    def fill(at: int) -> None:
        part = drawn[at : at + _PART]
        part[:] = _measurement(sigma)([0] * len(part))

    # OpenDP lets go of the interpreter's lock while it draws.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(fill, range(0, size, _PART)))
    return drawn


def loss(length: float, sigma: float) -> Decimal:
    """The loss ρ by OpenDP's own privacy map of one person who moves the values by *length* (L2), rounded up."""
    return Decimal(_measurement(sigma).map(length))


@cache
def _measurement(sigma: float) -> Any:
    space = dp.vector_domain(dp.atom_domain(T=dp.i64)), dp.l2_distance(T=dp.f64)
    return dp.m.make_gaussian(*space, scale=sigma)
