"""
The gravity law of commuting: how many of those who live in *i* go to *j* (Zipf 1946, singly constrained).

    P(j | i) ∝ m_j^b · d_ij^c

`fit` finds *b* and *c* from flows by Poisson regression with a constant for each origin; given *b* and *c* the best
constants are known, so what is left is a concave function of two numbers, and Newton's method finds its top.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from placet.kernel.errors import BadInput
from placet.purposes.mobility.places.model import Floats

_STEPS, _CLOSE = 50, 1e-12


@attrs.frozen
class Law:
    """*mass* is the exponent of the destination, *distance* that of the way there."""

    mass: float
    distance: float

    def shares(self, mass: Floats, distance: Floats) -> Floats:
        """Of those in each row of *distance*, the share that goes to each column; rows sum to one."""
        weight = np.maximum(mass, 1e-9) ** self.mass * distance**self.distance
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))


NEW_YORK = Law(mass=0.6471760, distance=-1.9947152)
"""Commuting between the counties of New York state, 2011; `fit` reproduces it from the flows of the census."""


def fit(origin: npt.NDArray[np.int64], flow: Floats, mass: Floats, distance: Floats) -> Law:
    """
    The law behind *flow* people from *origin* (any numbering) to places of *mass* at *distance*, one value a pair.

    A pair within one place is left out by the caller: its distance is none.
    """
    if not (len(flow) and (mass > 0).all() and (distance > 0).all()):
        raise BadInput("a gravity law needs flows between places with people, some way apart", code="bad-flows")
    _, origin = np.unique(origin, return_inverse=True)
    factors = np.c_[np.log(mass), np.log(distance)]
    total = np.asarray(np.bincount(origin, flow), float)
    found = np.zeros(2)
    for _ in range(_STEPS):
        step = _newton(factors, origin, flow, total, found)
        found += step
        if np.abs(step).max() < _CLOSE:
            return Law(float(found[0]), float(found[1]))
    raise BadInput("no gravity law fits these flows; are there several distances in them?", code="bad-flows")


def _newton(factors: Floats, origin: npt.NDArray[np.int64], flow: Floats, total: Floats, at: Floats) -> Floats:
    """The step from *at* to the top of the parabola that touches the likelihood there."""
    height = factors @ at
    weight = np.exp(height - height.max())
    expected = weight * (total / np.bincount(origin, weight))[origin]
    mean = np.stack([np.bincount(origin, expected * column) for column in factors.T], axis=1) / total[:, None]
    apart = factors - mean[origin]
    slope = factors.T @ (flow - expected)
    curve = (apart * expected[:, None]).T @ apart
    return np.asarray(np.linalg.lstsq(curve, slope, rcond=None)[0])


def kilometres(lon: Floats, lat: Floats) -> Floats:
    """Great-circle distances between all points, on a sphere of 6371 km."""
    x, y = np.radians(lon), np.radians(lat)
    half = np.sin((y[:, None] - y) / 2) ** 2 + np.cos(y)[:, None] * np.cos(y) * np.sin((x[:, None] - x) / 2) ** 2
    return np.asarray(2 * 6371.0 * np.arcsin(np.sqrt(half)))
