"""
What one customer of the demonstration is sent: an offer in the app, a call that an agent can make, a letter that can be
printed, and an SMS that is not sent, with its reason. Made once, by the real ways; nobody is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

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
from placet.delivery.app import App
from placet.delivery.model import Kind, Message
from placet.interfaces.cli.sample_campaigns import at_any_hour
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.purposes.offers.campaigns.model import Brief, Texts
from placet.purposes.offers.topics import TopicId
from placet.subjects import postal
from placet.subjects.model import LANGUAGES, Alias, Subject

_OFFERS, _SMS = PurposeId("offers"), ChannelId("sms")
_SAID = ((None, "given"), ("app", "given"), ("call", "given"), ("post", "given"), ("sms", "refused"))
_LASTS = timedelta(days=21)


@attrs.frozen
class _Sms:
    """What a claim asks of the channel."""

    id: ChannelId = _SMS
    needs_address: bool = True


def send(application: Application, customer: Alias, writer: Member, approver: Member, *, now: datetime) -> None:
    """Let *customer* say yes and be sent something, unless their address is known already."""
    with application.database.transaction() as connection:
        person = application.subjects.find(connection, customer)
        if person is None or application.subjects.residences(connection, [person.id]):
            return
        application.subjects.move(connection, person.id, postal.address("Miera iela 7–3", "Rīga", "1001"), now=now)
        _say(application, connection, person, now)
        _campaigns(application, connection, writer, approver, now)
        _refused(application, connection, person, now)
    # The audience of a campaign is whoever allows it now, as the round of the worker finds them.
    application.offers.campaigns.round(now)
    _put(application, now)


def _say(application: Application, connection: Connection, person: Subject, now: datetime) -> None:
    shown = render(application.catalogue(connection), purpose=_OFFERS, language=person.language, route="portal")
    catalogue_store.remember_shown(connection, shown, now)
    wishes = [
        Wish(
            person.id, _OFFERS, decision, "portal", Actor("subject", str(person.id)), language=person.language,
            channel=None if channel is None else ChannelId(channel), shown=shown.sha256,
        )
        for channel, decision in _SAID
    ]  # fmt: skip
    consents.record(connection, wishes, rulebook=application.rulebook, now=now)


def _campaigns(
    application: Application, connection: Connection, writer: Member, approver: Member, now: datetime
) -> None:
    campaigns = application.offers.campaigns
    for channel, said in _words().items():
        made = campaigns.create(connection, _brief(channel, said, now), by=str(writer.id), now=now)
        sent = campaigns.submit(connection, made.id, version=made.version, by=str(writer.id), now=now)
        campaigns.approve(connection, sent.id, version=sent.version, by=str(approver.id), now=now)


def _brief(channel: str, said: Mapping[str, Any], now: datetime) -> Brief:
    return Brief(
        name=said["name"],
        topic=TopicId(said["topic"]),
        channels=(ChannelId(channel),),
        texts={language: msgspec.convert({channel: said[language]}, Texts) for language in LANGUAGES},
        holdout=0,
        starts_at=now,
        ends_at=now + _LASTS,
    )


def _refused(application: Application, connection: Connection, person: Subject, now: datetime) -> None:
    """An SMS that somebody planned: it does not start, since the customer said no to SMS."""
    message = Message(
        subject=person.id, key="sample/sms", kind=Kind.OFFER, activity=ActivityId("offers.sms-campaign"), channel=_SMS,
        topic="tariffs", template="campaign/sample", language=person.language, not_before=now, not_after=now + _LASTS,
    )  # fmt: skip
    application.delivery.plan(connection, [message], now=now)
    at_any_hour(application.delivery).claim(connection, _Sms(), limit=1, now=now)


def _put(application: Application, now: datetime) -> None:
    """What is for the app, put there at any hour."""
    delivery = at_any_hour(application.delivery)
    app = next(channel for channel in application.channels if isinstance(channel, App))
    with application.database.transaction() as connection:
        claim = delivery.claim(connection, app, limit=10, now=now)
    outcomes = app.put(claim.started)
    with application.database.transaction() as connection:
        delivery.settle(connection, outcomes, now=now)


def _words() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(files(__package__).joinpath("sample_messages.yaml").read_text("utf-8"))
    return found
