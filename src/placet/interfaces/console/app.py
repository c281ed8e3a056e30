"""The console as one ASGI application: its parts, wired, and the address of every page with the roles it is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from placet.access.staff import Role
from placet.bootstrap import Application
from placet.catalogue import archive
from placet.gate.replica import Replica
from placet.interfaces.console.campaign_editing import Editing
from placet.interfaces.console.campaign_office import CampaignOffice
from placet.interfaces.console.campaign_view import APPROVERS, WRITERS
from placet.interfaces.console.campaigning import Campaigning
from placet.interfaces.console.decisions import Decisions
from placet.interfaces.console.office import FIGURES, OFFICE, OFFICER, Office
from placet.interfaces.console.overview import Overview
from placet.interfaces.console.persons import Persons
from placet.interfaces.console.processing import Processing
from placet.interfaces.console.running import Running
from placet.interfaces.console.samples import Samples
from placet.interfaces.console.survey_editing import SurveyEditing
from placet.interfaces.console.survey_results import READERS, SurveyResults
from placet.interfaces.console.surveying import OPENERS, Surveying
from placet.interfaces.console.surveying import WRITERS as SURVEYORS
from placet.interfaces.console.texts import Texts
from placet.interfaces.staff.door import Door, StaffPage, staff_shell
from placet.kernel import clock

_FORM = 64_000
"""What an upload's form may hold beside its files."""


def console(application: Application, replica: Replica, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The pages of the console over *application*; *replica* answers what must be quick."""
    shell = staff_shell(application, {"console": "placet.interfaces.console"}, now=now)
    door = Door(application, shell)
    office = Office(application, replica, shell)
    decisions, running, texts = Decisions(office), Running(office), Texts(office)
    processing, persons = Processing(office), Persons(office)
    surveys, questions, told = Surveying(office), SurveyEditing(office), SurveyResults(office)
    campaigns, editing = Campaigning(CampaignOffice(office)), Editing(CampaignOffice(office))

    def get(address: str, page: StaffPage, roles: tuple[Role, ...] = FIGURES) -> BaseRoute:
        return Route(address, shell.page(door.needs(*roles)(page)), methods=["GET"])

    def post(address: str, page: StaffPage, roles: tuple[Role, ...]) -> BaseRoute:
        return Route(address, shell.page(door.needs(*roles)(page)), methods=["POST"])

    upload = door.upload(texts.propose, *OFFICE, most_bytes=archive.MOST_BYTES + _FORM)
    return shell.site(
        [
            get("/console", Overview(office).start),
            get("/console/decisions", decisions.answers),
            get("/console/decisions/{file}", decisions.data),
            get("/console/regret", decisions.regret),
            get("/console/stops", running.stops),
            get("/console/ledger", running.ledger),
            get("/console/catalogue", texts.listing),
            get("/console/catalogue/compare", texts.compared),
            get("/console/catalogue/propose", texts.ask, OFFICE),
            Route("/console/catalogue/propose", upload, methods=["POST"]),
            get("/console/catalogue/drafts/{draft}", texts.draft),
            post("/console/catalogue/drafts/{draft}", texts.act, OFFICE),
            get("/console/catalogue/{name}.zip", texts.packed),
            get("/console/processing", processing.page),
            get("/console/processing.{ending}", processing.file),
            get("/console/case-files", persons.ask, OFFICER),
            post("/console/case-files", persons.make, OFFICER),
            get("/console/reads", persons.reads, OFFICER),
            get("/console/components", Samples(office).page),
            get("/console/surveys", surveys.listing),
            get("/console/surveys/new", questions.ask_new, SURVEYORS),
            post("/console/surveys/new", questions.begin, SURVEYORS),
            get("/console/surveys/{survey}", surveys.show),
            post("/console/surveys/{survey}", surveys.act, OPENERS),
            get("/console/surveys/{survey}/heading", questions.heading, SURVEYORS),
            post("/console/surveys/{survey}/heading", questions.keep_heading, SURVEYORS),
            get("/console/surveys/{survey}/plan", questions.plan, SURVEYORS),
            post("/console/surveys/{survey}/plan", questions.keep_plan, SURVEYORS),
            get("/console/surveys/{survey}/questions/{question}", questions.question, SURVEYORS),
            post("/console/surveys/{survey}/questions/{question}", questions.keep_question, SURVEYORS),
            get("/console/surveys/{survey}/preview", questions.preview),
            get("/console/surveys/{survey}/results", told.page),
            get("/console/surveys/{survey}/results.csv", told.counts),
            get("/console/surveys/{survey}/results/{question}", told.texts, READERS),
            get("/console/surveys/{survey}/answers.csv", told.answers, READERS),
            get("/console/campaigns", campaigns.listing),
            get("/console/campaigns/new", campaigns.ask_new, WRITERS),
            post("/console/campaigns/new", campaigns.begin, WRITERS),
            get("/console/campaigns/{campaign}", campaigns.show),
            post("/console/campaigns/{campaign}", campaigns.act, APPROVERS),
            get("/console/campaigns/{campaign}/results.csv", campaigns.results),
            get("/console/campaigns/{campaign}/letters/{language}", editing.letter),
            post("/console/campaigns/{campaign}/trial", campaigns.try_out, WRITERS),
            get("/console/campaigns/{campaign}/{part}", editing.show),
            post("/console/campaigns/{campaign}/{part}", editing.change, WRITERS),
        ]
    )
