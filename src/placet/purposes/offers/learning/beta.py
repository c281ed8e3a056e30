"""
The mathematics of Beta distributions, on arrays. Pure.

`below` is the incomplete beta function by its continued fraction (DLMF 8.17.22); `best_of` is what Thompson sampling
would do on average, by quadrature instead of draws: the same beliefs always give the same probabilities.
"""

from __future__ import annotations

import numpy as np

from placet.purposes.offers.learning.model import Flags, Floats

_TERMS = 400
"""Of the continued fraction: it converges in about the square root of the larger parameter."""
_SHIFT = 10
_STEPS = 256
"""Of the quadrature: one from ten thousand messages is still a step wide."""
_AT_ONCE = 500
_TINY = 1e-300


def log_gamma(x: Floats) -> Floats:
    """ln Γ(x) for x > 0: Stirling's series (DLMF 5.11.1) after a step of ten to where it is exact enough."""
    z = x + _SHIFT
    steps = np.array(x, float)
    for step in range(1, _SHIFT):
        steps = steps * (x + step)
    series = 1 / (12 * z) - 1 / (360 * z**3) + 1 / (1260 * z**5) - 1 / (1680 * z**7)
    shifted: Floats = (z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi) + series - np.log(steps)
    return shifted


def log_beta(a: Floats, b: Floats) -> Floats:
    """ln B(a, b)."""
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def below(rate: float, a: Floats, b: Floats) -> Floats:
    """P(X < *rate*) for X ~ Beta(a, b), element by element."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    if rate <= 0 or rate >= 1:
        return np.full(a.shape, float(rate >= 1))
    # The fraction converges fast left of the mean; right of it the mirrored one does (DLMF 8.17.4).
    left = rate < (a + 1) / (a + b + 2)
    x = np.where(left, rate, 1 - rate)
    p, q = np.where(left, a, b), np.where(left, b, a)
    tail = np.exp(p * np.log(x) + q * np.log1p(-x) - log_beta(p, q)) / (p * _fraction(x, p, q))
    return np.asarray(np.clip(np.where(left, tail, 1 - tail), 0.0, 1.0))


def best_of(a: Floats, b: Floats, eligible: Flags, *, worth: float) -> Floats:
    """
    P(this choice is the best), for rows of beliefs: of each column, that its rate is the highest and above *worth*;
    of one column more, that none is. What is not eligible is never the best; each row sums to 1.
    """
    parts = [
        _best_of(a[at : at + _AT_ONCE], b[at : at + _AT_ONCE], eligible[at : at + _AT_ONCE], worth)
        for at in range(0, len(a), _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, a.shape[1] + 1))


def _fraction(x: Floats, a: Floats, b: Floats) -> Floats:
    """1 + d₁/(1 + d₂/(1 + …)) of DLMF 8.17.22, from its end."""
    value = np.ones_like(x)
    for term in range(_TERMS, 0, -1):
        m = term // 2
        if term % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = 1 + d / value
    return value


def _best_of(a: Floats, b: Floats, eligible: Flags, worth: float) -> Floats:
    """
    By the midpoint rule in θ, with rate = sin²θ: densities have no poles there, and all are about equally wide.

    The axis begins at *worth*: what lies below is worth no more than sending nothing.
    """
    start = float(np.arcsin(np.sqrt(worth)))
    edges = np.linspace(start, np.pi / 2, _STEPS + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    log_density = (2 * a[..., None] - 1) * np.log(np.sin(middle)) + (2 * b[..., None] - 1) * np.log(np.cos(middle))
    mass = np.exp(log_density + (np.log(2 * (edges[1] - edges[0])) - log_beta(a, b))[..., None])
    under = below(worth, a, b)
    # Each belief keeps exactly what it has above `worth`, whatever the quadrature lost of it.
    mass *= ((1 - under) / np.maximum(mass.sum(axis=-1), _TINY))[..., None]
    reached = under[..., None] + np.cumsum(mass, axis=-1) - mass / 2
    mass, reached = np.where(eligible[..., None], mass, 0.0), np.where(eligible[..., None], reached, 1.0)
    everyone = np.prod(reached, axis=1)
    highest = np.sum(mass * everyone[:, None, :] / np.maximum(reached, _TINY), axis=-1)
    nothing = np.prod(np.where(eligible, under, 1.0), axis=1)
    chances = np.concatenate([highest, nothing[:, None]], axis=1)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))
