"""From the roll-up to what a page shows: groups with their shares, released for whoever looks. No words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import attrs

from placet.consents.counts import Said, Spell, Step
from placet.consents.model import Decision
from placet.consents.shares import Interval, Release, Released, Share, Tally, grouped, released, tally
from placet.interfaces.web.charts import Bar, Column
from placet.interfaces.web.languages import Words
from placet.kernel.ids import ChannelId, PurposeId

By = Literal["purpose", "channel", "language", "route", "notice"]
Which = Literal["yes", "regret"]
DAYS = {"30": 30, "90": 90, "365": 365}
_FIRST = date(2000, 1, 1)


@attrs.frozen
class Period:
    """From *since* to before *until*; `name` is how the address says it."""

    name: str
    since: date
    until: date

    @classmethod
    def parse(cls, text: str | None, now: datetime, zone: ZoneInfo) -> Period:
        """`30`, `90` or `365` days up to today, or `all`; anything else is 90."""
        today = now.astimezone(zone).date()
        until = today + timedelta(days=1)
        if text == "all":
            return cls("all", _FIRST, until)
        name = text if text in DAYS else "90"
        return cls(name, until - timedelta(days=DAYS[name]), until)

    @property
    def step(self) -> Step:
        return "week" if self.name in ("30", "90") else "month"


@attrs.frozen
class Shown:
    """A share as it may be shown: None where it must not be told, or there is nothing to divide by."""

    part: Released
    whole: Released
    value: float | None
    interval: Interval | None

    @classmethod
    def of(cls, share: Share, release: Release) -> Shown:
        told = released(share, release)
        return cls(
            release(share.part),
            release(share.whole),
            None if told is None else told.value,
            None if told is None else told.interval,
        )


@attrs.frozen
class Group:
    """What was said in one group, by its *key*: a purpose, a channel, a language, a route, a version of the notice."""

    key: str
    yes: Released
    no: Released
    taken_back: Released
    answers: Shown
    regret: Shown

    @classmethod
    def of(cls, key: str, said: Tally, release: Release) -> Group:
        return cls(
            key,
            release(said.yes),
            release(said.no),
            release(said.taken_back),
            Shown.of(said.yes_share, release),
            Shown.of(said.regret, release),
        )

    def shown(self, which: Which) -> Shown:
        return self.answers if which == "yes" else self.regret


_KEYS: Mapping[By, Callable[[Said], str]] = {
    "purpose": lambda row: row.purpose,
    "channel": lambda row: row.channel or "",
    "language": lambda row: row.language or "",
    "route": lambda row: row.route,
    "notice": lambda row: row.notice_version or "",
}


def groups(rows: Sequence[Said], by: By, release: Release) -> list[Group]:
    """*rows* in groups, those with the most answers first."""
    found = grouped(rows, _KEYS[by])
    ordered = sorted(found.items(), key=lambda item: (-item[1].answers, item[0]))
    return [Group.of(key, said, release) for key, said in ordered]


def whole(rows: Sequence[Said], release: Release) -> Group:
    """All of *rows* together."""
    return Group.of("", tally(rows), release)


def about(rows: Sequence[Said], purpose: PurposeId | None, channel: ChannelId | None) -> list[Said]:
    """The rows of one purpose (None: of all purposes) or one channel of it; without a channel the purposes alone."""
    return [row for row in rows if row.channel == channel and purpose in (None, row.purpose)]


@attrs.frozen
class Spot:
    """One week or month of a purpose or channel."""

    first: date
    group: Group


def course(spells: Sequence[Spell], period: Period, release: Release) -> list[Spot]:
    """What was said week by week or month by month, from the first in which anything was, without a gap."""
    found = grouped(list(spells), lambda spell: spell.first)
    if not found:
        return []
    firsts, last = [min(found)], max(max(found), _first_of(period.until - timedelta(days=1), period.step))
    while firsts[-1] < last:
        firsts.append(_next(firsts[-1], period.step))
    return [Spot(first, Group.of("", found.get(first, Tally()), release)) for first in firsts]


def bars(
    rows: Sequence[Group], which: Which, names: Mapping[str, str], words: Words, *, full: float = 1.0
) -> list[Bar]:
    """*rows* as bars, named by *names*; *full* is the share that fills the width."""
    return [_bar(row.shown(which), names.get(row.key, row.key), words, full) for row in rows]


def columns(spots: Sequence[Spot], which: Which, words: Words, *, full: float = 1.0) -> list[Column]:
    """*spots* as columns over time."""
    return [_column(spot, spot.group.shown(which), words, full) for spot in spots]


def scale(shown: Sequence[Shown]) -> float:
    """A round share that no interval of *shown* exceeds, so that small shares can be told apart: the page says it."""
    return _round_up(max((each.interval.high for each in shown if each.interval is not None), default=1.0))


def reach(shown: Sequence[Shown]) -> float:
    """A round share that none of *shown* exceeds, for charts without intervals."""
    return _round_up(max((each.value for each in shown if each.value is not None), default=1.0))


def _round_up(share: float) -> float:
    return next(step for step in (0.05, 0.1, 0.2, 0.5, 1.0) if share <= step)


def number(count: Released, words: Words) -> str:
    """A count as it may be told."""
    return f"< {count.shown}" if count.is_small else words.number(count.shown)


def percent(shown: Shown, words: Words) -> str:
    return "–" if shown.value is None else words.percent(shown.value)


def between(shown: Shown, words: Words) -> str:
    """The interval: `40 %–44 %`."""
    found = shown.interval
    return "–" if found is None else f"{words.percent(found.low)}\N{EN DASH}{words.percent(found.high)}"


def table(rows: Sequence[Said], release: Release) -> list[dict[str, str | int | None]]:
    """The finest counts there are, for a download; what may not be told is left empty."""
    return [
        {
            "purpose": row.purpose,
            "channel": row.channel,
            "decision": row.decision.value,
            "language": row.language,
            "route": row.route,
            "notice_version": row.notice_version,
            "count": _told(release(row.count)),
            "taken_back_within_7_days": _told(release(row.regretted)) if row.decision is Decision.GIVEN else None,
        }
        for row in rows
    ]


def course_table(spells: Sequence[Spell], release: Release) -> list[dict[str, str | int | None]]:
    """The same over time."""
    return [
        {
            "from": spell.first.isoformat(),
            "purpose": spell.purpose,
            "channel": spell.channel,
            "decision": spell.decision.value,
            "count": _told(release(spell.count)),
            "taken_back_within_7_days": _told(release(spell.regretted)) if spell.decision is Decision.GIVEN else None,
        }
        for spell in spells
    ]


def _bar(shown: Shown, label: str, words: Words, full: float) -> Bar:
    text = f"{percent(shown, words)} · n = {number(shown.whole, words)}"
    if shown.value is None or shown.interval is None:
        return Bar(label, None, text)
    return Bar(label, shown.value / full, text, shown.interval.low / full, shown.interval.high / full)


def _column(spot: Spot, shown: Shown, words: Words, full: float) -> Column:
    share = None if shown.value is None else shown.value / full
    return Column(words.narrow_day(spot.first), share, percent(shown, words))


def _told(count: Released) -> int | None:
    return None if count.is_small else count.shown


def _first_of(day: date, step: Step) -> date:
    return day - timedelta(days=day.weekday()) if step == "week" else day.replace(day=1)


def _next(first: date, step: Step) -> date:
    return first + timedelta(days=7) if step == "week" else (first.replace(day=1) + timedelta(days=32)).replace(day=1)
