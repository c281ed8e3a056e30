"""What is known of a person's interest in a topic, what was picked for them, and why: frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

import attrs
import numpy as np
import numpy.typing as npt

from placet.kernel.ids import Number, SubjectId
from placet.kernel.periods import aware

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ModelVersion = NewType("ModelVersion", str)
"""The method and its numbers, hashed: another number is another model."""

NOTHING = "nothing"
"""The choice that is always there: to send this person nothing now."""


class Sign(StrEnum):
    """What a person tells of a topic through a message. Whether they opened it is none of our business."""

    MORE = "more"
    LESS = "less"
    ANSWER = "answer"


class Reason(StrEnum):
    """Why this offer: fixed when it is picked, never made up afterwards. The strings are stable."""

    WISHED = "wished"
    """The person asked for this topic."""
    LIKED = "liked"
    """They said "more like this", or answered with interest, within what is remembered."""
    POPULAR = "popular"
    """Other customers find it interesting, and little is known of this one."""
    TRYING = "trying"
    """Something else than the best guess, on purpose: otherwise nobody could ever change."""
    CHOSEN = "chosen"
    """A campaign on one topic: it was meant for everybody who had not declined the topic."""


@attrs.frozen
class Weight:
    """What one sign, or one silent message, says for interest and against it."""

    wanted: float = 0.0
    unwanted: float = 0.0


@attrs.frozen
class Prior:
    """What is believed before anything is known."""

    rate: float
    strength: float
    segment_strength: float
    wish: float


@attrs.frozen
class StopRule:
    sends: int
    below: float
    certainty: float


@attrs.frozen
class Demands:
    """What an evaluation must show before a model may sort."""

    splits: int
    parts: int
    effective: float


@attrs.frozen
class Policy:
    """The numbers of `policy.yaml`."""

    half_life: timedelta
    silence: timedelta
    signs: Mapping[Sign, Weight]
    prior: Prior
    worth: float
    floor: float
    resolve: float
    stop: StopRule
    demands: Demands

    def kept(self, age: timedelta) -> float:
        """How much of what was seen so long ago still counts."""
        return float(0.5 ** (age / self.half_life))


@attrs.frozen
class Seen:
    """What a person's messages on a topic told, each counted as far as it is remembered; *sends* are all of them."""

    sends: int = 0
    wanted: float = 0.0
    unwanted: float = 0.0


@attrs.frozen
class Belief:
    """How many of a topic's messages a person wants: the Beta distribution with these two parameters."""

    wanted: float
    unwanted: float

    @property
    def rate(self) -> float:
        return self.wanted / (self.wanted + self.unwanted)


@attrs.frozen
class Group:
    """*people* of one segment of whom the same is known on one topic."""

    topic: str
    segment: str
    wanted: float
    unwanted: float
    people: int


@attrs.frozen
class Pick:
    """Which of the *eligible* choices was picked for a person, with which probability, by which model, and why."""

    number: Number
    eligible: Sequence[str]
    chosen: str
    propensity: float
    reasons: Sequence[Reason]


@attrs.frozen
class Stopped:
    """A topic that stopped for a person because it did not interest them."""

    subject: SubjectId
    number: Number
    topic: str
    sends: int
    certainty: float


@attrs.frozen(kw_only=True)
class Why:
    """Why a person got a message: what they may read about it, and what it stood on."""

    topic: str | None
    reasons: Sequence[Reason]
    model: ModelVersion | None
    propensity: float | None
    eligible: Sequence[str]
    needs: Sequence[str]
    """The consents that it stood on, `offers` and `offers/email`."""
    at: datetime = attrs.field(converter=aware)
    sentences: Mapping[str, Sequence[str]]
    """What to tell, for each language."""
    basis: Mapping[str, str]
    """What it stands on, in words, for each language."""


@attrs.frozen(kw_only=True)
class Passed:
    """The evaluation that a model may sort on."""

    id: UUID
    model: ModelVersion
    at: datetime = attrs.field(converter=aware)
    gain: float
    low: float
