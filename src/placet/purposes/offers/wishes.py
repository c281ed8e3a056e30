"""
What each person wants to hear about: by topic, how often, and not before when.

The person's own word binds: the learner may stop a topic that the person has not asked for, and nothing starts
again but by the person. `never`, and what the learner stopped, are also mutes of the queue, so that what is planned is
not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, cast

import attrs
from psycopg import Connection

from placet.delivery import wishes as queue
from placet.delivery.model import Kind
from placet.delivery.rules import Mute
from placet.kernel.errors import BadInput
from placet.kernel.ids import Number, SubjectId
from placet.purposes.offers import topics
from placet.purposes.offers.topics import TopicId
from placet.store.queries import queries

State = Literal["want", "neutral", "never"]
STATES: tuple[State, ...] = ("want", "neutral", "never")
By = Literal["person", "learner"]
Frequency = Literal["usual", "less"]

SQL = queries("placet.purposes.offers")
_ALL = Mute(kind=Kind.OFFER)


@attrs.frozen
class Wish:
    """What holds for one topic: who said so, since when, and the learner's reason."""

    state: State
    by: By
    since: datetime
    reason: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether the learner stopped it, and the person has not said that they want it again."""
        return self.state == "never" and self.by == "learner"


@attrs.frozen
class Pace:
    """How often, and from when on; *paused_until* None: no pause."""

    frequency: Frequency
    paused_until: datetime | None


@attrs.frozen
class Wishes:
    """Every method joins the transaction of its connection."""

    def set(
        self,
        connection: Connection,
        subject: SubjectId,
        topic: TopicId,
        state: State,
        *,
        by: By,
        now: datetime,
        reason: str | None = None,
    ) -> bool:
        """
        Keep a wish; True if it changed something.

        The learner may only stop (`never`), and not what the person has said themselves to want or never to want.
        """
        topics.get(topic)
        if state not in STATES:
            raise BadInput(f"a wish is one of {', '.join(STATES)}", code="bad-wish")
        if by == "learner" and state != "never":
            raise BadInput("the learner may stop a topic, and nothing else", code="bad-wish")
        values = {
            "subject": subject, "topic": topic, "state": state, "by": by, "reason": reason, "now": now,
        }  # fmt: skip
        if connection.execute(SQL["set_wish"], values).fetchone() is None:
            return False
        what = Mute(kind=Kind.OFFER, topic=topic)
        if state == "never":
            queue.mute(connection, subject, what, now=now)
        else:
            queue.unmute(connection, subject, what)
        return True

    def of(self, connection: Connection, subject: SubjectId) -> Mapping[TopicId, Wish]:
        """The wishes of a person, by topic; what nobody has said anything about is left out: it is `neutral`."""
        return {
            TopicId(topic): Wish(cast(State, state), cast(By, by), since, reason)
            for topic, state, by, since, reason in connection.execute(SQL["wishes_of"], {"subject": subject})
        }

    def pace(self, connection: Connection, subject: SubjectId, *, now: datetime) -> Pace:
        """How often and from when on the person wants offers."""
        until = [mute.until for mute in queue.muted(connection, subject) if _same(mute) and mute.until is not None]
        paused = next((instant for instant in until if instant > now), None)
        return Pace("less" if Kind.OFFER in queue.slowed(connection, subject) else "usual", paused)

    def pause(self, connection: Connection, subject: SubjectId, until: datetime, *, now: datetime) -> None:
        """No offers until *until*; it binds what is planned already."""
        if until <= now:
            raise BadInput("a pause ends in the future; choose a later day", code="bad-wish")
        queue.unmute(connection, subject, _ALL)
        queue.mute(connection, subject, attrs.evolve(_ALL, until=until), now=now)

    def resume(self, connection: Connection, subject: SubjectId) -> None:
        """End the pause."""
        queue.unmute(connection, subject, _ALL)

    def frequency(self, connection: Connection, subject: SubjectId, frequency: Frequency, *, now: datetime) -> None:
        """Less often than the policy allows (`delivery/policy.yaml`: `slower`), or as usual."""
        if frequency == "less":
            queue.slow(connection, subject, Kind.OFFER, now=now)
        else:
            queue.unslow(connection, subject, Kind.OFFER)

    def inherit(self, connection: Connection, number: Number, merged: Number) -> None:
        """Two identities were one person: of each topic the more restrictive wish stays."""
        connection.execute(SQL["inherit_wishes"], {"number": number, "merged": merged})


def _same(mute: Mute) -> bool:
    return (mute.kind, mute.topic, mute.channel) == (Kind.OFFER, None, None)
