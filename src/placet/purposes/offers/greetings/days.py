"""
The greetings of a day: planned in steps of a few thousand persons, by their numbers.

What a step reads of a person (name, birth date) it reads of those whom the gate allows on that day, and keeps nothing
of it: no table says who was born when. Somebody is noted as greeted in the transaction that plans the message, so a
step that is taken again greets nobody twice. While the gate is closed, because a place that must stop does not answer,
the day does not begin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

import attrs
from psycopg import Connection
from pyroaring import BitMap, FrozenBitMap

from placet.config import Config
from placet.consents.in_force import CatalogueInForce
from placet.delivery import wishes as queue
from placet.delivery.actions import Delivery
from placet.delivery.model import Kind, Message
from placet.delivery.rules import window
from placet.gate.actions import Audience, Gate
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.kernel.ids import ChannelId, Number
from placet.kernel.periods import Period
from placet.purposes.offers.greetings import people, rules, store
from placet.purposes.offers.greetings.model import CHANNELS, Greeting, LeftOut, Rehearsal, activity
from placet.store.database import Database
from placet.subjects.actions import Subjects

STEP = 500
"""Persons of one transaction: under a tenth of a second once a second, which the pages of the same process hardly
notice; a million are looked through in half an hour."""
_KEEP_ROUNDS = timedelta(days=31)
_KEEP_YEARS = 2

_Opened = Mapping[ChannelId, FrozenBitMap]
"""Whom the gate allows a greeting, by channel."""


@attrs.frozen
class Days:
    """Thread-safe; each step has a transaction of its own, and two workers do no harm."""

    config: Config = attrs.field(repr=False)
    database: Database = attrs.field(repr=False)
    subjects: Subjects = attrs.field(repr=False)
    in_force: CatalogueInForce = attrs.field(repr=False)
    gate: Gate = attrs.field(repr=False)
    delivery: Delivery = attrs.field(repr=False)

    def round(self, now: datetime) -> None:
        """A step of today's greetings; nothing once all are planned, or nobody can be greeted any more today."""
        day = now.astimezone(self.delivery.zone).date()
        hours = self.hours(day)
        if hours is None or hours.end is None or now >= hours.end:
            return
        with self.database.transaction() as connection:
            today = store.read_round(connection, day)
        if today is None and not self._begin(day, now):
            return
        if today is None or today.done_at is None:
            self._step(day, hours, now)

    def rehearse(self, day: date, *, now: datetime) -> Rehearsal:
        """Who would be greeted on *day* as things stand. Nothing is planned."""
        replica, greeted, left_out = self._replica(), Counter[tuple[str, str, str]](), Counter[str]()
        with self.database.transaction() as connection:
            audiences = self._audiences(connection, replica, now)
            opened = {channel: audience.members for channel, audience in audiences.items()}
            everyone = _everyone(opened)
            for first in range(0, len(everyone), STEP):
                numbers = [Number(number) for number in everyone[first : first + STEP]]
                for one in self._new(connection, numbers, opened, day, now):
                    if isinstance(one, LeftOut):
                        left_out[one] += 1
                    else:
                        greeted[one.occasion, one.channel, one.celebrant.language] += 1
        return Rehearsal(day, greeted, left_out, len(everyone))

    def hours(self, day: date) -> Period | None:
        """When greetings may be sent on *day*; None if never."""
        zone = self.delivery.zone
        found = window(self.delivery.policy.calendars[Kind.GREETING], zone, datetime.combine(day, time(), zone))
        return found if found is not None and found.start.astimezone(zone).date() == day else None

    def _begin(self, day: date, now: datetime) -> bool:
        """Ask the gate whom it allows today, once; and forget what is over. False while the gate is closed."""
        replica = self._replica()
        with self.database.transaction() as connection:
            audiences = self._audiences(connection, replica, now)
            if any(audience.excluded.get(Reason.STOP_SILENT) for audience in audiences.values()):
                return False
            store.begin_round(connection, day, {channel: audience.id for channel, audience in audiences.items()})
            store.sweep(connection, day - _KEEP_ROUNDS, day.year - _KEEP_YEARS)
        return True

    def _step(self, day: date, hours: Period, now: datetime) -> None:
        with self.database.transaction() as connection:
            today = store.hold_round(connection, day)
            if today is None:
                return
            opened = {
                channel: self.gate.kept_audience(connection, id).members for channel, id in today.audiences.items()
            }
            numbers = _after(_everyone(opened), today.after)
            planned = self._plan(connection, numbers, opened, hours, now)
            last, done = (numbers[-1], len(numbers) < STEP) if numbers else (today.after, True)
            store.advance_round(connection, day, after=last, planned=planned, done_at=now if done else None)

    def _plan(
        self, connection: Connection, numbers: Sequence[Number], opened: _Opened, hours: Period, now: datetime
    ) -> int:
        """Note and plan the greetings of these persons, in one transaction; returns how many."""
        day = hours.start.astimezone(self.delivery.zone).date()
        found = self._new(connection, numbers, opened, day, now)
        due = [one for one in found if isinstance(one, Greeting)]
        store.greet(connection, due, day.year)
        messages = [_message(one, day, hours, now) for one in due]
        return len(self.delivery.plan(connection, messages, now=now).fresh) if messages else 0

    def _new(
        self, connection: Connection, numbers: Sequence[Number], opened: _Opened, day: date, now: datetime
    ) -> Iterator[Greeting | LeftOut]:
        """For each of these persons who celebrates on *day*: the greeting, or why there is none."""
        already = store.greeted(connection, numbers, day.year)
        for celebrant in people.celebrants(connection, self.subjects, numbers):
            occasions = rules.occasions(celebrant, day)
            if not occasions:
                continue
            if already.get(celebrant.number, frozenset()) & set(occasions):
                yield LeftOut.GREETED
                continue
            mutes = queue.muted(connection, celebrant.subject)
            channels = [channel for channel in CHANNELS if celebrant.number in opened.get(channel, ())]
            yield rules.greeting(celebrant, occasions, channels, mutes, now)

    def _audiences(self, connection: Connection, replica: Replica, now: datetime) -> dict[ChannelId, Audience]:
        """Whom the gate allows a greeting, by each channel that is set up and that the catalogue names for it."""
        known = self.in_force.read(connection).activities
        return {
            channel: self.gate.audience(connection, replica, activity(channel), channel=channel, now=now)
            for channel in _carried(self.config)
            if activity(channel) in known
        }

    def _replica(self) -> Replica:
        replica = Replica.of(self.database, self.config)
        replica.catch_up()
        return replica


def _message(greeting: Greeting, day: date, hours: Period, now: datetime) -> Message:
    assert hours.end is not None
    return Message(
        subject=greeting.celebrant.subject,
        key=greeting.key(day.year),
        kind=Kind.GREETING,
        activity=activity(greeting.channel),
        channel=greeting.channel,
        template=greeting.template,
        language=greeting.celebrant.language,
        topic=greeting.occasion,
        not_before=max(hours.start, now),
        not_after=hours.end,
    )


def _everyone(opened: _Opened) -> BitMap:
    return BitMap.union(*map(BitMap, opened.values())) if opened else BitMap()


def _after(everyone: BitMap, number: Number) -> list[Number]:
    """The next persons in line."""
    first = everyone.rank(number)
    return [Number(found) for found in everyone[first : first + STEP]]


def _carried(config: Config) -> tuple[ChannelId, ...]:
    """What greetings can go by here; the app is always there."""
    there = {"email": config.smtp_host is not None, "sms": config.smpp_host is not None, "app": True}
    return tuple(channel for channel in CHANNELS if there[channel])
