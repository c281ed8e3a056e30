"""What every page of campaigns stands on: the campaign that an address names, and the names of things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from psycopg import Connection

from placet.access import staff
from placet.interfaces.console.office import Office
from placet.interfaces.console.overview import names_of
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ChannelId, StaffId, parse_uuid
from placet.purposes.offers import topics
from placet.purposes.offers.campaigns.actions import Campaigns
from placet.purposes.offers.campaigns.model import CHANNELS, Campaign, CampaignId, Change

HERE = "/console/campaigns"


@attrs.frozen
class CampaignOffice:
    """The console's office, and the campaigns."""

    office: Office

    @property
    def campaigns(self) -> Campaigns:
        return self.office.application.offers.campaigns

    def read(self, connection: Connection, visit: Visit) -> Campaign:
        """The campaign of the address; `NotFound` if there is none."""
        return self.campaigns.get(connection, campaign_id(visit.request.path_params["campaign"]))

    def channel_names(self, connection: Connection, visit: Visit) -> Mapping[ChannelId, str]:
        """The channels that campaigns may use, as the catalogue calls them."""
        catalogue = self.office.application.catalogue(connection)
        names = names_of(catalogue, visit.words.language)
        return {id: names[f"channel.{id}"] for id in CHANNELS if id in catalogue.channels}


def campaign_id(text: str) -> CampaignId:
    try:
        return CampaignId(parse_uuid(text, what="a campaign"))
    except BadInput:
        raise NotFound("there is no such campaign", code="unknown-campaign") from None


def version_of(form: Mapping[str, str]) -> int:
    """The version that the author of a form saw."""
    text = form.get("version", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadInput("the form does not say which version it stood under; open the page again", code="bad-form")
    return int(text)


def topic_names(language: str) -> Mapping[str, str]:
    return {topic.id: topic.titles[language] for topic in topics.all()}


def members_of(connection: Connection, changes: Sequence[Change]) -> Mapping[str, str]:
    """Who of the staff made *changes*, by the id that stands in them; who is no member has their own word."""
    found = {}
    for who in {change.by for change in changes}:
        try:
            found[who] = staff.get(connection, StaffId(parse_uuid(who, what="a member"))).name
        except BadInput:
            continue
    return found
