"""From what a campaign counted to what a page shows: released for whoever looks, with the data to download. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from placet.consents.shares import Release, Released, Share
from placet.interfaces.console.figures import Shown, between, number, percent, scale
from placet.interfaces.web.charts import Bar
from placet.interfaces.web.languages import Words
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns.model import Counted, Effect, Progress, Results, TooMany

WAITING = ("planned", "deferred", "sending")
CAME = ("sent", "delivered")


@attrs.frozen
class Reach:
    """Whom a campaign would reach through one channel, as it may be shown; most people first."""

    channel: ChannelId
    count: Released
    held_out: Released
    excluded: tuple[tuple[str, Released], ...]


@attrs.frozen
class Running:
    """Where the messages of one channel are."""

    channel: ChannelId
    done: int
    total: int
    """Rounded as all counts are, for the bar of progress."""
    came: Released
    waiting: Released
    refused: Released
    states: tuple[tuple[str, Released], ...]
    reasons: tuple[tuple[str, Released], ...]


@attrs.frozen
class Braked:
    """Why a campaign was paused by itself: what came back, of how many, and above which share it is."""

    what: str
    came_back: Shown
    at_most: float


@attrs.frozen
class Compared:
    """How often something happened among those who were sent something and among those held out."""

    what: str
    sent: Shown
    held_out: Shown
    effect: Effect

    @property
    def is_told(self) -> bool:
        """Neither share would tell of single persons."""
        return self.sent.value is not None and self.held_out.value is not None

    @property
    def full(self) -> float:
        """The share that fills the width of a bar."""
        return scale((self.sent, self.held_out))

    @property
    def is_certain(self) -> bool:
        """The interval of the difference leaves zero out."""
        return self.effect.low > 0 or self.effect.high < 0


def reach(counted: Counted, release: Release) -> Reach:
    return Reach(
        counted.channel, release(counted.count), release(counted.held_out), _most_first(counted.excluded, release)
    )


def running(progress: Progress, release: Release) -> Running:
    waiting = sum(progress.states.get(state, 0) for state in WAITING)
    total = release(progress.total).shown
    return Running(
        progress.channel,
        max(0, total - release(waiting).shown),
        total,
        release(sum(progress.states.get(state, 0) for state in CAME)),
        release(waiting),
        release(progress.states.get("refused", 0)),
        _most_first(progress.states, release),
        _most_first(progress.reasons, release),
    )


def braked(why: TooMany, release: Release) -> Braked:
    return Braked(why.what, Shown.of(Share(why.part, why.whole), release), why.at_most)


def compared(results: Results, release: Release) -> list[Compared]:
    return [
        Compared(
            effect.what,
            Shown.of(Share(effect.sent.part, effect.sent.whole), release),
            Shown.of(Share(effect.held_out.part, effect.held_out.whole), release),
            effect,
        )
        for effect in results.effects
    ]


def fine_percent(share: float, words: Words) -> str:
    """A share with up to two decimals, so that it can be held against a limit: `2 %`, `0.37 %`."""
    percents = round(share * 100, 2)
    told = words.number(int(percents)) if percents.is_integer() else words.decimals(percents)
    return f"{told}\N{NO-BREAK SPACE}%"


def bars(each: Compared, labels: tuple[str, str], words: Words) -> list[Bar]:
    """Those who were sent something over those held out, on a common scale."""
    shown = (each.sent, each.held_out)
    return [_bar(one, label, words, each.full) for one, label in zip(shown, labels, strict=True)]


def points(share: float, words: Words) -> str:
    """A difference of shares in percentage points, with its sign: `+37`, `-0.4`."""
    size = abs(share) * 100
    sign = ("\N{MINUS SIGN}" if share < 0 else "+") if size else ""
    return sign + (words.number(round(size)) if size >= 1 or not size else words.decimal(size))


def table(results: Sequence[Results], release: Release) -> list[dict[str, str | int | float | None]]:
    """The counts behind the page, for a download; what may not be told is left empty."""
    rows: list[dict[str, str | int | float | None]] = []
    for each in results:
        channel = str(each.channel)
        rows += [
            _row(channel, "messages", state, release(many)) for state, many in sorted(each.progress.states.items())
        ]
        rows += [_row(channel, "not sent", why, release(many)) for why, many in sorted(each.progress.reasons.items())]
        for one in compared(each, release):
            rows.append(_share_row(channel, one.what, "sent", one.sent))
            rows.append(_share_row(channel, one.what, "held out", one.held_out))
    return rows


def _row(channel: str, series: str, group: str, count: Released) -> dict[str, str | int | float | None]:
    told = None if count.is_small else count.shown
    return {"channel": channel, "series": series, "group": group, "count": told, "of": None, "low": None, "high": None}


def _share_row(channel: str, what: str, group: str, shown: Shown) -> dict[str, str | int | float | None]:
    row = _row(channel, what, group, shown.part)
    if shown.interval is None:
        return row
    return {**row, "of": shown.whole.shown, "low": round(shown.interval.low, 6), "high": round(shown.interval.high, 6)}


def _bar(shown: Shown, label: str, words: Words, full: float) -> Bar:
    text = f"{percent(shown, words)} ({between(shown, words)}) · n = {number(shown.whole, words)}"
    if shown.value is None or shown.interval is None:
        return Bar(label, None, text)
    return Bar(label, shown.value / full, text, shown.interval.low / full, shown.interval.high / full)


def _most_first(counts: Mapping[str, int], release: Release) -> tuple[tuple[str, Released], ...]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple((name, release(many)) for name, many in ordered if many)
