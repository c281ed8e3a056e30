"""
Campaigns in the console: all of them, one with what can be done about it, how it runs and what came of it.

Every step names the version of the campaign that its author saw; what is decided is decided in
`purposes.offers.campaigns`, which writes a row that names who took it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.consents.shares import Release
from placet.delivery.wording import LANGUAGES
from placet.interfaces.console import campaign_figures, campaign_forms, campaign_trials, campaign_view, figures
from placet.interfaces.console.campaign_figures import Compared, compared
from placet.interfaces.console.campaign_office import (
    HERE,
    CampaignOffice,
    campaign_id,
    members_of,
    topic_names,
    version_of,
)
from placet.interfaces.console.campaign_view import WRITERS
from placet.interfaces.console.decisions import as_csv
from placet.interfaces.console.office import dated, download, release_for, see_other
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, Denied, NotFound, Unavailable
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns.model import Campaign, CampaignId, Results, State

_A_PAGE = 20

Step = Callable[[Connection, CampaignId], Campaign]
RECALLED = "recalled"
"""Why a campaign is a draft again that its own author took back."""
_OF_WRITERS = frozenset({"submit", "recall"})


@attrs.frozen
class Campaigning:
    """The pages `/console/campaigns`, `…/new`, `…/{campaign}`, and the data of its results."""

    ground: CampaignOffice

    def listing(self, visit: Visit, session: StaffSession) -> Response:
        query = visit.request.query_params
        chosen = next((state for state in State if state == query.get("state")), None)
        before = query.get("before")
        with self.ground.office.application.database.transaction() as connection:
            found = self.ground.campaigns.listing(
                connection, state=chosen, before=None if before is None else campaign_id(before), limit=_A_PAGE + 1
            )
            channel_names = self.ground.channel_names(connection, visit)
        same = urlencode({"state": chosen or ""})
        return self.ground.office.render(
            visit,
            session,
            "campaigns",
            campaigns=found[:_A_PAGE],
            chosen=chosen,
            writes=session.member.has(*WRITERS),
            topic_names=topic_names(visit.words.language),
            channel_names=channel_names,
            newest=f"?{same}" if before else None,
            older=f"?{same}&before={found[_A_PAGE - 1].id}" if len(found) > _A_PAGE else None,
        )

    def ask_new(self, visit: Visit, session: StaffSession) -> Response:
        return self._ask_new(visit, session)

    def begin(self, visit: Visit, session: StaffSession) -> Response:
        """A new draft; what it still lacks stands on its page."""
        try:
            brief = campaign_forms.begun(visit.form, visit.now, visit.words.zone)
        except BadInput as error:
            return self._ask_new(visit, session, code=error.code)
        with self.ground.office.application.database.transaction() as connection:
            made = self.ground.campaigns.create(connection, brief, by=str(session.member.id), now=visit.now)
        return see_other(f"{HERE}/{made.id}")

    def show(self, visit: Visit, session: StaffSession) -> Response:
        return self._show(visit, session)

    def act(self, visit: Visit, session: StaffSession) -> Response:
        """One step with the campaign, named by the form's button; the page says why where it cannot be taken."""
        id = campaign_id(visit.request.path_params["campaign"])
        step = self._step(visit, session, visit.form.get("step", ""))
        try:
            with self.ground.office.application.database.transaction() as connection:
                step(connection, id)
        except NotFound:
            raise
        except (BadInput, Denied) as error:
            return self._show(visit, session, code=error.code)
        return see_other(f"{HERE}/{id}")

    def try_out(self, visit: Visit, session: StaffSession) -> Response:
        """Send what was written to a colleague; what became of it is told on the page."""
        with self.ground.office.application.database.transaction() as connection:
            campaign = self.ground.read(connection, visit)
            controller = self.ground.office.application.catalogue(connection).controller
        try:
            told = campaign_trials.send(self.ground.office.application, campaign, controller, visit.form, visit.now)
        except (BadInput, Unavailable) as error:
            return self._show(visit, session, code=error.code)
        return see_other(f"{HERE}/{campaign.id}?{urlencode({'trial': told})}")

    def results(self, visit: Visit, session: StaffSession) -> Response:
        """The counts behind the page."""
        with self.ground.office.application.database.transaction() as connection:
            campaign = self.ground.read(connection, visit)
            found = self.ground.campaigns.results(connection, campaign.id)
        table = campaign_figures.table(found, release_for(session))
        return download(as_csv(table), name=dated("campaign", visit.now, "csv"), media_type="text/csv; charset=utf-8")

    def _ask_new(self, visit: Visit, session: StaffSession, *, code: str | None = None) -> Response:
        return self.ground.office.render(
            visit,
            session,
            "campaign_topic",
            status=200 if code is None else 400,
            campaign=None,
            code=code,
            form={"name": "", "topic": "", "kind": "plain", **visit.form},
            topic_names=topic_names(visit.words.language),
            back=HERE,
        )

    def _show(self, visit: Visit, session: StaffSession, *, code: str | None = None) -> Response:
        application, release = self.ground.office.application, release_for(session)
        with application.database.transaction() as connection:
            campaign = self.ground.read(connection, visit)
            is_draft = campaign.state is State.DRAFT
            problems = self.ground.campaigns.problems(connection, campaign.brief, now=visit.now) if is_draft else []
            changes = self.ground.campaigns.changes(connection, campaign.id)
            members = members_of(connection, changes)
            going = self.ground.campaigns.progress(connection, campaign.id)
            why = self.ground.campaigns.brake(connection, campaign.id) if campaign.is_braked else None
            # What came of it is not read again each moment: only how it goes.
            is_live = "live" in visit.request.query_params
            found = () if is_live else self.ground.campaigns.results(connection, campaign.id)
            channel_names = self.ground.channel_names(connection, visit)
        able = campaign_view.can(campaign, session, problems)
        return self.ground.office.render(
            visit,
            session,
            "campaign",
            status=200 if code is None else 400,
            campaign=campaign,
            code=code,
            trial=visit.request.query_params.get("trial"),
            can=able,
            parts=list(campaign_view.parts(campaign.brief, problems)),
            problems=problems,
            changes=campaign_view.folded(changes),
            members=members,
            braked=None if why is None else campaign_figures.braked(why, release),
            running=[campaign_figures.running(each, release) for each in going if each.total],
            outcomes=_outcomes(found, release),
            shown=campaign_figures,
            figures=figures,
            channel_names=channel_names,
            topic_names=topic_names(visit.words.language),
            tongues=LANGUAGES,
            trials=campaign_trials.choices(application, campaign) if able.try_out else [],
        )

    def _step(self, visit: Visit, session: StaffSession, step: str) -> Step:
        campaigns, form = self.ground.campaigns, visit.form
        said: Mapping[str, Any] = {"by": str(session.member.id), "now": visit.now}
        why = form.get("reason", "")
        steps: Mapping[str, Step] = {
            "submit": lambda connection, id: campaigns.submit(connection, id, version=version_of(form), **said),
            "recall": lambda connection, id: campaigns.send_back(
                connection, id, version=version_of(form), reason=RECALLED, **said
            ),
            "return": lambda connection, id: campaigns.send_back(
                connection, id, version=version_of(form), reason=why, **said
            ),
            "approve": lambda connection, id: campaigns.approve(connection, id, version=version_of(form), **said),
            "pause": lambda connection, id: campaigns.pause(connection, id, **said),
            "resume": lambda connection, id: campaigns.resume(connection, id, **said),
            "stop": lambda connection, id: campaigns.stop(connection, id, reason=why, **said),
        }
        if step not in steps:
            raise BadInput("the form names no step of a campaign; nothing was changed", code="bad-form")
        _demand_role(session, step)
        return steps[step]


def _demand_role(session: StaffSession, step: str) -> None:
    """The address is for whoever may do anything here; some steps are only for those who write."""
    if step in _OF_WRITERS and not session.member.has(*WRITERS):
        raise Denied("only a marketer does this; nothing was changed", code="role")


def _outcomes(found: Sequence[Results], release: Release) -> list[tuple[ChannelId, list[Compared]]]:
    """What came of each channel through which anything was sent."""
    return [
        (each.channel, compared(each, release)) for each in found if any(effect.sent.whole for effect in each.effects)
    ]
