"""People who have said yes, a channel that does as it is told, and messages, for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import attrs
from psycopg import Connection

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.delivery.actions import Planned
from placet.delivery.model import Kind, Message, MessageId, Outcome, Outgoing, Sent, Shown, Started
from placet.delivery.starting import Claim
from placet.kernel.ids import ActivityId, ChannelId, Position, PurposeId
from placet.subjects.model import Alias, Subject

OFFERS, EMAIL = PurposeId("offers"), ChannelId("email")
CAMPAIGN, SERVICE = ActivityId("offers.email-campaign"), ActivityId("contract.service-message")


@attrs.define
class Wire:
    """An e-mail channel at whose end a test sits."""

    answers: dict[MessageId, Outcome] = attrs.field(factory=dict)
    """What it says; of others that it took them."""
    silent: bool = False
    sent: list[Outgoing] = attrs.field(factory=list)
    found: dict[MessageId, Outcome] = attrs.field(factory=dict)
    id: ChannelId = EMAIL
    width: int = 8
    needs_address: bool = True

    async def send(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        self.sent += batch
        return {} if self.silent else {one.id: self.answers.get(one.id, Sent("q1")) for one in batch}

    async def find(self, started: Sequence[Started]) -> Mapping[MessageId, Outcome]:
        return {one.id: self.found[one.id] for one in started if one.id in self.found}

    async def listen(self) -> None:
        """Nothing comes back."""

    async def close(self) -> None:
        """Nothing is open."""


@attrs.define
class House:
    """The application with shortcuts; each call is a transaction of its own."""

    placet: Application
    now: datetime
    wire: Wire = attrs.field(factory=Wire)
    _plannings: Iterator[int] = attrs.field(factory=itertools.count)

    def person(self, name: str, *, yes: bool = True, address: bool = True) -> Subject:
        """Somebody with an e-mail address who said yes to offers and to e-mail."""
        with self.placet.database.transaction() as connection:
            aliases = [Alias.email(f"{name}@example.lv")] if address else []
            person = self.placet.subjects.add(connection, aliases=aliases, now=self.now)
            if yes:
                self.record(connection, person, "given", None)
                self.record(connection, person, "given", EMAIL)
        return person

    def say(self, person: Subject, decision: str, channel: ChannelId | None = None) -> Position:
        with self.placet.database.transaction() as connection:
            return self.record(connection, person, decision, channel)

    def record(self, connection: Connection, person: Subject, decision: str, channel: ChannelId | None) -> Position:
        shown = render(self.placet.catalogue(connection), purpose="offers", language="lv", route="api")
        catalogue_store.remember_shown(connection, shown, self.now)
        wish = Wish(person.id, OFFERS, decision, "api", Actor("subject"), channel=channel, language="lv",
                    shown=shown.sha256)  # fmt: skip
        (outcome,) = consents.record(connection, [wish], rulebook=self.placet.rulebook, now=self.now)
        assert isinstance(outcome, Recorded), outcome
        return outcome.position

    def plan(self, *messages: Message) -> Planned:
        with self.placet.database.transaction() as connection:
            planned_at = self.now + timedelta(microseconds=next(self._plannings))  # so that there is an order
            return self.placet.delivery.plan(connection, messages, now=planned_at)

    def claim(self, *, after: timedelta = timedelta(0), limit: int = 10) -> Claim:
        with self.placet.database.transaction() as connection:
            return self.placet.delivery.claim(connection, self.wire, limit=limit, now=self.now + after)

    def settle(self, outcomes: Mapping[MessageId, Outcome], *, after: timedelta = timedelta(0)) -> int:
        with self.placet.database.transaction() as connection:
            return self.placet.delivery.settle(connection, outcomes, now=self.now + after)

    def shown(self, person: Subject) -> list[Shown]:
        with self.placet.database.transaction() as connection:
            return self.placet.delivery.of_subject(connection, person.id)

    def states(self, person: Subject) -> list[tuple[str, str | None]]:
        """Where their messages are and why, in the order of planning."""
        return [(one.state, one.reason) for one in reversed(self.shown(person))]


def offer(person: Subject, key: str, now: datetime, **more: object) -> Message:
    """An offer by e-mail that may be sent for a day."""
    values: dict[str, object] = {
        "subject": person.id, "key": key, "kind": Kind.OFFER, "activity": CAMPAIGN, "channel": EMAIL,
        "template": "spring", "language": "lv", "not_before": now, "not_after": now + timedelta(days=1),
    }  # fmt: skip
    return Message(**(values | more))  # type: ignore[arg-type]
