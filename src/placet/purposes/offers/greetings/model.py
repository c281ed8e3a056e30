"""What we greet for, what a person wishes of it, and who is greeted on a day: frozen values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import attrs

from placet.kernel.ids import ActivityId, ChannelId, Number, SubjectId
from placet.purposes.offers.greetings.calendar import Listed, YearDay

TEMPLATE = "greeting"
"""The first word of the templates and keys of greetings: `greeting/birthday`, `greeting/birthday/2026/email`."""

CHANNELS = (ChannelId("email"), ChannelId("sms"), ChannelId("app"))
"""What greetings go by, the first that the person has opened; nobody is telephoned, or sent paper, for it."""


class Occasion(StrEnum):
    """What we greet for. Each is also the topic of its message, so that each is muted by itself."""

    BIRTHDAY = "birthday"
    NAME_DAY = "name-day"


@attrs.frozen(repr=False)
class Celebrant:
    """A person who may be greeted, with what it depends on; *picked*: the name day that they chose themselves."""

    subject: SubjectId
    number: Number
    language: str
    name: str | None
    born: date | None
    picked: YearDay | None = None


@attrs.frozen(repr=False)
class Greeting:
    """One greeting of one day."""

    celebrant: Celebrant
    occasion: Occasion
    channel: ChannelId

    def key(self, year: int) -> str:
        return f"{TEMPLATE}/{self.occasion}/{year}/{self.channel}"

    @property
    def template(self) -> str:
        return f"{TEMPLATE}/{self.occasion}"


class LeftOut(StrEnum):
    """Why somebody who celebrates is not greeted. The strings are stable."""

    OFF = "switched-off"
    GREETED = "greeted-this-year"


@attrs.frozen
class NameDay:
    """When somebody has their name day, as far as we know, and what they may choose from the calendar."""

    day: YearDay | None
    picked: bool
    """Whether they said so themselves."""
    listed: tuple[Listed, ...]
    """The days of their first names."""


@attrs.frozen
class Wished:
    """Where somebody stands on greetings: a switch for each occasion, and the name day."""

    on: frozenset[Occasion]
    name_day: NameDay
    born: bool
    """Whether we know the birthday."""


@attrs.frozen
class Round:
    """The greetings of one day, worked through by the numbers of the persons; *after*: who was looked at last."""

    day: date
    audiences: Mapping[ChannelId, UUID]
    after: Number
    planned: int
    done_at: datetime | None


@attrs.frozen
class Rehearsal:
    """Who would be greeted on a day: counts, and nobody by name."""

    day: date
    greeted: Counter[tuple[str, str, str]]
    """By occasion, channel and language."""
    left_out: Counter[str]
    """Of those who have a day: why they are not greeted."""
    asked: int
    """How many may be greeted at all, by any channel."""


def activity(channel: ChannelId) -> ActivityId:
    """What a greeting through *channel* is in the catalogue."""
    return ActivityId(f"offers.{channel}-greeting")
