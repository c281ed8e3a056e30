"""
What the link in a message stops (RFC 8058; GDPR 7(3), 21(3)): the same for the page behind it, for a mail program's
one click, for a mail to `u+TOKEN@`, for STOP by SMS and for a complaint.

Whoever holds the message holds the link: it takes back, and tells nothing about the person. Only what a link itself has
taken back in the last hour can be given again by it, on the text that is shown then; for everything else one signs in.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

import attrs
from psycopg import Connection

from placet.consents import store as consents
from placet.consents.in_force import CatalogueInForce
from placet.consents.model import CLOSING, Actor, Decision, Route, State, Wish
from placet.delivery import wishes
from placet.delivery.actions import Delivery
from placet.delivery.model import Belonging, Delivered, Kind, MessageId
from placet.delivery.rules import Mute
from placet.delivery.tokens import Tokens
from placet.kernel.ids import ChannelId, Number, PurposeId, SubjectId
from placet.store.queries import queries

SQL = queries("placet.delivery", "links.sql")

UNDO = timedelta(hours=1)
"""How long a link gives again what it has taken back."""
SOON = timedelta(days=30)
SEVERAL = 2
"""So many topics stopped within `SOON`: perhaps it is the channel that is meant."""


@attrs.frozen
class Nothing:
    """The link is ours, and nothing is held under it any more: the person was erased, or the message is long gone."""


@attrs.frozen
class Unsubscribing:
    """Every method joins the transaction of its connection; wishes are the caller's to record."""

    delivery: Delivery
    in_force: CatalogueInForce
    tokens: Tokens

    def belonging(self, connection: Connection, token: str) -> Belonging | Nothing | None:
        """What the message of *token* belongs to; None for a token that was not made here."""
        message = self.tokens.read(token)
        return None if message is None else belonging(connection, message)

    def channel(self, connection: Connection, to: Belonging, *, decision: Decision, route: Route) -> list[Wish]:
        """Close the message's purposes on its channel; all that have it, if its activity is gone from the catalogue."""
        activity = self.in_force.read(connection).activities.get(to.activity)
        among = None if activity is None else activity.needs
        said = Said(decision, route, f"message {to.message}")
        return closing(connection, to.subject, to.number, to.channel, among=among, said=said)

    def everything(self, connection: Connection, to: Belonging) -> list[Wish]:
        """Take back the message's purposes, with every channel of them."""
        activity = self.in_force.read(connection).activities.get(to.activity)
        said = Said(Decision.WITHDRAWN, "portal", f"message {to.message}")
        among = () if activity is None else activity.needs
        return closing(connection, to.subject, to.number, None, among=among, said=said)

    def mute(self, connection: Connection, to: Belonging, *, now: datetime) -> int:
        """Stop the message's topic, or its kind, on its channel; returns how many topics were stopped there lately."""
        wishes.mute(connection, to.subject, _mute(to), now=now)
        return _stopped_lately(connection, to.number, to.channel, now - SOON)

    def unmute(self, connection: Connection, to: Belonging) -> None:
        wishes.unmute(connection, to.subject, _mute(to))

    def arrived(self, connection: Connection, to: Belonging, *, now: datetime) -> None:
        """Whoever answers a message has it: what was unknown of it is known now."""
        self.delivery.settle(connection, {to.message: Delivered()}, now=now)

    def again(self, connection: Connection, to: Belonging, *, undo: str, shown: bytes, now: datetime) -> Wish | None:
        """The yes that puts back what *undo* names; None if that is too long ago, or something was said since."""
        record = self.tokens.read_undo(to.message, undo)
        found = None if record is None else consents.record(connection, record)
        if found is None or now - found.recorded_at > UNDO:
            return None
        state = consents.standing_of(connection, to.number).get(found.purpose, {}).get(found.channel)
        if state is None or state.position != found.position:
            return None
        return Wish(
            to.subject, found.purpose, Decision.GIVEN, "portal", Actor("subject"), channel=found.channel, shown=shown
        )  # fmt: skip


@attrs.frozen
class Said:
    """How a no came, and by what it is shown (`Wish.evidence`)."""

    decision: Decision
    route: Route
    by: str


def belonging(connection: Connection, message: MessageId) -> Belonging | Nothing:
    """What *message* belongs to, and whose it is today."""
    row = connection.execute(SQL["belonging"], {"id": message}).fetchone()
    if row is None:
        return Nothing()
    subject, number, kind, *rest = row
    return Belonging(message, SubjectId(subject), Number(number), Kind(kind), *rest)


def closing(
    connection: Connection,
    subject: SubjectId,
    number: Number,
    channel: ChannelId | None,
    *,
    among: Collection[PurposeId] | None,
    said: Said,
) -> list[Wish]:
    """Wishes that close *channel* of the purposes *among* (None: of all) where it is not closed already."""
    return [
        _no(subject, purpose, channel, states[channel], said)
        for purpose, states in consents.standing_of(connection, number).items()
        if (among is None or purpose in among) and channel in states and states[channel].decision not in CLOSING
    ]


def _no(subject: SubjectId, purpose: PurposeId, channel: ChannelId | None, state: State, said: Said) -> Wish:
    """The key names the state it ends: many clicks are one record, and a click after a new yes is another."""
    key = f"{said.by} {said.decision} {subject} {purpose} {channel or ''} {state.position}"
    return Wish(
        subject, purpose, said.decision, said.route, Actor("subject"), channel=channel, evidence=said.by.encode(),
        idempotency_key=sha256(key.encode()).digest(),
    )  # fmt: skip


def _stopped_lately(connection: Connection, number: Number, channel: ChannelId, since: datetime) -> int:
    values = {"number": number, "channel": channel, "since": since}
    row = connection.execute(SQL["stopped_lately"], values).fetchone()
    assert row is not None
    return int(row[0])


def _mute(to: Belonging) -> Mute:
    return Mute(to.kind, to.topic, to.channel)
