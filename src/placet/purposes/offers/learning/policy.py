"""The numbers that the learner goes by, read from `policy.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import yaml

from placet.purposes.offers.learning.model import Demands, ModelVersion, Policy, Prior, Sign, StopRule, Weight

METHOD = "hierarchical-beta-thompson/2"
"""Changes with the code that decides: another method is another model, too."""
_MOST_FLOOR = 0.05


@cache
def standard() -> Policy:
    """The numbers that come with the program."""
    return parse(yaml.safe_load(files(__package__).joinpath("policy.yaml").read_text(encoding="utf-8")))


def parse(said: Mapping[str, Any]) -> Policy:
    """Read a policy; a number that cannot be meant raises `KeyError`, `TypeError` or `ValueError`."""
    policy = Policy(
        half_life=timedelta(days=said["half_life_days"]),
        silence=timedelta(days=said["silence_days"]),
        unpressed=timedelta(days=said["unpressed_days"]),
        signs={sign: Weight(**said["signs"][sign]) for sign in Sign},
        prior=Prior(**said["believed"]),
        worth=float(said["worth"]),
        floor=float(said["floor"]),
        resolve=float(said["resolve"]),
        stop=StopRule(**said["stop"]),
        demands=Demands(**said["evaluation"]),
    )
    _demand(0 < policy.floor <= _MOST_FLOOR, "the floor lies between 0 and 0.05")
    _demand(0 < policy.worth < 1 and 0 < policy.prior.rate < 1, "a share lies between 0 and 1")
    _demand(0.5 < policy.stop.certainty < 1, "a certainty lies between 0.5 and 1")
    _demand(0 < policy.stop.below < 1, "a share lies between 0 and 1")
    _demand(policy.resolve > 0 and policy.stop.sends > 0 and policy.prior.strength > 0, "counts are above 0")
    _demand(min(policy.half_life, policy.silence, policy.unpressed) > timedelta(0), "times are above 0")
    return policy


def version(policy: Policy) -> ModelVersion:
    """The name of this model: its method and its numbers."""
    return ModelVersion(f"{METHOD}:{sha256(repr(policy).encode()).hexdigest()[:12]}")


def _demand(holds: bool, what: str) -> None:  # noqa: FBT001 - the one thing it looks at
    if not holds:
        raise ValueError(what)
