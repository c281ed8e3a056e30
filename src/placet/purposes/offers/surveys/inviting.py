"""
Asking people: each once, through the first channel of the survey that is open for them and that they can be reached by.

The people are chosen when the survey has opened: by the gate and, where no more than some are to be asked, by lot.
Whether each may be asked is asked again when the message starts, as with every message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.config import Config
from placet.consents.in_force import CatalogueInForce
from placet.delivery import batches
from placet.delivery.actions import Delivery
from placet.delivery.batches import Batch, Count
from placet.delivery.model import Kind, Refusal
from placet.gate.actions import Audience, Gate
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.kernel.errors import NotFound
from placet.kernel.ids import ActivityId, ChannelId
from placet.purposes.offers.surveys import store
from placet.purposes.offers.surveys.handing import survey_of, template
from placet.purposes.offers.surveys.invitations import Invitation, compiled, senders
from placet.purposes.offers.surveys.model import State, Survey, SurveyId
from placet.store.database import Database

_LEAST_TIME = timedelta(hours=1)
"""So long before the end nobody is invited any more."""
_NO_WAY = frozenset({Refusal.NO_ADDRESS, Refusal.SUPPRESSED})
"""Why the next channel is looked at."""
_REMEMBERED = 32


@attrs.frozen
class Inviting:
    """Thread-safe."""

    config: Config = attrs.field(repr=False)
    database: Database = attrs.field(repr=False)
    in_force: CatalogueInForce = attrs.field(repr=False)
    gate: Gate = attrs.field(repr=False)
    delivery: Delivery = attrs.field(repr=False)
    _compiled: dict[SurveyId, Invitation] = attrs.field(init=False, factory=dict, eq=False, repr=False)
    """Of surveys that are open: their words do not change. Lost races compile the same once more."""

    def invite(self, id: SurveyId, *, now: datetime) -> bool:
        """Choose the people of an open survey and plan their messages, once; False while the gate is closed."""
        replica = Replica.of(self.database, self.config)
        replica.catch_up()
        with self.database.transaction() as connection:
            survey = store.lock(connection, id)
            if survey.state is not State.OPEN or survey.invited_at is not None:
                return True
            audiences = self.audiences(connection, replica, survey, now)
            if any(audience.excluded.get(Reason.STOP_SILENT) for audience in audiences.values()):
                return False
            self._plan(connection, survey, audiences, now)
            store.invited(connection, id, now=now)
        return True

    def audiences(
        self, connection: Connection, replica: Replica, survey: Survey, now: datetime
    ) -> dict[ChannelId, Audience]:
        """Whom the gate would allow to be asked through each channel, and how many it leaves out for which reason."""
        known = self.in_force.read(connection).activities
        return {
            channel: self.gate.audience(connection, replica, activity(channel), channel=channel, now=now)
            for channel in survey.plan.channels
            if activity(channel) in known
        }

    def counts(self, connection: Connection, survey: Survey) -> list[Count]:
        """How many invitations are in each state, for which reason."""
        return batches.counts(connection, keys(survey))

    def invitation(self, template: str) -> Invitation | None:
        """What the messages of a survey say."""
        id = survey_of(template)
        if id not in self._compiled:
            try:
                made = self._made(id)
            except NotFound:
                return None
            if len(self._compiled) >= _REMEMBERED:
                self._compiled.clear()
            self._compiled[id] = made
        return self._compiled[id]

    def _made(self, id: SurveyId) -> Invitation:
        with self.database.transaction() as connection:
            return compiled(store.get(connection, id), senders(self.in_force.read(connection).controller))

    def _plan(
        self, connection: Connection, survey: Survey, audiences: Mapping[ChannelId, Audience], now: datetime
    ) -> None:
        assert survey.plan.closes_at is not None
        until = survey.plan.closes_at - _LEAST_TIME
        if until <= now:
            return
        left = drawn(survey, BitMap().union(*(BitMap(audience.members) for audience in audiences.values())))
        batch_of = {channel: _batch(survey, channel, now, until) for channel in audiences}
        for channel, audience in audiences.items():
            asked = left & audience.members
            if channel != survey.plan.channels[-1]:
                asked -= self._out_of_reach(connection, batch_of[channel], now)
            self.delivery.plan_many(connection, batch_of[channel], asked, now=now)
            left -= asked

    def _out_of_reach(self, connection: Connection, batch: Batch, now: datetime) -> BitMap:
        """Who has no address for a channel, or none that is good: they are asked through the next."""
        hindered = batches.hindrances(connection, batch, self.delivery.policy, now=now)
        return BitMap().union(*(numbers for reason, numbers in hindered if reason in _NO_WAY))


def activity(channel: ChannelId) -> ActivityId:
    """What asking through *channel* is, by the catalogue's name."""
    return ActivityId(f"offers.{channel}-survey")


def keys(survey: Survey) -> list[str]:
    """What the queue calls the messages of *survey*, a key for each channel."""
    return [_key(survey.id, channel) for channel in survey.plan.channels]


def drawn(survey: Survey, everyone: BitMap) -> BitMap:
    """Those of *everyone* who are asked: all, or as many as planned, by a lot that is the survey's own."""
    most = survey.plan.most
    if most is None or most >= len(everyone):
        return everyone
    # No secret hangs on who is drawn: the same lot again, should the plan be made anew.
    return BitMap(Random(survey.id.int).sample(list(everyone), most))  # noqa: S311


def _batch(survey: Survey, channel: ChannelId, now: datetime, until: datetime) -> Batch:
    return Batch(
        key=_key(survey.id, channel),
        kind=Kind.SURVEY,
        activity=activity(channel),
        channel=channel,
        template=template(survey.id, channel),
        topic=survey.plan.topic,
        not_before=now,
        not_after=until,
    )


def _key(id: SurveyId, channel: ChannelId) -> str:
    return f"survey/{id}/{channel}"
