"""
What a campaign may ask of people, where it goes from one state to another, and what its figures say. Pure.

Who is held out follows from a key alone, so that it is written down nowhere and comes out the same each time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files

import attrs
import numpy as np
import yaml
from pyroaring import BitMap

from placet.catalogue.model import Activity
from placet.facts import Described
from placet.gate.roaring import bitmap
from placet.kernel.ids import PurposeId
from placet.purposes.offers import topics
from placet.purposes.offers.campaigns.model import (
    ENDED,
    Brief,
    CameBack,
    Condition,
    Effect,
    Limits,
    Problem,
    Share,
    State,
    TooMany,
)

_Z = 1.959964
"""The normal deviate of a 95 % interval."""
_KEY = 16
_CERTAIN = 100.0
"""Of a hundred campaigns that keep within a limit, at most one is ever stopped for it."""

_STEPS: Mapping[str, tuple[frozenset[State], State]] = {
    "edited": (frozenset({State.DRAFT}), State.DRAFT),
    "submitted": (frozenset({State.DRAFT}), State.SUBMITTED),
    "returned": (frozenset({State.SUBMITTED, State.APPROVED}), State.DRAFT),
    "approved": (frozenset({State.SUBMITTED}), State.APPROVED),
    "started": (frozenset({State.APPROVED}), State.RUNNING),
    "paused": (frozenset({State.RUNNING}), State.PAUSED),
    "resumed": (frozenset({State.PAUSED}), State.RUNNING),
    "finished": (frozenset({State.APPROVED, State.RUNNING, State.PAUSED}), State.FINISHED),
    "stopped": (frozenset(State) - ENDED, State.STOPPED),
}


@attrs.frozen
class Attribute:
    """Something that an audience may be built from: which data it is, and the consent that it rests on."""

    name: str
    data: str
    purpose: PurposeId
    values: tuple[str, ...]
    titles: Mapping[str, str]


def step(state: State, what: str) -> State | None:
    """Where a campaign in *state* goes by *what*; None: that cannot happen to it."""
    before, after = _STEPS[what]
    return after if state in before else None


def attributes(told: Iterable[Described] = ()) -> Mapping[str, Attribute]:
    """All that an audience may be built from: our own, and the facts that other purposes tell."""
    own = {one.name: one for one in _own()}
    return own | {one.name: Attribute(one.name, one.data, one.purpose, one.values, one.titles) for one in told}


def allowed(attribute: Attribute, activity: Activity) -> bool:
    """Whether *activity* may ask for it: it names the data, and needs the consent that the data rests on."""
    return attribute.data in activity.data and attribute.purpose in activity.needs


def criteria_problems(
    criteria: Iterable[Condition], known: Mapping[str, Attribute], activities: Iterable[Activity]
) -> Iterator[Problem]:
    """What is wrong with *criteria* for each of *activities*."""
    asking = tuple(activities)
    for condition in criteria:
        attribute = known.get(condition.attribute)
        if attribute is None:
            yield Problem("unknown-attribute", f"an audience cannot ask for {condition.attribute!r}")
        elif not condition.values or not set(condition.values) <= set(attribute.values):
            yield Problem("bad-criteria", f"{attribute.name} is one or more of {', '.join(attribute.values)}")
        else:
            for activity in asking:
                if not allowed(attribute, activity):
                    yield Problem(
                        "attribute-not-allowed",
                        f"{activity.id} may not ask for {attribute.name}: its notice does not name {attribute.data},"
                        f" or it does not need {attribute.purpose}",
                        activity.channel,
                    )


def general_problems(brief: Brief, *, may_be_smart: bool, now: datetime) -> Iterator[Problem]:
    """What is wrong with *brief*, its audience and its words aside."""
    if topics.get(brief.topic).ended:
        yield Problem("topic-ended", "this topic is not offered any more; choose another")
    if not brief.channels or len(set(brief.channels)) != len(brief.channels):
        yield Problem("no-channel", "choose one channel or more, each once")
    if brief.ends_at <= now:
        yield Problem("bad-time", "its time is over already; choose a later end")
    if brief.kind == "smart" and (brief.channels != ("email",) or not may_be_smart):
        yield Problem("smart-is-email", "a smart campaign is sent by e-mail, and by nothing else")


def held_out(key: bytes, members: BitMap, percent: int) -> BitMap:
    """*percent* of *members* by a keyed order: a number's place in it depends on *key* alone, never on the others."""
    if not members or not percent:
        return BitMap()
    # Philox is a counter under a key (Salmon et al., 2011): the n-th word is the n-th person's, however many there are.
    words = np.random.Philox(key=int.from_bytes(key[:_KEY], "big")).random_raw(members.max() + 1)
    return bitmap(words < np.uint64(percent * (2**64 // 100))) & members


def share(part: int, whole: int) -> Share:
    """Wilson's score interval."""
    if whole == 0:
        return Share(0, 0, 0.0, 1.0)
    rate, square = part / whole, _Z * _Z
    middle = (rate + square / (2 * whole)) / (1 + square / whole)
    half = _Z * math.sqrt(rate * (1 - rate) / whole + square / (4 * whole * whole)) / (1 + square / whole)
    # At the ends the interval reaches them exactly, whatever the last bit of a sum says.
    low, high = 0.0 if part == 0 else middle - half, 1.0 if part == whole else middle + half
    return Share(part, whole, low, high)


def effect(what: str, sent: Share, held: Share) -> Effect:
    """The difference of two shares with Newcombe's hybrid score interval (1998, method 10)."""
    difference = sent.value - held.value
    low = difference - math.hypot(sent.value - sent.low, held.high - held.value)
    high = difference + math.hypot(sent.high - sent.value, held.value - held.low)
    return Effect(what, sent, held, difference, low, high)


def too_many(found: CameBack, limits: Limits) -> TooMany | None:
    """Whether more comes back of a campaign than may; complaints are said first."""
    if exceeds(found.complaints, found.taken, limits.complaints, judged_from=limits.judged_from):
        return TooMany("complaints", found.complaints, found.taken, limits.complaints)
    if exceeds(found.nobody, found.ended, limits.bounces, judged_from=limits.judged_from):
        return TooMany("no-such-mailbox", found.nobody, found.ended, limits.bounces)
    return None


def exceeds(part: int, whole: int, at_most: float, *, judged_from: int) -> bool:
    """
    Whether *part* of *whole* shows that the share behind them is above *at_most*.

    What is seen must be a hundred times more likely under other shares (a mixture of them, Beta with the mean of about
    *at_most*) than under that one. The ratio is a martingale where the share is within the limit, so one may look again
    after every message and still err once in a hundred (Ville's inequality; Robbins, 1970). An interval for one look,
    such as Wilson's, is left by chance sooner or later.
    """
    if whole < max(1, judged_from) or part <= at_most * whole:
        return False
    b = 1 / at_most
    mixed = math.log(b) + math.lgamma(1 + part) + math.lgamma(b + whole - part) - math.lgamma(1 + b + whole)
    alone = part * math.log(at_most) + (whole - part) * math.log1p(-at_most)
    return mixed - alone >= math.log(_CERTAIN)


@cache
def _own() -> tuple[Attribute, ...]:
    rows = yaml.safe_load(files(__package__).joinpath("attributes.yaml").read_text(encoding="utf-8"))
    return tuple(
        Attribute(row["name"], row["data"], PurposeId(row["purpose"]), tuple(row["values"]), row["titles"])
        for row in rows
    )
