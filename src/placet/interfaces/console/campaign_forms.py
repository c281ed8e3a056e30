"""
From the forms of a campaign to its brief, and from an instant to the fields of a form. Pure.

A page of the builder knows a part of the brief and changes that alone; what is not right yet may stand in a draft, and
is said on the page of the campaign before it can be submitted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from placet.delivery.layout import Button, Words
from placet.delivery.notes import Source
from placet.delivery.wording import LANGUAGES
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId
from placet.purposes.offers import topics
from placet.purposes.offers.campaigns.model import CHANNELS, Brief, Condition, Kind, Texts

Form = Mapping[str, str]
LONGEST_PARAGRAPHS = 6_000
NOTES = frozenset({"call", "post", "app"})
"""Channels whose text is a title and paragraphs."""

_EMPTY_LINES = re.compile(r"\n\s*\n")
_BEGINS, _LASTS = time(9), timedelta(days=14)


def begun(form: Form, now: datetime, zone: ZoneInfo) -> Brief:
    """A new brief: it may start tomorrow morning, and last two weeks."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    starts_at = datetime.combine(tomorrow, _BEGINS, zone)
    return Brief(
        name=_line(form, "name"),
        topic=topics.get(form.get("topic", "")).id,
        kind=_kind(form),
        starts_at=starts_at,
        ends_at=starts_at + _LASTS,
    )


def with_topic(brief: Brief, form: Form) -> Brief:
    topic = topics.get(form.get("topic", "")).id
    return attrs.evolve(brief, name=_line(form, "name"), topic=topic, kind=_kind(form))


def with_audience(brief: Brief, form: Form, attributes: Sequence[str]) -> Brief:
    """What is ticked of each of *attributes* (`is.language.lv`), and whether it must hold or must not."""
    return attrs.evolve(brief, criteria=tuple(_criteria(form, attributes)))


def with_channels(brief: Brief, form: Form) -> Brief:
    """The channels that were chosen, in their order; the words of the others stay, should they be chosen again."""
    chosen = [form.get(f"channel.{place}", "") for place in range(1, len(CHANNELS) + 1)]
    return attrs.evolve(brief, channels=tuple(dict.fromkeys(ChannelId(one) for one in chosen if one in CHANNELS)))


def with_letter(brief: Brief, form: Form, language: str) -> Brief:
    """The letter in *language*; an empty form takes it away."""
    said = written(form)
    return _said(brief, language, email=said if said != Words("", "", ()) else None)


def with_sms(brief: Brief, form: Form) -> Brief:
    """The SMS in every language."""
    for language in LANGUAGES:
        brief = _said(brief, language, sms=_text(form, f"sms.{language}") or None)
    return attrs.evolve(brief, fold_sms=bool(form.get("fold")))


def with_notes(brief: Brief, form: Form, channel: ChannelId) -> Brief:
    """Title and text of one of `NOTES` in every language."""
    for language in LANGUAGES:
        said = Source(_line(form, f"title.{language}"), _text(form, f"text.{language}"))
        brief = _said(brief, language, **{channel: said if said != Source("", "") else None})
    return brief


def with_schedule(brief: Brief, form: Form, zone: ZoneInfo) -> Brief:
    """When it may start and must end, by the clock on the reader's wall, and who is held out."""
    return attrs.evolve(
        brief,
        starts_at=_instant(form, "starts", zone),
        ends_at=_instant(form, "ends", zone),
        holdout=_whole(form.get("holdout", "")),
    )


def written(form: Form) -> Words:
    """A letter as its form says it; an empty line ends a paragraph."""
    label, link = _line(form, "button_label"), _line(form, "button_link")
    return Words(
        _line(form, "subject"),
        _line(form, "headline"),
        tuple(part for part in _EMPTY_LINES.split(_text(form, "paragraphs")) if part.strip()),
        Button(label, link) if label or link else None,
    )


def clock_fields(instant: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """Day and time of *instant* as `<input type="date">` and `"time"` hold them."""
    local = instant.astimezone(zone)
    return local.date().isoformat(), local.strftime("%H:%M")


def _criteria(form: Form, attributes: Sequence[str]) -> list[Condition]:
    found = []
    for attribute in attributes:
        start = f"is.{attribute}."
        values = tuple(sorted(name.removeprefix(start) for name, on in form.items() if name.startswith(start) and on))
        if values:
            found.append(Condition(attribute, values, form.get(f"not.{attribute}") == "1"))
    return found


def _kind(form: Form) -> Kind:
    return "smart" if form.get("kind") == "smart" else "plain"


def _said(brief: Brief, language: str, **changed: Any) -> Brief:
    texts = dict(brief.texts)
    texts[language] = attrs.evolve(texts.get(language, Texts()), **changed)
    return attrs.evolve(brief, texts=texts)


def _line(form: Form, name: str) -> str:
    return " ".join(form.get(name, "").split())


def _text(form: Form, name: str) -> str:
    """Browsers send line breaks as CR LF (HTML, §4.10.21.4)."""
    text = form.get(name, "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST_PARAGRAPHS:
        raise BadInput("the text is too long; shorten it and try again", code="bad-campaign")
    return text


def _instant(form: Form, name: str, zone: ZoneInfo) -> datetime:
    """An hour that the clocks skip is the one after it; of an hour that comes twice, the first."""
    try:
        day = date.fromisoformat(form.get(f"{name}_day", ""))
        at = time.fromisoformat(form.get(f"{name}_time", ""))
    except ValueError:
        raise BadInput("name a day and a time", code="bad-time") from None
    if at.tzinfo is not None or not 2000 <= day.year <= 2999:
        raise BadInput("name a day and a time", code="bad-time")
    return datetime.combine(day, at, zone)


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,3}", text.strip(), re.ASCII):
        raise BadInput("name a whole number of percent", code="bad-campaign")
    return int(text)
