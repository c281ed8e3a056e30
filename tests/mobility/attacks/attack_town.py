"""People of a town of our own making, with homes, places of work and whims: whom the attacks are tried on."""

from __future__ import annotations

from functools import partial

import numpy as np

from placet.purposes.mobility.attacks.traces import Traces
from placet.purposes.mobility.privacy.debit import Sampler
from placet.purposes.mobility.privacy.drawing import discrete_gaussian

draw = partial(discrete_gaussian, sampler=Sampler.TABLE)


def town(people: int, *, places: int = 60, days: int = 7, seed: int = 1) -> Traces:
    """Zones of falling size; everybody is at home at night, at work from 8 to 17, and an hour in eight elsewhere."""
    rng = np.random.default_rng(seed)
    size = 1 / np.arange(3, places + 3)
    home, work = (rng.choice(places, people, p=size / size.sum()) for _ in range(2))
    hour = np.tile(np.arange(24), days)
    day_type = np.repeat((np.arange(days) % 7 >= 5).astype(int), 24)
    working = (hour >= 8) & (hour < 17) & (day_type == 0)
    zones = np.where(working, work[:, None], home[:, None])
    awake = (hour >= 6) & (hour < 22)
    elsewhere = (rng.random(zones.shape) < 1 / 8) & awake
    zones[elsewhere] = rng.integers(0, places, int(elsewhere.sum()))
    return Traces(zones.astype(np.int16), hour, day_type, places)
