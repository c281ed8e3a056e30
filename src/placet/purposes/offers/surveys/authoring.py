"""
From a draft to a survey that people are asked, and to its end. Every step is a row that names who took it.

No one person writes to customers: whoever submits a survey does not open it. What is open does not change any more, so
that all answers are to the same questions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import attrs
from psycopg import Connection

from placet.delivery import batches
from placet.kernel.errors import BadInput, Conflict, Denied
from placet.kernel.ids import StaffId
from placet.purposes.offers.surveys import answering, inviting, rules, store
from placet.purposes.offers.surveys.invitations import compiled
from placet.purposes.offers.surveys.model import Fault, Form, Plan, State, Step, Survey, SurveyId, What

LONGEST_REASON = 500


class Unfinished(BadInput):
    """The survey has faults and cannot be submitted."""

    code = "survey-faults"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("the survey is not finished; nothing was changed")
        self.faults = faults


def create(connection: Connection, form: Form, plan: Plan, *, by: StaffId, now: datetime) -> Survey:
    """A new draft."""
    survey = Survey(
        id=SurveyId(uuid4()), serial=0, form=form, plan=plan, state=State.DRAFT, created_by=by, created_at=now
    )
    store.add(connection, survey)
    store.add_step(connection, survey.id, Step(What.CREATED, by, now))
    return store.get(connection, survey.id)


def change_form(connection: Connection, id: SurveyId, change: Callable[[Form], Form]) -> Survey:
    """Let a draft ask something else."""
    survey = _in(connection, id, State.DRAFT)
    return _written(connection, attrs.evolve(survey, form=change(survey.form)))


def change_plan(connection: Connection, id: SurveyId, change: Callable[[Plan], Plan]) -> Survey:
    """Let a draft ask others, or otherwise."""
    survey = _in(connection, id, State.DRAFT)
    return _written(connection, attrs.evolve(survey, plan=change(survey.plan)))


def submit(connection: Connection, id: SurveyId, *, by: StaffId, now: datetime) -> Survey:
    """The draft is ready; what is missing raises `Unfinished`, a text that cannot be sent `BadInput`."""
    survey = _in(connection, id, State.DRAFT)
    _demand_ready(survey, now)
    return _step(connection, attrs.evolve(survey, state=State.SUBMITTED, submitted_by=by), What.SUBMITTED, by, now)


def give_back(connection: Connection, id: SurveyId, *, reason: str, by: StaffId, now: datetime) -> Survey:
    """A submitted survey is a draft again: a second person has found something, or the first has."""
    survey = _in(connection, id, State.SUBMITTED)
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise BadInput(f"say why, in 1 to {LONGEST_REASON} characters; nothing was changed", code="bad-reason")
    draft = attrs.evolve(survey, state=State.DRAFT, submitted_by=None)
    return _step(connection, draft, What.RETURNED, by, now, reason)


def open_survey(connection: Connection, id: SurveyId, *, by: StaffId, now: datetime) -> Survey:
    """A second person lets it go out; the worker chooses the people and plans their messages."""
    survey = _in(connection, id, State.SUBMITTED)
    if by == survey.submitted_by:
        raise Denied("nobody opens a survey that they submitted; ask somebody else", code="own-survey")
    _demand_ready(survey, now)
    return _step(connection, attrs.evolve(survey, state=State.OPEN, opened_at=now), What.OPENED, by, now)


def close(connection: Connection, id: SurveyId, *, by: StaffId, now: datetime) -> Survey:
    """No answer is taken any more; what was begun and not sent is deleted."""
    return _closed(connection, _in(connection, id, State.OPEN), by, now)


def close_in_time(connection: Connection, id: SurveyId, *, now: datetime) -> None:
    """Its day has come; somebody else may have closed it before."""
    survey = store.lock(connection, id)
    if survey.state is State.OPEN:
        _closed(connection, survey, None, now)


def _closed(connection: Connection, survey: Survey, by: StaffId | None, now: datetime) -> Survey:
    answering.gather(connection, survey)
    batches.end(connection, inviting.keys(survey), now=now)
    return _step(connection, attrs.evolve(survey, state=State.CLOSED, closed_at=now), What.CLOSED, by, now)


def _in(connection: Connection, id: SurveyId, state: State) -> Survey:
    """The survey, locked; it must be in *state*."""
    survey = store.lock(connection, id)
    if survey.state is not state:
        raise Conflict(f"this survey is {survey.state}; nothing was changed", code="survey-state")
    return survey


def _demand_ready(survey: Survey, now: datetime) -> None:
    if found := rules.faults(survey.form, survey.plan, now):
        raise Unfinished(found)
    compiled(survey)


def _written(connection: Connection, survey: Survey) -> Survey:
    store.write(connection, survey)
    return survey


def _step(
    connection: Connection, survey: Survey, what: What, by: StaffId | None, now: datetime, reason: str | None = None
) -> Survey:
    store.step(connection, survey, Step(what, by, now, reason))
    return survey
