"""What the forms of a survey say, as values of the survey; and a survey's values, as its forms show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from string import ascii_lowercase
from zoneinfo import ZoneInfo

import attrs

from placet.kernel.errors import BadInput
from placet.purposes.offers.surveys import rules
from placet.purposes.offers.surveys.model import Choice, Form, Kind, Plan, Question, QuestionId, Scale, ShowIf, Texts
from placet.purposes.offers.surveys.rules import CHANNELS, LANGUAGES

Fields = Mapping[str, str]

_LONGEST_NUMBER = 9
CONDITION = "if."


def texts(fields: Fields, name: str, longest: int) -> Texts:
    """What was written under *name* in each language; a line each."""
    return {language: " ".join(fields.get(f"{name}.{language}", "").split())[:longest] for language in LANGUAGES}


def begun(fields: Fields) -> Form:
    """The heading of a new survey; without one in any language there is none."""
    form = heading(fields, Form({}, {}))
    if not any(form.titles.values()):
        raise BadInput("a survey needs a heading in one language at least; nothing was kept", code="no-title")
    return form


def heading(fields: Fields, form: Form) -> Form:
    """*form* with the heading and introduction of the form."""
    intro = texts(fields, "intro", rules.LONGEST_INTRO)
    return attrs.evolve(form, titles=texts(fields, "title", rules.LONGEST_TITLE), intro=intro)


def heading_fields(form: Form) -> dict[str, str]:
    return _filled("title", form.titles) | _filled("intro", form.intro)


def plan(fields: Fields, zone: ZoneInfo) -> Plan:
    """Whom, how and until when; the day is the last on which answers are taken."""
    chosen = tuple(channel for channel in CHANNELS if f"channel.{channel}" in fields)
    return Plan(
        anonymous=fields.get("anonymous") == "yes",
        topic=fields.get("topic") or None,
        channels=chosen,
        most=_number(fields["most"]) if fields.get("most", "").strip() else None,
        closes_at=_end_of(fields["closes"], zone) if fields.get("closes") else None,
    )


def plan_fields(plan: Plan, zone: ZoneInfo) -> dict[str, str]:
    last = None if plan.closes_at is None else (plan.closes_at.astimezone(zone) - timedelta(seconds=1)).date()
    return {
        "anonymous": "yes" if plan.anonymous else "no",
        "topic": plan.topic or "",
        "most": "" if plan.most is None else str(plan.most),
        "closes": "" if last is None else last.isoformat(),
        **{f"channel.{channel}": "1" for channel in plan.channels},
    }


def question(fields: Fields, id: QuestionId, kind: Kind) -> Question:
    """A question as its form says it; what is missing is found when the survey is submitted."""
    return Question(
        id,
        kind,
        texts(fields, "words", rules.LONGEST_TITLE),
        choices=_choices(fields) if kind in (Kind.SINGLE, Kind.MULTIPLE) else (),
        scale=_scale(fields) if kind is Kind.SCALE else None,
        show_if=_condition(fields),
    )


def question_fields(question: Question) -> dict[str, str]:
    fields = _filled("words", question.titles)
    for language in LANGUAGES:
        fields[f"choices.{language}"] = "\n".join(choice.titles.get(language, "") for choice in question.choices)
    if question.scale is not None:
        fields |= {"low": str(question.scale.low), "high": str(question.scale.high)}
        fields |= _filled("low", question.scale.low_titles) | _filled("high", question.scale.high_titles)
    if question.show_if is not None:
        fields |= {f"{CONDITION}{question.show_if.question}.{value}": "1" for value in question.show_if.values}
    return fields


def earlier(form: Form, id: str) -> Sequence[Question]:
    """The questions that a condition of *id* can look back at: those before it that have answers to choose."""
    before = []
    for one in form.questions:
        if one.id == id:
            break
        if one.values:
            before.append(one)
    return before


def _filled(name: str, texts: Texts) -> dict[str, str]:
    return {f"{name}.{language}": texts.get(language, "") for language in LANGUAGES}


def _choices(fields: Fields) -> tuple[Choice, ...]:
    """One answer a line; the lines of the languages belong together in their order."""
    lines = [
        [" ".join(line.split())[: rules.LONGEST_TITLE] for line in fields.get(f"choices.{language}", "").splitlines()]
        for language in LANGUAGES
    ]
    together = [titles for titles in zip_longest(*lines, fillvalue="") if any(titles)]
    if len(together) > rules.MOST_CHOICES:
        raise BadInput(f"a question offers at most {rules.MOST_CHOICES} answers", code="too-many-choices")
    return tuple(
        Choice(id, dict(zip(LANGUAGES, titles, strict=True)))
        for id, titles in zip(ascii_lowercase, together, strict=False)
    )


def _scale(fields: Fields) -> Scale:
    low, high = _number(fields.get("low", "")), _number(fields.get("high", ""))
    if high - low > rules.MOST_CHOICES:
        raise BadInput("a scale has at most eleven steps", code="bad-number")
    return Scale(low, high, texts(fields, "low", rules.LONGEST_TITLE), texts(fields, "high", rules.LONGEST_TITLE))


def _condition(fields: Fields) -> ShowIf | None:
    """The answers that are ticked, of one earlier question."""
    ticked = [name.removeprefix(CONDITION).partition(".") for name in fields if name.startswith(CONDITION)]
    if not ticked:
        return None
    if len({question for question, _, _ in ticked}) > 1:
        raise BadInput("a condition looks back at one question; nothing was changed", code="two-conditions")
    return ShowIf(QuestionId(ticked[0][0]), frozenset(value for _, _, value in ticked))


def _number(text: str) -> int:
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        raise BadInput("a number was expected; nothing was changed", code="bad-number")
    return int(text)


def _end_of(text: str, zone: ZoneInfo) -> datetime:
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError):
        raise BadInput("a day was expected; nothing was changed", code="bad-time") from None
