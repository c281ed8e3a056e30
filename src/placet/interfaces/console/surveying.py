"""
Surveys in the console: all of them, and one with what can be done about it and what was done.

What is decided is decided in `purposes.offers.surveys.authoring`, which writes a row that names who took each step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import staff
from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.interfaces.console import figures
from placet.interfaces.console.office import Office, release_for, see_other
from placet.interfaces.console.overview import names_of
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.kernel.ids import StaffId, parse_uuid
from placet.purposes.offers import topics
from placet.purposes.offers.surveys import authoring, rules, store
from placet.purposes.offers.surveys.model import Fault, State, Step, Survey, SurveyId

HERE = "/console/surveys"
WRITERS = (Role.MARKETER, Role.ANALYST)
"""Who writes surveys, and closes them."""
OPENERS = (Role.MARKETER, Role.ANALYST, Role.DPO)
"""Who lets one go out, as the second person, or sends it back."""
_A_PAGE = 20

Act = Callable[[Connection, SurveyId], Survey]


@attrs.frozen
class Can:
    """What whoever looks may do with the survey as it stands."""

    edit: bool
    submit: bool
    open: bool
    give_back: bool
    close: bool

    @classmethod
    def of(cls, survey: Survey, session: StaffSession, faults: Sequence[Fault]) -> Can:
        writes, opens = session.member.has(*WRITERS), session.member.has(*OPENERS)
        is_draft, waits = survey.state is State.DRAFT, survey.state is State.SUBMITTED
        return cls(
            edit=writes and is_draft,
            submit=writes and is_draft and not faults,
            open=opens and waits and survey.submitted_by != session.member.id,
            give_back=opens and waits,
            close=writes and survey.state is State.OPEN,
        )


@attrs.frozen
class Surveying:
    """The pages `/console/surveys` and `/console/surveys/{survey}`."""

    office: Office

    def listing(self, visit: Visit, session: StaffSession) -> Response:
        query = visit.request.query_params
        chosen = next((state for state in State if state == query.get("state")), None)
        after = query.get("after")
        with self.office.application.database.transaction() as connection:
            found = store.newest(
                connection, state=chosen, after=None if after is None else _id(after), limit=_A_PAGE + 1
            )
        same = urlencode({"state": chosen or ""})
        return self.office.render(
            visit,
            session,
            "surveys",
            surveys=found[:_A_PAGE],
            chosen=chosen,
            writes=session.member.has(*WRITERS),
            newest=f"?{same}" if after else None,
            older=f"?{same}&after={found[_A_PAGE - 1].id}" if len(found) > _A_PAGE else None,
        )

    def show(self, visit: Visit, session: StaffSession) -> Response:
        return self._show(visit, session)

    def act(self, visit: Visit, session: StaffSession) -> Response:
        """One step with the survey, named by the form's button; the page says why where it cannot be taken."""
        act = self._step(visit, session)
        try:
            with self.office.application.database.transaction() as connection:
                act(connection, survey_id(visit))
        except NotFound:
            raise
        except (BadInput, Denied) as error:
            return self._show(visit, session, code=error.code)
        return see_other(f"{HERE}/{survey_id(visit)}")

    def _step(self, visit: Visit, session: StaffSession) -> Act:
        by, now, reason = session.member.id, visit.now, visit.form.get("reason", "")
        steps: Mapping[str, tuple[Sequence[Role], Act]] = {
            "submit": (WRITERS, lambda connection, id: authoring.submit(connection, id, by=by, now=now)),
            "open": (OPENERS, lambda connection, id: authoring.open_survey(connection, id, by=by, now=now)),
            "return": (
                OPENERS,
                lambda connection, id: authoring.give_back(connection, id, reason=reason, by=by, now=now),
            ),
            "close": (WRITERS, lambda connection, id: authoring.close(connection, id, by=by, now=now)),
        }
        roles, act = steps.get(visit.form.get("step", ""), ((), None))
        if act is None:
            raise BadInput("the form names no step of a survey; nothing was changed", code="bad-form")
        if not session.member.has(*roles):
            raise Denied("none of your roles takes this step; ask a colleague", code="role")
        return act

    def _show(self, visit: Visit, session: StaffSession, *, code: str | None = None) -> Response:
        application = self.office.application
        with application.database.transaction() as connection:
            survey = store.get(connection, survey_id(visit))
            steps = store.steps(connection, survey.id)
            members = _members(connection, steps)
            counts = application.offers.surveys.inviting.counts(connection, survey)
            channel_names = names_of(application.catalogue(connection), visit.words.language)
        faults = rules.faults(survey.form, survey.plan, visit.now) if survey.state is State.DRAFT else ()
        return self.office.render(
            visit,
            session,
            "survey",
            status=200 if code is None else 400,
            survey=survey,
            code=code,
            can=Can.of(survey, session, faults),
            is_own=survey.submitted_by == session.member.id,
            faults=faults,
            steps=steps,
            members=members,
            counts=counts,
            channel_names=channel_names,
            figures=figures,
            release=release_for(session),
            topic_names=topic_names(visit.words.language),
            longest=authoring.LONGEST_REASON,
        )


def survey_id(visit: Visit) -> SurveyId:
    """The survey of the address."""
    return _id(visit.request.path_params["survey"])


def topic_names(language: str) -> Mapping[str, str]:
    return {topic.id: topic.titles[language] for topic in topics.all()}


def _id(text: str) -> SurveyId:
    try:
        return SurveyId(parse_uuid(text, what="a survey"))
    except BadInput:
        raise NotFound("there is no such survey", code="unknown-survey") from None


def _members(connection: Connection, steps: Sequence[Step]) -> Mapping[StaffId, str]:
    """The names of who took the steps."""
    found = {}
    for who in {step.by for step in steps if step.by is not None}:
        try:
            found[who] = staff.get(connection, who).name
        except NotFound:
            continue
    return found
