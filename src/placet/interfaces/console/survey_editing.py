"""A survey while it is a draft: its heading, its questions, its plan; and all of it as customers will read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.delivery.notes import Source
from placet.delivery.segments import prices
from placet.interfaces.console import survey_forms
from placet.interfaces.console.office import Office, see_other
from placet.interfaces.console.overview import names_of
from placet.interfaces.console.surveying import HERE, survey_id, topic_names
from placet.interfaces.web.languages import language_of
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ChannelId
from placet.purposes.offers import topics
from placet.purposes.offers.surveys import authoring, invitations, rules, store
from placet.purposes.offers.surveys.model import Form, Kind, Plan, QuestionId, Survey

NEW = "new"
_CODE = "k7dm-x2pa-9rtw-4hsn"
"""A printed address, as long as any."""
_MOVES: Mapping[str, int] = {"up": -1, "down": 1}


@attrs.frozen
class SurveyEditing:
    """The pages `/console/surveys/new` and below `/console/surveys/{survey}`."""

    office: Office

    def ask_new(self, visit: Visit, session: StaffSession) -> Response:
        return self._heading(visit, session, None)

    def begin(self, visit: Visit, session: StaffSession) -> Response:
        """A new draft; what it still lacks stands on its page."""
        try:
            form = survey_forms.begun(visit.form)
        except BadInput as error:
            return self._heading(visit, session, None, code=error.code)
        with self.office.application.database.transaction() as connection:
            survey = authoring.create(connection, form, Plan(), by=session.member.id, now=visit.now)
        return see_other(f"{HERE}/{survey.id}")

    def heading(self, visit: Visit, session: StaffSession) -> Response:
        return self._heading(visit, session, self._survey(visit))

    def keep_heading(self, visit: Visit, session: StaffSession) -> Response:
        return self._changed(
            visit,
            lambda connection, survey: authoring.change_form(
                connection, survey.id, lambda form: survey_forms.heading(visit.form, form)
            ),
            lambda survey, code: self._heading(visit, session, survey, code=code),
        )

    def plan(self, visit: Visit, session: StaffSession) -> Response:
        return self._plan(visit, session, self._survey(visit))

    def keep_plan(self, visit: Visit, session: StaffSession) -> Response:
        def change(connection: Connection, survey: Survey) -> Survey:
            plan = survey_forms.plan(visit.form, visit.words.zone)
            if plan.topic is not None:
                topics.get(plan.topic)
            return authoring.change_plan(connection, survey.id, lambda _before: plan)

        return self._changed(visit, change, lambda survey, code: self._plan(visit, session, survey, code=code))

    def question(self, visit: Visit, session: StaffSession) -> Response:
        survey = self._survey(visit)
        return self._question(visit, session, survey, *self._named(visit, survey))

    def keep_question(self, visit: Visit, session: StaffSession) -> Response:
        """Keep, move or take out a question."""
        survey = self._survey(visit)
        id, kind, _ = self._named(visit, survey)
        step = visit.form.get("step", "keep")

        def change(form: Form) -> Form:
            if step == "remove":
                return rules.without_question(form, id)
            if step in _MOVES:
                return rules.moved(form, id, by=_MOVES[step])
            return rules.with_question(form, survey_forms.question(visit.form, id, kind))

        return self._changed(
            visit,
            lambda connection, survey: authoring.change_form(connection, survey.id, change),
            lambda survey, code: self._question(visit, session, survey, id, kind, visit.form, code=code),
        )

    def preview(self, visit: Visit, session: StaffSession) -> Response:
        """Invitation and questions in one language, with the conditions in words, and what an SMS costs."""
        survey = self._survey(visit)
        language = language_of(visit.request.query_params.get("text")) or visit.words.language
        with self.office.application.database.transaction() as connection:
            brand = self.office.application.catalogue(connection).controller.brand
        is_whole = all(survey.form.titles.get(each) and survey.form.intro.get(each) for each in rules.LANGUAGES)
        short = invitations.short(survey, language, brand) if is_whole else ""
        sample = short.replace("{{ link }}", f"{self.office.application.config.url}/s/{'a' * 58}")
        return self.office.render(
            visit,
            session,
            "survey_preview",
            survey=survey,
            language=language,
            tongues=rules.LANGUAGES,
            letter=invitations.written(survey, language) if is_whole else None,
            sms=sample,
            notes=self._notes(survey, language) if is_whole else {},
            prices=prices(sample, cents_a_part=self.office.application.config.smpp_part_cents) if is_whole else None,
        )

    def _notes(self, survey: Survey, language: str) -> Mapping[ChannelId, Source]:
        """What the app, the letter and the agent say, of those that were chosen."""
        url, place = self.office.application.config.url, f"{{{{ {invitations.PRINTED} }}}}"
        sample = f"{url.partition('://')[2]}/q/{_CODE}"
        said = {channel: invitations.noted(survey, channel, language) for channel in invitations.NOTED}
        return {
            channel: attrs.evolve(note, text=note.text.replace(place, sample))
            for channel, note in said.items()
            if channel in survey.plan.channels
        }

    def _changed(
        self,
        visit: Visit,
        change: Callable[[Connection, Survey], Survey],
        again: Callable[[Survey, str], Response],
    ) -> Response:
        """Make *change*; where that cannot be, the form *again* with what was written, and why."""
        survey = self._survey(visit)
        try:
            with self.office.application.database.transaction() as connection:
                change(connection, survey)
        except NotFound:
            raise
        except BadInput as error:
            return again(survey, error.code)
        return see_other(f"{HERE}/{survey.id}")

    def _heading(
        self, visit: Visit, session: StaffSession, survey: Survey | None, *, code: str | None = None
    ) -> Response:
        kept = {} if survey is None else survey_forms.heading_fields(survey.form)
        return self._form(visit, session, "survey_heading", survey, kept, code)

    def _plan(self, visit: Visit, session: StaffSession, survey: Survey, *, code: str | None = None) -> Response:
        kept = survey_forms.plan_fields(survey.plan, visit.words.zone)
        reach = {
            channel: self.office.replica.count(f"offers/{channel}", self.office.replica.now())
            for channel in rules.CHANNELS
        }
        with self.office.application.database.transaction() as connection:
            channel_names = names_of(self.office.application.catalogue(connection), visit.words.language)
        return self._form(
            visit, session, "survey_plan", survey, kept, code, reach=reach, channel_names=channel_names,
            topic_names=topic_names(visit.words.language),
        )  # fmt: skip

    def _question(
        self,
        visit: Visit,
        session: StaffSession,
        survey: Survey,
        id: QuestionId,
        kind: Kind,
        kept: Mapping[str, str],
        *,
        code: str | None = None,
    ) -> Response:
        return self._form(
            visit, session, "survey_question", survey, kept, code, id=id, kind=kind,
            is_new=survey.form.question(id) is None, earlier=survey_forms.earlier(survey.form, id),
        )  # fmt: skip

    def _form(
        self,
        visit: Visit,
        session: StaffSession,
        template: str,
        survey: Survey | None,
        kept: Mapping[str, str],
        code: str | None,
        **values: object,
    ) -> Response:
        """A form with what was just written in it, or else with what is kept."""
        fields = dict(visit.form) if code is not None else dict(kept)
        return self.office.render(
            visit, session, template, status=200 if code is None else 400, survey=survey, fields=fields, code=code,
            tongues=rules.LANGUAGES, longest=rules, **values,
        )  # fmt: skip

    def _named(self, visit: Visit, survey: Survey) -> tuple[QuestionId, Kind, Mapping[str, str]]:
        """The question of the address, its kind, and what its form shows; `new` is one that is not there yet."""
        named = visit.request.path_params["question"]
        found = survey.form.question(named)
        if found is not None:
            return found.id, found.kind, survey_forms.question_fields(found)
        asked = visit.form.get("kind") or visit.request.query_params.get("kind")
        kind = next((kind for kind in Kind if kind == asked), Kind.SINGLE)
        if named != NEW:
            raise NotFound("there is no such question; nothing was changed", code="unknown-question")
        fields = {"low": "1", "high": "5"} if kind is Kind.SCALE else {}
        return rules.new_question_id(survey.form), kind, fields

    def _survey(self, visit: Visit) -> Survey:
        with self.office.application.database.transaction() as connection:
            return store.get(connection, survey_id(visit))
