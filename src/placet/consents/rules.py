"""
Which decisions are recorded, and what they change. No clock, no database: time and facts are arguments.

`admit` refuses in the order of docs/explanation/decisions.md; `step` is the fold: the same function decides what a new
record changes, what held at another time, and what a rebuild of the states must find.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

import attrs

from placet.consents.model import (
    CLOSING,
    DATED_ROUTES,
    LAPSED,
    ROUTES,
    SPOKEN,
    Decision,
    Record,
    Refused,
    Standing,
    State,
    Wish,
)
from placet.kernel.ids import ChannelId, Position, PurposeId

CLOCK_SLACK = timedelta(minutes=5)
"""How far a caller's clock may be ahead before a time counts as the future."""

_THEIRS = SPOKEN | {Decision.REQUESTED}
_OWN_WORD = frozenset({"subject", "agent", "client"})
"""Whose no is the person's own: an agent writes down what the person says, a connected system passes it on."""
OWN_NO_MERGED = "merge-own-no"
"""Why the system wrote a no down: the person had said it, under the identity that was merged into this one."""
_OURS = frozenset(Decision)
"""What the system may write: also what follows from events."""


@attrs.frozen
class Terms:
    """What the catalogue says of one purpose, as far as a decision needs it."""

    purpose: PurposeId
    major: int
    minor: int
    channels: tuple[ChannelId, ...] = ()
    languages: frozenset[str] = frozenset()
    line_tied: bool = False
    valid_for: timedelta | None = None
    """How long a yes holds; None: until it is withdrawn."""


@attrs.frozen
class Shown:
    """A text that was rendered, as remembered by the catalogue."""

    purpose: PurposeId
    major: int
    minor: int
    language: str


@attrs.frozen
class Facts:
    """All that `admit` may know. A missing fact is None and never opens anything."""

    known: bool
    erased: bool = False
    terms: Terms | None = None
    shown: Shown | None = None
    line_since: datetime | None = None
    """When the subject's first line began; None when there is none."""
    mandate_covers: bool = False
    """Whether the representative's mandate covers this purpose now."""


def admit(wish: Wish, facts: Facts, standing: Standing, *, now: datetime, rest: timedelta) -> Refused | None:
    """None when *wish* may be recorded; else why not, in words for whoever sent it."""
    for refuse in (_person, _words, times, _mandate):
        if (refused := refuse(wish, facts, now)) is not None:
            return refused
    if wish.decision == Decision.GIVEN:
        return _notice(wish, facts) or _own_no_wins(wish, standing)
    if wish.decision == Decision.REQUESTED:
        return _asked_too_soon(standing, now, rest)
    return None


def _person(_wish: Wish, facts: Facts, _now: datetime) -> Refused | None:
    """1. The subject exists and has not been erased."""
    if not facts.known:
        return Refused("unknown-subject", "no such subject; add the subject first, nothing was recorded")
    if facts.erased:
        return Refused("erased-subject", "this subject was erased at their own request; nothing can be recorded")
    return None


def _words(wish: Wish, facts: Facts, _now: datetime) -> Refused | None:
    """2. Every word is one of ours."""
    terms = facts.terms
    if terms is None:
        return Refused("unknown-purpose", "no such purpose in the catalogue; `placet catalogue show` lists them")
    if wish.channel is not None and wish.channel not in terms.channels:
        names = ", ".join(terms.channels) or "none"
        return Refused("unknown-channel", f"this purpose has no such channel; it has: {names}")
    if wish.route not in ROUTES:
        return Refused("unknown-route", f"the route must be one of {', '.join(sorted(ROUTES))}")
    if wish.decision not in (_OURS if wish.actor.kind == "system" else _THEIRS):
        return Refused("unknown-decision", f"the decision must be one of {', '.join(sorted(SPOKEN))}")
    if wish.language is not None and wish.language not in terms.languages:
        return Refused("unknown-language", f"the language must be one of {', '.join(sorted(terms.languages))}")
    return None


def times(wish: Wish, facts: Facts, now: datetime) -> Refused | None:
    """3. A time is supplied only where a decision is written down later, and is neither future nor impossible."""
    said = wish.occurred_at
    if said is None:
        return None
    if wish.route not in DATED_ROUTES and wish.actor.kind != "system":
        return Refused("time-not-yours", "on this route the time is ours: leave occurred_at out")
    if said > now + CLOCK_SLACK:
        return Refused("in-the-future", "occurred_at lies in the future; check the zone and the clock it came from")
    if facts.terms is not None and facts.terms.line_tied and facts.line_since is not None and said < facts.line_since:
        return Refused("before-the-line", "occurred_at lies before this customer's first line began")
    return None


def _mandate(wish: Wish, facts: Facts, _now: datetime) -> Refused | None:
    """4. Who decides for another has a mandate that covers this."""
    if wish.actor.kind != "representative" and wish.mandate is not None:
        return Refused("no-representative", "a mandate is a representative's: name the representative too")
    if wish.actor.kind == "representative" and not facts.mandate_covers:
        return Refused("no-mandate", "no mandate of this representative covers this purpose today")
    return None


def _notice(wish: Wish, facts: Facts) -> Refused | None:
    """5. A yes needs the text that was shown, in its language and in the major version in force (GDPR 7(1))."""
    terms, shown = facts.terms, facts.shown
    assert terms is not None
    if wish.route == "import":
        if wish.provenance is None or wish.notice_version is None:
            return Refused("no-provenance", "an imported yes needs source, grade, collected_at and notice_version")
        return None if _major(wish.notice_version) == terms.major else _old_notice(terms)
    if shown is None or shown.purpose != terms.purpose:
        return Refused(
            "notice-not-shown", "a yes counts only for a text that was shown: fetch the notice and show it first"
        )
    if wish.language is not None and shown.language != wish.language:
        return Refused("other-language", "the text was shown in another language than this decision names")
    return None if shown.major == terms.major else _old_notice(terms)


def _old_notice(terms: Terms) -> Refused:
    return Refused("old-notice", f"the text has changed since: ask again with version {terms.major}.{terms.minor}")


@lru_cache(1024)
def _major(version: str) -> int | None:
    major, _, minor = version.partition(".")
    return int(major) if major.isdecimal() and minor.isdecimal() else None


def _own_no_wins(wish: Wish, standing: Standing) -> Refused | None:
    """6. A subject's own no is never overridden by a representative's yes."""
    if wish.actor.kind != "representative":
        return None
    for channel in {wish.channel, None}:
        state = standing.get(channel)
        if state is not None and state.closed_by_self and state.decision in CLOSING:
            return Refused("own-no-wins", "the customer said no in person; only they can say yes again")
    return None


def _asked_too_soon(standing: Standing, now: datetime, rest: timedelta) -> Refused | None:
    """7. No asking again for a while after a no."""
    until = ask_again_from(standing, rest)
    if until is not None and now < until:
        return Refused(
            "asked-recently", f"the customer said no less than {rest.days} days ago and is not asked again yet"
        )
    return None


def ask_again_from(standing: Standing, rest: timedelta) -> datetime | None:
    """From when the customer may be asked again for the purpose itself; None when nothing stands against it."""
    state = standing.get(None)
    if state is None or state.decision not in CLOSING:
        return None
    return state.recorded_at + rest


class Foldable(Protocol):
    """What the fold needs of a record; a rebuild of millions decodes no more than this of each."""

    @property
    def channel(self) -> ChannelId | None: ...
    @property
    def decision(self) -> Decision: ...
    @property
    def actor(self) -> HasKind: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def notice(self) -> HasMajor | None: ...
    @property
    def reason(self) -> str | None: ...


class HasKind(Protocol):
    @property
    def kind(self) -> str: ...


class HasMajor(Protocol):
    @property
    def major(self) -> int: ...


def step(standing: Standing, record: Foldable, *, position: int, terms: Terms | None) -> dict[ChannelId | None, State]:
    """
    What *record* changes in *standing* (design: *State*, *Channels*); empty when it is kept and ignored.

    1. A yes not later than an earlier-positioned no or suspension changes nothing; a tie is a no.
    2. A yes opens its own channel, or the purpose and no channel.
    3. A no closes its own channel, or the purpose with all its channels.
    4. What lapses can only have been given; what is requested can only be unknown or lapsed.
    """
    if record.decision is Decision.GIVEN:
        barred = _barred(standing, record.channel)
        if barred is not None and record.occurred_at <= barred:
            return {}
        mine = standing.get(record.channel)
        return {
            record.channel: State(
                record.decision,
                Position(position),
                record.occurred_at,
                record.recorded_at,
                closed_at=None if mine is None else mine.closed_at,
                notice_major=None if record.notice is None else record.notice.major,
                expires_at=_expiry(record, terms),
            )
        }
    fresh = State(record.decision, Position(position), record.occurred_at, record.recorded_at)
    if record.decision in CLOSING:
        return {channel: _closed(standing.get(channel), fresh, record) for channel in _reach(standing, record.channel)}
    if record.decision in LAPSED:
        return {
            channel: _closed(state, fresh, record)
            for channel in _reach(standing, record.channel)
            if (state := standing.get(channel)) is not None and state.decision is Decision.GIVEN
        }
    mine = standing.get(record.channel)
    if mine is None or mine.decision in LAPSED:
        return {record.channel: attrs.evolve(fresh, closed_at=None if mine is None else mine.closed_at)}
    return {}


def _expiry(record: Foldable, terms: Terms | None) -> datetime | None:
    return None if terms is None or terms.valid_for is None else record.occurred_at + terms.valid_for


def _barred(standing: Standing, channel: ChannelId | None) -> datetime | None:
    """The latest instant a no (or suspension) covers for *channel*: its own, or the whole purpose's."""
    whole = standing.get(None)
    barred = None if whole is None else whole.closed_at
    own = None if channel is None else standing.get(channel)
    if own is not None and own.closed_at is not None and (barred is None or own.closed_at > barred):
        return own.closed_at
    return barred


def _reach(standing: Standing, channel: ChannelId | None) -> list[ChannelId | None]:
    """What a no reaches: its channel, or the purpose and every channel that was ever spoken about, by name."""
    return [channel] if channel is not None else [None, *sorted(key for key in standing if key is not None)]


def _closed(before: State | None, fresh: State, record: Foldable) -> State:
    """The closed state; an expiry bars nothing, since a newer yes on paper may well have been said before it."""
    earlier = None if before is None else before.closed_at
    bars = record.decision in CLOSING or record.decision is Decision.SUSPENDED
    closed_at = max(filter(None, (earlier, record.occurred_at))) if bars else earlier
    own = record.decision in CLOSING and _is_own(record)
    return attrs.evolve(
        fresh, closed_at=closed_at, closed_by_self=own or (before is not None and before.closed_by_self)
    )


def _is_own(record: Foldable) -> bool:
    kind = record.actor.kind
    return kind in _OWN_WORD or (kind == "system" and record.reason == OWN_NO_MERGED)


def fold(
    records: Iterable[Record],
    terms: Mapping[PurposeId, Terms],
    *,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> dict[PurposeId, dict[ChannelId | None, State]]:
    """
    The states that *records* (of one subject, in position order) lead to.

    With *known_at* only what was recorded by then counts; with *at* only what had occurred by then.
    """
    found: dict[PurposeId, dict[ChannelId | None, State]] = {}
    for record in records:
        if known_at is not None and record.recorded_at > known_at:
            break
        if at is not None and record.occurred_at > at:
            continue
        standing = found.setdefault(record.purpose, {})
        assert record.position is not None
        standing.update(step(standing, record, position=record.position, terms=terms.get(record.purpose)))
    return found
