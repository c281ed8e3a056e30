"""
What a survey must be before people see it, which question comes next, and what is an answer. Pure.

A survey may be submitted when

1. its heading, its introduction and at least one question are there in all languages;
2. a question offers at least two different answers, or a scale of sensible length;
3. a condition looks back at an earlier question, and at answers that this one offers: so there is no loop;
4. there is a channel to ask through, and a day on which it ends, not more than half a year ahead;
5. nobody calls about anonymous answers: whoever writes them down would know whose they are.

Nobody must answer anything: each question can be passed over. Which questions are asked follows from the answers so
far; what was answered to a question that is no longer asked is dropped when the answers are sent.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import attrs

from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId
from placet.purposes.offers.surveys.model import (
    Answers,
    Fault,
    Form,
    Kind,
    Plan,
    Question,
    QuestionId,
    ShowIf,
    Texts,
    Value,
)

LANGUAGES = ("lv", "ru", "en")
EMAIL, APP, SMS, POST, CALL = CHANNELS = tuple(
    ChannelId(channel) for channel in ("email", "app", "sms", "post", "call")
)
"""Through which people are asked, in the order in which they are tried: what costs least comes first."""
MOST_QUESTIONS = 40
MOST_CHOICES = 20
LONGEST_TITLE = 300
LONGEST_INTRO = 1_000
LONGEST_ANSWER = 2_000
LONGEST_RUN = timedelta(days=183)
_SCALE = range(3, 12)
"""How many steps a scale may have."""


def faults(form: Form, plan: Plan, now: datetime) -> tuple[Fault, ...]:
    """Why the survey cannot be submitted at *now*; nothing when it can."""
    found = [
        *_incomplete("title", form.titles, None),
        *_incomplete("intro", form.intro, None),
        *_faults_of_plan(plan, now),
    ]
    if not form.questions:
        found.append(Fault("no-questions"))
    earlier: dict[QuestionId, Question] = {}
    for question in form.questions:
        found += _faults_of(question, earlier)
        earlier[question.id] = question
    return tuple(found)


def path(form: Form, answers: Answers) -> tuple[Question, ...]:
    """The questions that are asked, as far as *answers* tell; in their order."""
    asked: dict[QuestionId, Question] = {}
    for question in form.questions:
        if question.show_if is None or _met(question.show_if, answers, asked):
            asked[question.id] = question
    return tuple(asked.values())


def next_of(form: Form, answers: Answers) -> Question | None:
    """The first question that is asked and was neither answered nor passed over; None when there is none."""
    return next((question for question in path(form, answers) if not answers.has(question.id)), None)


def before(form: Form, answers: Answers, id: QuestionId) -> Question | None:
    """The question that is asked before *id*; None for the first."""
    return next((one for one, two in pairwise(path(form, answers)) if two.id == id), None)


def answered(answers: Answers, question: Question, values: tuple[Value, ...], text: str) -> Answers:
    """
    *answers* with what was said to *question*: *values* that were ticked, or a *text*; neither passes it over.

    Raises `BadInput` for what the question does not offer.
    """
    chosen = {id: said for id, said in answers.chosen.items() if id != question.id}
    written = {id: said for id, said in answers.written.items() if id != question.id}
    if question.kind is Kind.TEXT and (said := written_text(text)):
        return Answers(chosen, {**written, question.id: said})
    return Answers({**chosen, question.id: _chosen(question, values)}, written)


def passed(answers: Answers, question: Question) -> Answers:
    """*answers* with *question* passed over."""
    return answered(answers, question, (), "")


def settled(form: Form, answers: Answers) -> Answers:
    """What is kept when the answers are sent: those to the questions that are asked, given that."""
    asked = {question.id for question in path(form, answers)}
    return Answers(
        {id: said for id, said in answers.chosen.items() if id in asked},
        {id: said for id, said in answers.written.items() if id in asked},
    )


def written_text(text: str) -> str:
    """A free text as it is kept: in NFC, lines kept, other control characters gone, not too long."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
    clean = "\n".join("".join(sign for sign in line if unicodedata.category(sign)[0] != "C") for line in lines).strip()
    if len(clean) > LONGEST_ANSWER:
        raise BadInput(f"a text has at most {LONGEST_ANSWER} letters; nothing was saved", code="answer-too-long")
    return clean


# Editing a draft


def with_question(form: Form, question: Question) -> Form:
    """*form* with *question* in the place of the one with its id, or at the end."""
    if form.question(question.id) is None:
        if len(form.questions) >= MOST_QUESTIONS:
            raise BadInput(
                f"a survey has at most {MOST_QUESTIONS} questions; nothing was changed", code="too-many-questions"
            )
        return attrs.evolve(form, questions=(*form.questions, question))
    kept = tuple(question if one.id == question.id else one for one in form.questions)
    return attrs.evolve(form, questions=kept)


def without_question(form: Form, id: str) -> Form:
    """*form* without a question; those that were asked depending on it are asked of everybody."""
    kept = (question for question in form.questions if question.id != id)
    freed = (
        attrs.evolve(one, show_if=None) if one.show_if is not None and one.show_if.question == id else one
        for one in kept
    )
    return attrs.evolve(form, questions=tuple(freed))


def moved(form: Form, id: str, *, by: int) -> Form:
    """*form* with a question some places further down (or up, if negative), as far as there are places."""
    questions = list(form.questions)
    at = next((place for place, question in enumerate(questions) if question.id == id), None)
    if at is None:
        return form
    questions.insert(max(0, at + by), questions.pop(at))
    return attrs.evolve(form, questions=tuple(questions))


def new_question_id(form: Form) -> QuestionId:
    """One that no question of *form* has."""
    return QuestionId(f"q{max((int(question.id[1:]) for question in form.questions), default=0) + 1}")


# Inside


def _incomplete(code: str, texts: Texts, question: QuestionId | None) -> Iterator[Fault]:
    """Rule 1."""
    for language in LANGUAGES:
        if not texts.get(language, "").strip():
            yield Fault(f"no-{code}", question, language)


def _faults_of(question: Question, earlier: Mapping[QuestionId, Question]) -> Iterator[Fault]:
    yield from _incomplete("words", question.titles, question.id)
    # Rule 2.
    match question.kind:
        case Kind.SINGLE | Kind.MULTIPLE:
            yield from _faults_of_choices(question)
        case Kind.SCALE:
            scale = question.scale
            if scale is None or len(scale.values) not in _SCALE:
                yield Fault("bad-scale", question.id)
            else:
                yield from _incomplete("ends", scale.low_titles, question.id)
                yield from _incomplete("ends", scale.high_titles, question.id)
        case Kind.TEXT:
            pass
    # Rule 3.
    if question.show_if is not None:
        looked_at = earlier.get(question.show_if.question)
        if looked_at is None or not question.show_if.values or not question.show_if.values <= set(looked_at.values):
            yield Fault("bad-condition", question.id)


def _faults_of_choices(question: Question) -> Iterator[Fault]:
    if not 2 <= len(question.choices) <= MOST_CHOICES:
        yield Fault("bad-choices", question.id)
    for language in LANGUAGES:
        titles = [choice.titles.get(language, "").strip() for choice in question.choices]
        if not all(titles):
            yield Fault("no-choices", question.id, language)
        elif len(set(titles)) < len(titles):
            yield Fault("same-choices", question.id, language)


def _faults_of_plan(plan: Plan, now: datetime) -> Iterator[Fault]:
    """Rule 4."""
    if not plan.channels or not set(plan.channels) <= set(CHANNELS):
        yield Fault("no-channel")
    # Rule 5.
    if plan.anonymous and CALL in plan.channels:
        yield Fault("anonymous-call")
    if plan.closes_at is None or not now < plan.closes_at <= now + LONGEST_RUN:
        yield Fault("no-end")
    if plan.most is not None and plan.most < 1:
        yield Fault("bad-most")


def _met(condition: ShowIf, answers: Answers, asked: Mapping[QuestionId, Question]) -> bool:
    """What was answered to a question that is not asked any more meets no condition."""
    return condition.question in asked and not condition.values.isdisjoint(answers.chosen.get(condition.question, ()))


def _chosen(question: Question, values: tuple[Value, ...]) -> tuple[Value, ...]:
    unknown = set(values) - set(question.values)
    if unknown or (question.kind is not Kind.MULTIPLE and len(values) > 1):
        raise BadInput("this question does not offer that answer; nothing was saved", code="bad-answer")
    return tuple(value for value in question.values if value in values)
