"""
May this message start now? Nothing here reads a clock, a database or a file; the gate has been asked before.

The steps are numbered as in docs/explanation/delivery.md, and refuse in that order:

0. its time has not passed;
1. the gate says yes, and on the basis that its kind stands on: a service message on contract or law, any other on
   consent, so that nothing is sent as service that is an offer;
2. it has not been muted by the person;
3. there is an address, which is not suppressed: one that bounced is no good for anything, one that complained is left
   alone by all but service;
4. it is an allowed hour where the person is; else it waits, or is refused when its time passes before one comes;
5. no cap is reached, and none that the person has set.

Steps 2, 4 and 5 are not asked of a service message. What its sender has paused waits; what they have ended is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import attrs
import holidays

from placet.delivery.model import Deferred, Delivered, Failed, Kind, Outcome, Refusal, Sent, State, Unknown
from placet.gate.model import CONSENT, Reason
from placet.kernel.ids import ChannelId
from placet.kernel.periods import Period

CLOSED = timedelta(minutes=1)
"""How long a message waits when the gate is closed because a place does not answer."""
PAUSED = timedelta(minutes=15)
"""How long one waits before it is looked at again when its sender has paused it."""
_FARTHEST = 31
"""Days looked at for an allowed hour: further there is none."""
_WEEK = 7

Hours = tuple[time, time]
"""From (inside) to (outside)."""


@attrs.frozen
class Cap:
    """No more than *most* messages of *kind* in *period*; of one channel, of each topic, or of all."""

    kind: Kind
    most: int
    period: timedelta
    channel: ChannelId | None = None
    per_topic: bool = False

    @property
    def reason(self) -> Refusal:
        """What it refuses with."""
        if self.per_topic:
            return Refusal.CAP_TOPIC
        return Refusal.CAP_ALL if self.channel is None else Refusal.CAP_CHANNEL


@attrs.frozen(cache_hash=True)
class Calendar:
    """When one kind of message may be sent: hours for each weekday (Monday first, None: never), and on holidays."""

    week: tuple[Hours | None, ...] = attrs.field()
    holiday: Hours | None

    @week.validator
    def _whole(self, _attribute: object, value: tuple[Hours | None, ...]) -> None:
        if len(value) != _WEEK:
            raise ValueError("a calendar has seven days")

    def hours(self, day: date) -> Hours | None:
        return self.holiday if day in _public_holidays(day.year) else self.week[day.weekday()]


@attrs.frozen
class Policy:
    """The operator's own limits (`policy.yaml`), beyond those of the law."""

    caps: tuple[Cap, ...]
    calendars: Mapping[Kind, Calendar]
    attempts: int
    """How often a message may start before it is given up."""
    lease: timedelta
    """How long whoever started it may take to say what became of it."""
    reconcile: timedelta
    """How long what is unknown is looked for."""
    slower: Mapping[Kind, timedelta] = attrs.field(factory=dict)
    """To who wants fewer messages of a kind: at most one in this time."""
    silent: frozenset[ChannelId] = frozenset()
    """Channels that wake nobody, whatever the hour."""

    @property
    def memory(self) -> timedelta:
        """How far back caps look."""
        return max([*(cap.period for cap in self.caps), *self.slower.values()], default=timedelta(0))


@attrs.frozen
class Earlier:
    """A message that may have reached the person before."""

    kind: Kind
    channel: ChannelId
    topic: str | None
    at: datetime


@attrs.frozen
class Mute:
    """What a person does not want; None stands for every one. It ends at *until*, if that is set."""

    kind: Kind | None = None
    topic: str | None = None
    channel: ChannelId | None = None
    until: datetime | None = None


class Halt(StrEnum):
    """What the sender of a message has said about all that it planned under the same key."""

    PAUSED = "paused"
    ENDED = "ended"


@attrs.frozen(kw_only=True)
class Asked:
    """A message that wants to start, and all that the answer depends on."""

    kind: Kind
    channel: ChannelId
    topic: str | None
    not_after: datetime
    zone: ZoneInfo
    basis: str | None
    """What the gate's yes stands on; None with *refusal*, its no."""
    refusal: str | None = None
    addressed: bool = True
    suppressed: frozenset[str] = frozenset()
    mutes: Sequence[Mute] = ()
    earlier: Sequence[Earlier] = ()
    slowed: bool = False
    """The person wants fewer messages of this kind."""
    halt: Halt | None = None


@attrs.frozen
class Start:
    """It may start; the carrier must not deliver it after *until*."""

    until: datetime


@attrs.frozen
class Wait:
    """Not at this hour; ask again at *until*."""

    until: datetime


@attrs.frozen
class Refuse:
    reason: str


Verdict = Start | Wait | Refuse


def judge(asked: Asked, policy: Policy, now: datetime) -> Verdict:
    """Whether the message may start at *now*."""
    # Step 0.
    if now >= asked.not_after:
        return Refuse(Refusal.TOO_LATE)
    if asked.halt is not None:
        return Refuse(Refusal.CANCELLED) if asked.halt is Halt.ENDED else Wait(now + PAUSED)
    # Step 1.
    if asked.basis is None:
        return _denied(asked.refusal or Refusal.WRONG_BASIS, now)
    service = asked.kind is Kind.SERVICE
    if service is (asked.basis == CONSENT):
        return Refuse(Refusal.WRONG_BASIS)
    # Step 2.
    if not service and any(_covers(mute, asked, now) for mute in asked.mutes):
        return Refuse(Refusal.MUTED)
    # Step 3.
    if not asked.addressed:
        return Refuse(Refusal.NO_ADDRESS)
    if asked.suppressed & {"bounce"} or (asked.suppressed and not service):
        return Refuse(Refusal.SUPPRESSED)
    if service:
        return Start(asked.not_after)
    return _in_time(asked, policy, now)


@lru_cache(64)
def window(calendar: Calendar, zone: ZoneInfo, at: datetime) -> Period | None:
    """The allowed hours that *at* lies in, or the next ones; None if none come."""
    first = at.astimezone(zone).date()
    for days in range(_FARTHEST):
        day = first + timedelta(days=days)
        hours = calendar.hours(day)
        if hours is None:
            continue
        period = Period(datetime.combine(day, hours[0], zone), datetime.combine(day, hours[1], zone))
        if period.end is not None and at < period.end:
            return period
    return None


def capped(asked: Asked, caps: Sequence[Cap], now: datetime) -> Refusal | None:
    """The first cap that one message more would break."""
    for cap in caps:
        if cap.kind is not asked.kind or cap.channel not in {None, asked.channel}:
            continue
        if cap.per_topic and asked.topic is None:
            continue
        counted = [one for one in asked.earlier if _counts(one, cap, asked) and now - one.at < cap.period]
        if len(counted) >= cap.most:
            return cap.reason
    return None


@attrs.frozen
class Settled:
    """Where a message goes from here."""

    state: State
    reason: str | None = None
    not_before: datetime | None = None
    carrier_id: str | None = None


def settle(state: State, attempt: int, outcome: Outcome, policy: Policy) -> Settled | None:
    """
    What *outcome* makes of a message in *state*; None: nothing, it is known better or was told before.

    What has once left `sending` never starts again, except by a `Deferred` from whoever held it.
    """
    match outcome:
        case Sent(carrier_id) if state in {State.SENDING, State.UNKNOWN}:
            return Settled(State.SENT, carrier_id=carrier_id)
        case Delivered() if state in {State.SENDING, State.SENT, State.UNKNOWN}:
            return Settled(State.DELIVERED)
        case Failed(why) if state in {State.SENDING, State.SENT, State.UNKNOWN}:
            return Settled(State.FAILED, why)
        case Deferred(why, until) if state is State.SENDING:
            if attempt >= policy.attempts:
                return Settled(State.FAILED, Refusal.TOO_OFTEN)
            return Settled(State.DEFERRED, why, not_before=until)
        case Unknown(why) if state is State.SENDING:
            return Settled(State.UNKNOWN, why)
        case _:
            return None


def _denied(reason: str, now: datetime) -> Verdict:
    """A place that does not answer closes the gate for a time; anything else is the person's no, or final."""
    return Wait(now + CLOSED) if reason == Reason.STOP_SILENT else Refuse(reason)


def _in_time(asked: Asked, policy: Policy, now: datetime) -> Verdict:
    # Step 4.
    until = asked.not_after
    if asked.channel not in policy.silent:
        allowed = window(policy.calendars[asked.kind], asked.zone, now)
        if allowed is None or allowed.end is None or allowed.start >= asked.not_after:
            return Refuse(Refusal.TOO_LATE)
        if now not in allowed:
            return Wait(allowed.start)
        until = min(until, allowed.end)
    # Step 5.
    if (reason := capped(asked, policy.caps, now)) is not None:
        return Refuse(reason)
    if asked.slowed and _too_soon(asked, policy, now):
        return Refuse(Refusal.CAP_OWN)
    return Start(until)


def _too_soon(asked: Asked, policy: Policy, now: datetime) -> bool:
    period = policy.slower.get(asked.kind, timedelta(0))
    return any(one.kind is asked.kind and now - one.at < period for one in asked.earlier)


def _covers(mute: Mute, asked: Asked, now: datetime) -> bool:
    if mute.until is not None and mute.until <= now:
        return False
    return (
        mute.kind in {None, asked.kind} and mute.topic in {None, asked.topic} and mute.channel in {None, asked.channel}
    )


def _counts(one: Earlier, cap: Cap, asked: Asked) -> bool:
    same_channel = cap.channel is None or one.channel == cap.channel
    same_topic = not cap.per_topic or one.topic == asked.topic
    return one.kind is cap.kind and same_channel and same_topic


@lru_cache(64)
def _public_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("LV", years=year))
