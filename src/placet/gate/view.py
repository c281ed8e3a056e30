"""
One moment of the replica: what it answers, at which position, and until when. Views are swapped whole, never changed.

A person has 32 bits (`layout`); a question looks at some of them, and what they say is an answer made once for each
view. Facts are kept, answers are never kept beyond the view they belong to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import attrs

from placet.gate.layout import ALL_PURPOSES, BITS, COLUMNS, HELD, Column
from placet.gate.model import CONSENT, Need, Reason, Terms, Token
from placet.gate.rules import is_stale
from placet.kernel.ids import ChannelId, PurposeId

CODES: tuple[Reason | None, ...] = (
    None,
    Reason.NO_DECISION,
    Reason.CLOSED,
    Reason.LAPSED,
    Reason.NO_CHANNEL,
    Reason.STALE,
    Reason.RESTRICTED,
    Reason.STOP_SILENT,
)
"""What the numbers of a batch answer mean; 0 is yes."""

NEVER = float("-inf")


@attrs.frozen
class Plan:
    """What one question looks at: its bits in the order in which they refuse, purposes first."""

    basis: str
    purposes: tuple[int, ...]
    channels: tuple[int, ...]
    closed: bool = False
    """Nobody is a yes: a place that must stop for one of the purposes does not answer."""

    @property
    def wanted(self) -> int:
        """The bits that must all be set."""
        return sum({1 << bit for bit in self.purposes + self.channels})

    @property
    def see(self) -> int:
        """The bits that it looks at: those, and whether anything is restricted."""
        return self.wanted | 1 << HELD

    @property
    def needs(self) -> tuple[str, ...]:
        """The consents it looks at, in the order of the bits."""
        return tuple(str(Need(*COLUMNS[bit])) for bit in self.purposes + self.channels)


@attrs.frozen(eq=False)
class Told:
    """One answer of one view. `reason` is the legal basis of a yes, else why not."""

    reason: str
    view: View = attrs.field(repr=False)
    allowed: bool = attrs.field(default=False, kw_only=True)

    @property
    def token(self) -> Token:
        return self.view.token

    def age_ms(self, now: float) -> int:
        """How long before *now* (monotonic seconds) what it rests on was heard to be true."""
        return max(0, round((now - self.view.heard) * 1000))


@attrs.frozen(eq=False)
class Shut:
    """A purpose that is not open: which kind of no it is stands in two more bits of the person."""

    bit: int
    silent: Told
    closed: Told
    lapsed: Told

    def tell(self, view: View, number: int) -> Told:
        if view.closed[number] >> self.bit & 1:
            return self.closed
        if view.lapsed[number] >> self.bit & 1:
            return self.lapsed
        return self.silent


@attrs.frozen(eq=False)
class Held:
    """A person some of whose purposes are restricted: the view knows which ones."""

    answers: Answers
    bits: int

    def tell(self, view: View, number: int) -> Told:
        told = self.answers.answer(self.bits, view.restricted.get(number, ALL_PURPOSES))
        return told.tell(view, number) if isinstance(told, Shut) else told


class Answers(dict[int, "Told | Shut | Held"]):
    """The answers to one question by the bits that are set, each made when it is first needed."""

    def __init__(self, view: View, plan: Plan) -> None:
        self._view = view
        self._plan = plan

    def __missing__(self, bits: int) -> Told | Shut | Held:
        found = self[bits] = Held(self, bits) if bits >> HELD & 1 else self.answer(bits)
        return found

    def answer(self, bits: int, restricted: int = 0) -> Told | Shut:
        """What *bits* say of a person for whom the purposes in *restricted* (bits) are."""
        view, plan = self._view, self._plan
        for bit in plan.purposes:
            if restricted >> bit & 1:
                return Told(Reason.RESTRICTED.value, view)
            if not bits >> bit & 1:
                return Shut(bit, *(Told(why.value, view) for why in _KINDS))
        for bit in plan.channels:
            if not bits >> bit & 1:
                return Told(Reason.NO_CHANNEL.value, view)
        if plan.closed:
            return Told(Reason.STOP_SILENT.value, view)
        return Told(plan.basis, view, allowed=True)


_KINDS = (Reason.NO_DECISION, Reason.CLOSED, Reason.LAPSED)


class Questions(dict[str, tuple[int, Answers]]):
    """The questions of one view. What the replica has no plan for is not here: the database answers it."""

    def __init__(self, view: View, plans: Mapping[str, Plan]) -> None:
        self._view = view
        self._plans = plans

    def __missing__(self, asked: str) -> tuple[int, Answers]:
        plan = self._plans[asked]
        found = self[asked] = (plan.see, Answers(self._view, plan))
        return found


@attrs.frozen(eq=False)
class View:
    """
    What the replica knew at `token`.

    mask, closed, lapsed: by dense number, 32 bits, and 8 bits each for why a purpose is not open; they belong to the
    replica, which takes the view away before it writes them.
    restricted: the purposes (8 bits) that are restricted, of the few persons for whom any is; replaced, never written.
    heard, until: monotonic seconds; when the database was last heard, and from when this view answers no more.
    """

    token: Token
    as_of: datetime
    heard: float
    until: float
    mask: memoryview
    closed: memoryview
    lapsed: memoryview
    plans: Mapping[str, Plan]
    majors: Mapping[PurposeId, int]
    edition: int
    people: int
    restricted: Mapping[int, int] = attrs.field(factory=dict)

    epoch: str = attrs.field(init=False)
    position: int = attrs.field(init=False)
    questions: Questions = attrs.field(init=False)
    stale: Told = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "epoch", self.token.epoch)
        object.__setattr__(self, "position", self.token.position)
        object.__setattr__(self, "questions", Questions(self, self.plans))
        object.__setattr__(self, "stale", Told(Reason.STALE.value, self))

    def answers(self, token: Token | None, now: float) -> bool:
        """Whether it may answer at *now* (monotonic seconds) for one who has seen *token*."""
        return now < self.until and not is_stale(token, self.token)


def plans(
    terms: Mapping[str, Terms],
    majors: Mapping[PurposeId, int],
    columns: Mapping[Column, int] = BITS,
    *,
    closed: Collection[PurposeId] = (),
) -> dict[str, Plan]:
    """
    A plan for every question about consent that the bits can answer.

    Keys: an activity or a purpose, with `/channel` where the caller names one. Activities on another legal basis have
    none: whether the person exists is not in the bits. *closed* purposes are a no for everyone.
    """
    made: dict[str, Plan] = {}
    for asked, term in terms.items():
        own = PurposeId(asked.partition(".")[0])
        channels: list[ChannelId | None] = [None, *(c for p, c in columns if p == own and c is not None)]
        for channel in channels:
            if (plan := _plan(term, own, channel, columns)) is not None:
                plan = attrs.evolve(plan, closed=any(need.purpose in closed for need in term.needs))
                made[asked if channel is None else f"{asked}/{channel}"] = plan
    return {asked: plan for asked, plan in made.items() if _in_force(plan, majors, columns)}


def purpose_terms(majors: Mapping[PurposeId, int]) -> dict[str, Terms]:
    """Each purpose asked for by itself."""
    return {purpose: Terms(CONSENT, (Need(purpose),)) for purpose in majors}


def _plan(term: Terms, own: PurposeId, channel: ChannelId | None, columns: Mapping[Column, int]) -> Plan | None:
    """The steps 6 and 7 of `rules`, as bits; None when a bit is missing or the channels disagree."""
    named = [need for need in term.needs if need.channel is not None]
    if not named and (term.channel or channel) is not None:
        named = [Need(own, term.channel or channel)]
    if not term.needs or any(channel not in (None, need.channel) for need in named):
        return None
    purposes = [columns.get((need.purpose, None)) for need in term.needs]
    channels = [columns.get((need.purpose, need.channel)) for need in named]
    if None in purposes or None in channels:
        return None
    return Plan(CONSENT, tuple(b for b in purposes if b is not None), tuple(b for b in channels if b is not None))


def _in_force(plan: Plan, majors: Mapping[PurposeId, int], columns: Mapping[Column, int]) -> bool:
    at_bit = {bit: purpose for (purpose, _), bit in columns.items()}
    return all(at_bit[bit] in majors for bit in plan.purposes + plan.channels)
