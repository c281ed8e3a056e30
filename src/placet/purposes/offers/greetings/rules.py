"""
Who is greeted on a day, and for what. Nothing here reads a clock, a database or a file but the calendar.

* A birthday comes before a name day of the same date: one greeting a day.
* The name day is the one that the person chose; else that of the first of their first names that is sure; else, for a
  name in Latin letters that the calendar does not list, 22 May. Of a Cyrillic name that we cannot place it is unknown.
* 29 February is kept on 1 March where there is none (`calendar.YearDay.in_year`).
* Nobody is greeted on the day they were born, and for nothing twice in a calendar year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from placet.delivery.model import Kind
from placet.delivery.rules import Mute
from placet.kernel.ids import ChannelId
from placet.purposes.offers.greetings.calendar import NOT_LISTED, YearDay, is_listed
from placet.purposes.offers.greetings.model import Celebrant, Greeting, LeftOut, NameDay, Occasion
from placet.purposes.offers.greetings.vocative import given_names, in_calendar, in_latin

_SWITCHES = {
    occasion: {(Kind.GREETING, occasion.value), (Kind.GREETING, None)} for occasion in Occasion
}  # fmt: skip


def occasions(celebrant: Celebrant, day: date) -> list[Occasion]:
    """What *celebrant* has to celebrate on *day*, what comes first first."""
    found = []
    born = celebrant.born
    if born is not None and born < day and YearDay.of(born).in_year(day.year) == day:
        found.append(Occasion.BIRTHDAY)
    kept = name_day(celebrant.name, celebrant.picked).day
    if kept is not None and kept.in_year(day.year) == day:
        found.append(Occasion.NAME_DAY)
    return found


def name_day(name: str | None, picked: YearDay | None) -> NameDay:
    """When somebody named *name*, who chose *picked*, has their name day."""
    names = in_calendar(name)
    offered = tuple(dict.fromkeys(one for found in names for one in found))
    if picked is not None:
        return NameDay(picked, picked=True, listed=offered)
    sure = (found[0].day for found in names if len(found) == 1 or is_listed(found[0].name))
    return NameDay(next(sure, None) or _unlisted(name, offered), picked=False, listed=offered)


def greeting(
    celebrant: Celebrant,
    found: Sequence[Occasion],
    channels: Sequence[ChannelId],
    mutes: Sequence[Mute],
    now: datetime,
) -> Greeting | LeftOut:
    """The first of the *found* occasions that *celebrant* wants to be greeted for, by the first of *channels*."""
    wanted = next((occasion for occasion in found if not switches(mutes, occasion, now)), None)
    return LeftOut.OFF if wanted is None else Greeting(celebrant, wanted, channels[0])


def switches(mutes: Sequence[Mute], occasion: Occasion, now: datetime) -> list[Mute]:
    """
    Those of somebody's *mutes* that switch *occasion* off. One by a single channel does, too: whoever stops greetings
    in a mail does not mean that the next one shall be an SMS.
    """
    return [
        mute
        for mute in mutes
        if (mute.until is None or now < mute.until)
        and (mute.topic == occasion if mute.kind is None else (mute.kind, mute.topic) in _SWITCHES[occasion])
    ]


def _unlisted(name: str | None, offered: Sequence[object]) -> YearDay | None:
    given = given_names(name)
    return NOT_LISTED if given and not offered and in_latin(given[0]) else None
