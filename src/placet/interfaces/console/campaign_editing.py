"""
The builder of a campaign, step by step, as plain forms: each page changes its part of the brief and knows no other.

`keep` writes it down; `look` shows what it would give and keeps nothing, which is also what the page asks while
somebody writes. Whoever may not edit, and everybody once a campaign was submitted, reads the same pages.
"""

from __future__ import annotations

import attrs
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.delivery.wording import LANGUAGES
from placet.interfaces.console import campaign_previews, campaign_view, figures
from placet.interfaces.console.campaign_office import HERE, CampaignOffice, version_of
from placet.interfaces.console.campaign_pages import PAGES, Asked, Page
from placet.interfaces.console.office import see_other
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, NotFound
from placet.purposes.offers.campaigns.model import Texts


@attrs.frozen
class Editing:
    """The pages `/console/campaigns/{campaign}/{part}`, and the letters that they frame."""

    ground: CampaignOffice

    def show(self, visit: Visit, session: StaffSession) -> Response:
        return self._show(visit, session, _page(visit))

    def change(self, visit: Visit, session: StaffSession) -> Response:
        """`keep` what the form says, or `look` at what it would give."""
        page = _page(visit)
        if visit.form.get("step") == "look":
            return self._show(visit, session, page)
        try:
            with self.ground.office.application.database.transaction() as connection:
                campaign = self.ground.read(connection, visit)
                brief = page.changed(Asked(self.ground, connection, visit, session, campaign, campaign.brief))
                self.ground.campaigns.edit(
                    connection,
                    campaign.id,
                    brief,
                    version=version_of(visit.form),
                    by=str(session.member.id),
                    now=visit.now,
                )
        except NotFound:
            raise
        except BadInput as error:
            return self._show(visit, session, page, code=error.code)
        here = visit.request.url.path
        if not page.stays:
            return see_other(f"{HERE}/{campaign.id}")
        language = visit.request.query_params.get("text")
        return see_other(f"{here}?kept=1{f'&text={language}' if language in LANGUAGES else ''}")

    def letter(self, visit: Visit, session: StaffSession) -> Response:  # noqa: ARG002 - every role may
        """A letter by itself, for the frames of its page."""
        language = visit.request.path_params["language"]
        with self.ground.office.application.database.transaction() as connection:
            campaign = self.ground.read(connection, visit)
            controller = self.ground.office.application.catalogue(connection).controller
        words = campaign.brief.texts.get(language, Texts()).email
        if words is None or language not in LANGUAGES:
            raise NotFound("there is no letter in this language yet", code="not-found")
        return campaign_previews.framed(campaign_previews.letter(words, language, controller).page)

    def _show(self, visit: Visit, session: StaffSession, page: Page, *, code: str | None = None) -> Response:
        """The page over the brief; over what a form would make of it, where one was posted: nothing written is lost."""
        with self.ground.office.application.database.transaction() as connection:
            campaign = self.ground.read(connection, visit)
            asked = _with_form(Asked(self.ground, connection, visit, session, campaign, campaign.brief), page)
            fields = page.shown(asked)
            channel_names = self.ground.channel_names(connection, visit)
        response = self.ground.office.render(
            visit,
            session,
            page.template,
            status=200 if code is None else 400,
            **{
                "campaign": attrs.evolve(campaign, brief=asked.brief),
                "editable": campaign_view.can(campaign, session, ()).edit,
                "code": code,
                "saved": "kept" in visit.request.query_params and not visit.form,
                "channel_names": channel_names,
                "tongues": LANGUAGES,
                "places": campaign_previews.PLACE,
                "figures": figures,
                **fields,
            },
        )
        response.headers["content-security-policy"] = campaign_previews.FRAMING
        return response


def _page(visit: Visit) -> Page:
    if (page := PAGES.get(visit.request.path_params["part"])) is None:
        raise NotFound("a campaign has no such part", code="not-found")
    return page


def _with_form(asked: Asked, page: Page) -> Asked:
    """The brief as the form that was posted would make it, as far as it can be read."""
    if not asked.visit.form:
        return asked
    try:
        return attrs.evolve(asked, brief=page.changed(asked))
    except BadInput:
        return asked
