"""The console as one ASGI application: its parts, wired, and the address of every page with the roles it is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs
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
from placet.interfaces.console.releasing import PUBLISHERS, Releasing
from placet.interfaces.console.releasing import READERS as MOBILITY_READERS
from placet.interfaces.console.running import Running
from placet.interfaces.console.samples import Samples
from placet.interfaces.console.survey_editing import SurveyEditing
from placet.interfaces.console.survey_results import READERS, SurveyResults
from placet.interfaces.console.surveying import OPENERS, Surveying
from placet.interfaces.console.surveying import WRITERS as SURVEYORS
from placet.interfaces.console.texts import Texts
from placet.interfaces.staff.door import Door, StaffPage, staff_shell
from placet.interfaces.web.shell import Shell
from placet.kernel import clock

_FORM = 64_000
"""What an upload's form may hold beside its files."""


def console(application: Application, replica: Replica, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The pages of the console over *application*; *replica* answers what must be quick."""
    shell = staff_shell(application, {"console": "placet.interfaces.console"}, now=now)
    addresses = _Addresses(shell, Door(application, shell))
    office = Office(application, replica, shell)
    return shell.site(
        [
            *_findings(addresses, office),
            *_catalogue(addresses, office),
            *_persons(addresses, office),
            *_surveys(addresses, office),
            *_campaigns(addresses, office),
            *_mobility(addresses, office),
        ]
    )


@attrs.frozen
class _Addresses:
    """Makes the routes: whoever lacks the roles of a page is met at its door."""

    shell: Shell
    door: Door

    def get(self, address: str, page: StaffPage, roles: tuple[Role, ...] = FIGURES) -> BaseRoute:
        return Route(address, self.shell.page(self.door.needs(*roles)(page)), methods=["GET"])

    def post(self, address: str, page: StaffPage, roles: tuple[Role, ...]) -> BaseRoute:
        return Route(address, self.shell.page(self.door.needs(*roles)(page)), methods=["POST"])


def _findings(at: _Addresses, office: Office) -> list[BaseRoute]:
    """What was said, how fast work stops, and how the ledger is."""
    decisions, running = Decisions(office), Running(office)
    return [
        at.get("/console", Overview(office).start),
        at.get("/console/decisions", decisions.answers),
        at.get("/console/decisions/{file}", decisions.data),
        at.get("/console/regret", decisions.regret),
        at.get("/console/stops", running.stops),
        at.get("/console/ledger", running.ledger),
        at.get("/console/components", Samples(office).page),
    ]


def _catalogue(at: _Addresses, office: Office) -> list[BaseRoute]:
    """The texts, in two hands, and the record of processing that follows from them."""
    texts, processing = Texts(office), Processing(office)
    upload = at.door.upload(texts.propose, *OFFICE, most_bytes=archive.MOST_BYTES + _FORM)
    return [
        at.get("/console/catalogue", texts.listing),
        at.get("/console/catalogue/compare", texts.compared),
        at.get("/console/catalogue/propose", texts.ask, OFFICE),
        Route("/console/catalogue/propose", upload, methods=["POST"]),
        at.get("/console/catalogue/drafts/{draft}", texts.draft),
        at.post("/console/catalogue/drafts/{draft}", texts.act, OFFICE),
        at.get("/console/catalogue/{name}.zip", texts.packed),
        at.get("/console/processing", processing.page),
        at.get("/console/processing.{ending}", processing.file),
    ]


def _persons(at: _Addresses, office: Office) -> list[BaseRoute]:
    """What concerns single people."""
    persons = Persons(office)
    return [
        at.get("/console/case-files", persons.ask, OFFICER),
        at.post("/console/case-files", persons.make, OFFICER),
        at.get("/console/reads", persons.reads, OFFICER),
    ]


def _surveys(at: _Addresses, office: Office) -> list[BaseRoute]:
    surveys, questions, told = Surveying(office), SurveyEditing(office), SurveyResults(office)
    return [
        at.get("/console/surveys", surveys.listing),
        at.get("/console/surveys/new", questions.ask_new, SURVEYORS),
        at.post("/console/surveys/new", questions.begin, SURVEYORS),
        at.get("/console/surveys/{survey}", surveys.show),
        at.post("/console/surveys/{survey}", surveys.act, OPENERS),
        at.get("/console/surveys/{survey}/heading", questions.heading, SURVEYORS),
        at.post("/console/surveys/{survey}/heading", questions.keep_heading, SURVEYORS),
        at.get("/console/surveys/{survey}/plan", questions.plan, SURVEYORS),
        at.post("/console/surveys/{survey}/plan", questions.keep_plan, SURVEYORS),
        at.get("/console/surveys/{survey}/questions/{question}", questions.question, SURVEYORS),
        at.post("/console/surveys/{survey}/questions/{question}", questions.keep_question, SURVEYORS),
        at.get("/console/surveys/{survey}/preview", questions.preview),
        at.get("/console/surveys/{survey}/results", told.page),
        at.get("/console/surveys/{survey}/results.csv", told.counts),
        at.get("/console/surveys/{survey}/results/{question}", told.texts, READERS),
        at.get("/console/surveys/{survey}/answers.csv", told.answers, READERS),
    ]


def _campaigns(at: _Addresses, office: Office) -> list[BaseRoute]:
    ground = CampaignOffice(office)
    campaigns, editing = Campaigning(ground), Editing(ground)
    return [
        at.get("/console/campaigns", campaigns.listing),
        at.get("/console/campaigns/new", campaigns.ask_new, WRITERS),
        at.post("/console/campaigns/new", campaigns.begin, WRITERS),
        at.get("/console/campaigns/{campaign}", campaigns.show),
        at.post("/console/campaigns/{campaign}", campaigns.act, APPROVERS),
        at.get("/console/campaigns/{campaign}/results.csv", campaigns.results),
        at.get("/console/campaigns/{campaign}/letters/{language}", editing.letter),
        at.post("/console/campaigns/{campaign}/trial", campaigns.try_out, WRITERS),
        at.get("/console/campaigns/{campaign}/{part}", editing.show),
        at.post("/console/campaigns/{campaign}/{part}", editing.change, WRITERS),
    ]


def _mobility(at: _Addresses, office: Office) -> list[BaseRoute]:
    releasing = Releasing(office)
    return [
        at.get("/console/mobility", releasing.listing, MOBILITY_READERS),
        at.get("/console/mobility/quality", releasing.quality, MOBILITY_READERS),
        at.get("/console/mobility/releases/{release}", releasing.show, MOBILITY_READERS),
        at.post("/console/mobility/releases/{release}", releasing.act, PUBLISHERS),
        at.get("/console/mobility/releases/{release}/files/{file}", releasing.file, MOBILITY_READERS),
    ]
