"""Surveys, their questions and what people answer: frozen values. Texts are by language (`lv`, `ru`, `en`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import attrs

from placet.kernel.ids import ChannelId, StaffId
from placet.kernel.periods import MICROSECOND

SurveyId = NewType("SurveyId", UUID)
QuestionId = NewType("QuestionId", str)
"""`q1`, `q2` …: given once within a survey, so that a condition still means what it meant when questions move."""

Value = str
"""What can be chosen: the id of a choice (`a`, `b` …), or a step of a scale in digits."""
Texts = Mapping[str, str]


class Kind(StrEnum):
    """How a question is answered."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    SCALE = "scale"
    TEXT = "text"


@attrs.frozen
class Choice:
    """One answer that is offered."""

    id: Value
    titles: Texts


@attrs.frozen
class Scale:
    """Whole numbers from *low* to *high*, and what the two ends mean."""

    low: int
    high: int
    low_titles: Texts
    high_titles: Texts

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(str(step) for step in range(self.low, self.high + 1))


@attrs.frozen
class ShowIf:
    """The question is asked when one of *values* was chosen at an earlier one."""

    question: QuestionId
    values: frozenset[Value]


@attrs.frozen
class Question:
    """One question. *choices* are of `single` and `multiple`, *scale* is of `scale`; each may be skipped."""

    id: QuestionId
    kind: Kind
    titles: Texts
    choices: tuple[Choice, ...] = ()
    scale: Scale | None = None
    show_if: ShowIf | None = None

    @property
    def values(self) -> tuple[Value, ...]:
        """What can be chosen, in its order; nothing of a question for free text."""
        return self.scale.values if self.scale is not None else tuple(choice.id for choice in self.choices)

    def title_of(self, value: Value, language: str) -> str:
        """What a reader calls *value*: the words of a choice, the step of a scale."""
        return next((choice.titles[language] for choice in self.choices if choice.id == value), value)


@attrs.frozen
class Form:
    """What people see: the heading, why they are asked, the questions in their order."""

    titles: Texts
    intro: Texts
    questions: tuple[Question, ...] = ()

    def question(self, id: str) -> Question | None:
        return next((question for question in self.questions if question.id == id), None)


@attrs.frozen(kw_only=True)
class Plan:
    """Who is asked, how and until when. *most*: no more people than that, drawn by lot; None: all who may be."""

    anonymous: bool = False
    """No answer can be told to be anybody's; otherwise answers stand with the person, who is told so beforehand."""
    topic: str | None = None
    channels: tuple[ChannelId, ...] = ()
    """In this order: each person is asked once, through the first that is open for them."""
    most: int | None = None
    closes_at: datetime | None = None

    @property
    def last(self) -> datetime | None:
        """The last instant at which answers are taken; its day is the one that people are told."""
        return None if self.closes_at is None else self.closes_at - MICROSECOND


class State(StrEnum):
    """Where a survey is. Only a draft can be changed; whoever submitted it does not open it."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    OPEN = "open"
    CLOSED = "closed"


class What(StrEnum):
    """A step in the life of a survey."""

    CREATED = "created"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    OPENED = "opened"
    CLOSED = "closed"


@attrs.frozen
class Step:
    """Something that was done with a survey; *by* is None for the worker, which closes it in time."""

    what: What
    by: StaffId | None
    at: datetime
    reason: str | None = None


@attrs.frozen(kw_only=True)
class Survey:
    """A survey as it stands. *serial* names it in links."""

    id: SurveyId
    serial: int
    form: Form
    plan: Plan
    state: State
    created_by: StaffId
    created_at: datetime
    submitted_by: StaffId | None = None
    opened_at: datetime | None = None
    invited_at: datetime | None = None
    """When the people who are asked were chosen, and their messages planned."""
    closed_at: datetime | None = None

    @property
    def title(self) -> str:
        """For lists of staff: the first heading there is."""
        return next((text for text in self.form.titles.values() if text), "")

    def is_over(self, now: datetime) -> bool:
        """Whether no answer is taken at *now*."""
        return self.state is not State.OPEN or (self.plan.closes_at is not None and now >= self.plan.closes_at)


@attrs.frozen
class Answers:
    """
    What one person has answered so far. A question that was passed over has an empty answer in *chosen*; one that
    was not reached is in neither.
    """

    chosen: Mapping[QuestionId, tuple[Value, ...]] = attrs.field(factory=dict)
    written: Mapping[QuestionId, str] = attrs.field(factory=dict, repr=False)

    def has(self, question: QuestionId) -> bool:
        return question in self.chosen or question in self.written


@attrs.frozen
class Fault:
    """Why a survey cannot be submitted: what is wrong (a stable word), and with which question, in which language."""

    code: str
    question: QuestionId | None = None
    language: str | None = None
