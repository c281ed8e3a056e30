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
    INTERESTED = "interested"
    """This one and the next two on the telephone, written down by a member."""
    NOT_NOW = "not-now"
    NOT_INTERESTED = "not-interested"
    PRESSED = "pressed"
    """They pressed a link, and had allowed us to count it (`offers.clicks`); what they say goes before it."""


SAID = frozenset(Sign) - {Sign.PRESSED}
"""What a person says; a press is seen."""


class Source(StrEnum):
    """By what something was learned. The strings are those of `offers.weighed`."""

    WORD = "word"
    """What they told under a message."""
    CALL = "call"
    LINK = "link"
    """That they pressed a counted link, or did not within a week."""
    SILENCE = "silence"


class Reason(StrEnum):
    """Why this offer: fixed when it is picked, never made up afterwards. The strings are stable."""

    WISHED = "wished"
    """The person asked for this topic."""
    LIKED = "liked"
    """They said "more like this", or answered with interest, within what is remembered."""
    CALLED = "called"
    """They said on the telephone that it interests them."""
    PRESSED = "pressed"
    """They pressed links in offers on it, and let us learn from that."""
    FORGOTTEN = "forgotten"
    """Because of a press that they had forgotten since."""
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
    unpressed: timedelta
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
    liked_by: Source | None = None
    """What told that they want it, the plainest word first; None: nothing did."""


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
    sources: tuple[Source, ...] = ()
    """By what it was learned."""


@attrs.frozen
class Known:
    """What a message that starts is told of its person: their *news*, and whether we may count its links."""

    news: str = ""
    counts: bool = False


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
