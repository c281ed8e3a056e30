"""
The same question, asked again and again: noise that is drawn for each answer is averaged away.

Ours is drawn once and kept; every answer is read from what was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import erf, sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks import measuring
from placet.purposes.mobility.attacks.canary import Draw
from placet.purposes.mobility.attacks.measuring import Floats
from placet.purposes.mobility.attacks.model import Against, Finding
from placet.purposes.mobility.model import ANCHORS, Axis, Domain, ReleaseId, Window
from placet.purposes.mobility.places.model import Atlas
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing import stored
from placet.purposes.mobility.releasing.hierarchy import Places
from placet.purposes.mobility.releasing.model import Spent

_ANSWERS = 1_000
_READ = 20
"""Of ours fewer answers are enough: they are compared, and none may differ."""


def repeated(draw: Draw, atlas: Atlas, window: Window, folder: Path, *, now: datetime, seed: int) -> Sequence[Finding]:
    """The share of counts that the mean of many answers tells exactly; of a release, and of noise drawn anew."""
    rng = np.random.default_rng(seed)
    members = tuple(zone.id for zone in atlas.zones)
    truth = rng.poisson(3.0, (len(members), len(members) + 1)).astype(np.int64)
    averaged = np.zeros(truth.shape)
    for _ in range(_ANSWERS):
        averaged += rng.laplace(scale=ANCHORS.sigma() / sqrt(2), size=truth.shape)
    domain = Domain((Axis("home", members), Axis("work", (*members, "none"))))
    noisy = NoisyCounts(
        ANCHORS, domain, truth + draw(ANCHORS.sigma(), truth.size).reshape(truth.shape), ANCHORS.sigma()
    )
    ours = _answered(noisy, atlas, window, folder, now)
    literal = erf(0.5 / ANCHORS.sigma() / sqrt(2))
    return [
        measuring.found(
            "repetition",
            against,
            "counts told exactly",
            measuring.mean((np.rint(told) == truth).astype(float), truth.size),
            chance=literal,
            bound=literal,
            note=note,
        )
        for against, told, note in (
            (Against.ANEW, truth + averaged / _ANSWERS, f"the mean of {_ANSWERS} answers"),
            (Against.PLACET, ours, "each answer is read from what was stored; one answer is as good as all"),
        )
    ]


def _answered(noisy: NoisyCounts, atlas: Atlas, window: Window, folder: Path, now: datetime) -> Floats:
    """The mean of answers, each read anew from a stored release."""
    folder.mkdir(parents=True)
    product = noisy.product
    about = stored.About(
        id=ReleaseId(window.name),
        window=window,
        missing=(),
        time_zone="UTC",
        made_at=now,
        controller="nobody",
        products={product.name: Spent(product.rho, noisy.sigma, product.bound, product.unit, "table")},
        measures={product.name: product.measure},
        atlas=atlas.sha256,
        code=noisy.product.name,
    )
    stored.write(folder, about, {product.name: noisy}, Places.of(atlas))
    answers: list[npt.NDArray[np.int64]] = [stored.read(folder)[1][product.name].values for _ in range(_READ)]
    return np.asarray(np.mean(answers, axis=0), float)
