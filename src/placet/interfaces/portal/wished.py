"""What the page of wishes shows, as frozen values (see `views`)."""

from __future__ import annotations

from datetime import date, datetime

import attrs

from placet.interfaces.web.choices import Switch


@attrs.frozen
class TopicLine:
    """What the customer wants of one topic, and where it was stopped: by us, since when; by them, on which channels."""

    id: str
    title: str
    state: str
    stopped_since: datetime | None = None
    because: str = ""
    """What we learned it from, in words."""
    stopped_by: tuple[str, ...] = ()


@attrs.frozen
class Limits:
    """The most offers, as a number in so many days; and the days of one for whoever wants fewer."""

    usual: tuple[int, int] | None
    less: int | None


@attrs.frozen
class DayLine:
    """A name day to choose; *name*: whose it is in the calendar, None for the names that it does not list."""

    value: str
    day: date
    """In a leap year, so that there is every one."""
    name: str | None


@attrs.frozen
class ClickAnswer:
    """What the customer said last about counted links; *by_answer*: not with the consent to e-mails."""

    allows: bool
    by_answer: bool
    at: datetime


@attrs.frozen
class ClickQuestion:
    """Whether we may learn from the links that they press; *answers*: value and words of each, of the same weight."""

    title: str
    text: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]
    shown: str
    """What an answer commits to."""
    said: ClickAnswer | None


@attrs.frozen
class PressedLine:
    """An offer in which they pressed a link: its subject as the letter has it, None of one that is gone."""

    subject: str | None
    topic: str | None
    sent_at: datetime
    pressed_at: datetime


@attrs.frozen
class Wishes:
    """What the customer wants to hear about."""

    switches: tuple[Switch, ...]
    topics: tuple[TopicLine, ...]
    limits: Limits
    frequency: str
    paused_until: datetime | None
    birthday: bool
    birthday_known: bool
    name_day: bool
    days: tuple[DayLine, ...]
    kept_on: date | None
    surveys: bool
    clicks: ClickQuestion | None
