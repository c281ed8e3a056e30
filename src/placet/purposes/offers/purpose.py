"""
The purpose `offers`, composed: what `bootstrap` wires, and what the interfaces reach it by.

Each room brings its actions, a part of the duties, words for its templates, and perhaps something to do once a round.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import attrs
from psycopg import Connection

from placet.delivery.letters import Letter
from placet.delivery.model import Filler, MessageFiller, MessageId
from placet.delivery.notes import Note
from placet.delivery.sms import Text
from placet.kernel.ids import ChannelId, Number
from placet.purposes.offers.campaigns.actions import Campaigns
from placet.purposes.offers.clicks.actions import Clicks
from placet.purposes.offers.clicks.duties import ClickDuties
from placet.purposes.offers.duties import OffersDuties, Part
from placet.purposes.offers.greetings.actions import Greetings
from placet.purposes.offers.greetings.duties import GreetingDuties
from placet.purposes.offers.ground import Ground
from placet.purposes.offers.learning import telling
from placet.purposes.offers.learning.actions import Learning
from placet.purposes.offers.learning.duties import LearningDuties
from placet.purposes.offers.learning.model import Why
from placet.purposes.offers.surveys.actions import Surveys
from placet.purposes.offers.wish_duties import WishDuties
from placet.purposes.offers.wishes import Wishes


class Worded(Protocol):
    """A room that has texts for messages, by template and language; None where the template is not one of its own."""

    def letter(self, template: str, language: str) -> Letter | None: ...

    def text(self, template: str, language: str) -> Text | None: ...

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None: ...


class Busy(Protocol):
    """A room that has something to do without being asked; every step is idempotent, in transactions of its own."""

    def round(self, now: datetime) -> None: ...


@attrs.frozen
class Offers:
    """Thread-safe. `worded` are found by the first word of a template (`campaign/…`), `busy` are asked in turn."""

    wishes: Wishes
    campaigns: Campaigns
    greetings: Greetings
    surveys: Surveys
    learning: Learning
    clicks: Clicks
    duties: OffersDuties
    worded: dict[str, Worded] = attrs.field(factory=dict, repr=False)
    fillers: dict[str, Filler] = attrs.field(factory=dict, repr=False)
    message_fillers: dict[str, MessageFiller] = attrs.field(factory=dict, repr=False)
    busy: tuple[Busy, ...] = ()

    @classmethod
    def of(cls, ground: Ground) -> Offers:
        """The rooms of offers; what their templates are filled with is told to the queue."""
        greetings, surveys = Greetings.of(ground), Surveys.of(ground)
        learning = Learning.of(ground.database, ground.master, ground.gate, Wishes())
        clicks = Clicks(ground.database, ground.gate, ground.config.url)
        campaigns = Campaigns.of(ground, sort=learning.compete, knows=learning.knows, clicks=clicks)
        parts: tuple[Part, ...] = (
            WishDuties(), GreetingDuties(ground.subjects), surveys.duties, LearningDuties(), ClickDuties(clicks),
        )  # fmt: skip
        made = cls(
            Wishes(),
            campaigns,
            greetings,
            surveys,
            learning,
            clicks,
            OffersDuties(parts),
            worded={"campaign": campaigns, "greeting": greetings, "survey": surveys},
            fillers={"greeting": greetings.fill, "survey": surveys.handing.fill},
            message_fillers={"campaign": campaigns.fill},
            busy=(campaigns, greetings, surveys, learning, clicks),
        )
        ground.delivery.fillers.update(made.fillers)
        ground.delivery.message_fillers.update(made.message_fillers)
        return made

    def letter(self, template: str, language: str) -> Letter | None:
        """The letter of a template (`smtp.Letters`)."""
        room = self.worded.get(template.partition("/")[0])
        return None if room is None else room.letter(template, language)

    def text(self, template: str, language: str) -> Text | None:
        """The SMS of a template (`sms.Texts`)."""
        room = self.worded.get(template.partition("/")[0])
        return None if room is None else room.text(template, language)

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None:
        """What is said on the telephone, printed in a letter or put into the app (`notes.Notes`)."""
        room = self.worded.get(template.partition("/")[0])
        return None if room is None else room.note(channel, template, language)

    def why(self, connection: Connection, message: MessageId) -> Why | None:
        """Why this offer, as it was fixed when it was picked; None for what is no offer, or is held no more."""
        return telling.why(connection, message)

    def round(self, now: datetime) -> None:
        """What is due now."""
        for room in self.busy:
            room.round(now)

    def inherit(self, connection: Connection, number: Number, merged: Number, *, now: datetime) -> None:
        """Two identities were one person."""
        self.wishes.inherit(connection, number, merged)
        self.greetings.inherit(connection, number, merged)
        self.learning.inherit(connection, number, merged)
        self.clicks.inherit(connection, number, merged, now=now)
