"""
Two campaigns of the demonstration and the people who read one of them, so that the console has results to show: one was
sent by mail that goes nowhere, the other waits for a second person. Made once, by the real ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from importlib.resources import files
from random import Random
from typing import Any, Literal

import attrs
import msgspec
import yaml
from psycopg import Connection

from placet.access.staff import Member
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.delivery.actions import Delivery
from placet.delivery.model import Failed, MessageId, Outcome, Outgoing, Sent, Started
from placet.delivery.rules import Calendar
from placet.kernel.ids import ChannelId, PurposeId, SubjectId
from placet.purposes.offers.campaigns.model import Brief, Campaign, Texts
from placet.purposes.offers.topics import TopicId
from placet.subjects.model import Alias, Subject

_READERS = 80
_HOLDOUT = 30
_LASTS = timedelta(days=21)
_EMAIL, _OFFERS = ChannelId("email"), PurposeId("offers")
_LANGUAGES = ("lv", "ru", "en")
_PHONES = TopicId("phones")
_SAYS: tuple[Literal["want", "never"] | None, ...] = ("want", "never", None)
_AFTER_MAIL, _WITHOUT = (40, 8, 52), (4, 2, 94)
"""How many of a hundred want more of the topic, never want it, and say nothing."""


@attrs.frozen
class Nowhere:
    """An e-mail channel without a wire: every mail is taken but the first, whose mailbox is not there."""

    id: ChannelId = _EMAIL
    width: int = _READERS
    needs_address: bool = True

    async def send(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        return self.outcomes(batch)

    def outcomes(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        return {one.id: Sent() if place else Failed("no-such-mailbox") for place, one in enumerate(batch)}

    async def find(self, started: Sequence[Started]) -> Mapping[MessageId, Outcome]:  # noqa: ARG002
        """Nothing is ever unknown."""
        return {}

    async def listen(self) -> None:
        """Nothing comes back."""

    async def close(self) -> None:
        """Nothing is open."""


def run(application: Application, writer: Member, approver: Member, *, now: datetime) -> None:
    """Make the campaigns, unless they are there: in transactions of their own, as people and the worker would."""
    with application.database.transaction() as connection:
        if application.offers.campaigns.listing(connection, limit=1):
            return
        _submitted(application, connection, _brief("travel", now), writer, now)
        readers = _readers(application, connection, now)
        sent = _submitted(application, connection, _brief("phones", now), writer, now)
        application.offers.campaigns.approve(connection, sent.id, version=sent.version, by=str(approver.id), now=now)
    application.offers.campaigns.round(now)
    reached = _send(application, now)
    with application.database.transaction() as connection:
        _react(application, connection, readers, reached, now + timedelta(milliseconds=1))


def _submitted(
    application: Application, connection: Connection, brief: Brief, writer: Member, now: datetime
) -> Campaign:
    campaigns = application.offers.campaigns
    made = campaigns.create(connection, brief, by=str(writer.id), now=now)
    return campaigns.submit(connection, made.id, version=made.version, by=str(writer.id), now=now)


def _readers(application: Application, connection: Connection, now: datetime) -> list[Subject]:
    """People without a name who said yes to offers by e-mail."""
    people = [
        application.subjects.add(
            connection,
            aliases=(Alias.email(f"reader{place:02}@example.com"),),
            language=_LANGUAGES[place % len(_LANGUAGES)],
            now=now,
        )
        for place in range(_READERS)
    ]
    wishes = []
    for person in people:
        shown = render(application.catalogue(connection), purpose=_OFFERS, language=person.language, route="portal")
        catalogue_store.remember_shown(connection, shown, now)
        said = Wish(
            person.id, _OFFERS, "given", "portal", Actor("subject", str(person.id)),
            language=person.language, shown=shown.sha256,
        )  # fmt: skip
        wishes += [said, attrs.evolve(said, channel=_EMAIL)]
    consents.record(connection, wishes, rulebook=application.rulebook, now=now)
    return people


def _send(application: Application, now: datetime) -> frozenset[SubjectId]:
    """Start what was planned and settle it, at any hour, since it goes nowhere; returns who was written to."""
    delivery, channel = at_any_hour(application.delivery), Nowhere()
    with application.database.transaction() as connection:
        claim = delivery.claim(connection, channel, limit=_READERS, now=now)
    with application.database.transaction() as connection:
        delivery.settle(connection, channel.outcomes(claim.started), now=now)
    return frozenset(one.subject for one in claim.started)


def at_any_hour(delivery: Delivery) -> Delivery:
    """As *delivery*, for what goes nowhere, or makes no sound."""
    always = Calendar(((time.min, time.max),) * 7, (time.min, time.max))
    calendars = dict.fromkeys(delivery.policy.calendars, always)
    return attrs.evolve(delivery, policy=attrs.evolve(delivery.policy, calendars=calendars))


def _react(
    application: Application,
    connection: Connection,
    readers: Sequence[Subject],
    reached: frozenset[SubjectId],
    now: datetime,
) -> None:
    """What readers said afterwards; those who were sent nothing say something, too."""
    lot = Random(47)  # noqa: S311 - a sample
    for person in readers:
        said = lot.choices(_SAYS, weights=_AFTER_MAIL if person.id in reached else _WITHOUT)[0]
        if said is not None:
            application.offers.wishes.set(connection, person.id, _PHONES, said, by="person", now=now)


def _brief(name: str, now: datetime) -> Brief:
    said: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("sample_campaigns.yaml").read_text("utf-8"))[name]
    return Brief(
        name=said["name"],
        topic=TopicId(said["topic"]),
        channels=tuple(ChannelId(channel) for channel in said["channels"]),
        texts={language: msgspec.convert(texts, Texts) for language, texts in said["texts"].items()},
        holdout=_HOLDOUT,
        starts_at=now,
        ends_at=now + _LASTS,
    )
