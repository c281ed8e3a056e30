"""
When a campaign is paused by itself: as more of its mail comes back than mailbox providers put up with.

What they see of one campaign they hold against all our mail, receipts and codes included. So the worker looks every few
seconds, counts what has started since a person last let the campaign go on, and asks `rules.too_many`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
from psycopg import Connection

from placet.config import Config
from placet.delivery import reception
from placet.delivery.reception import Against
from placet.purposes.offers.campaigns import rules, store
from placet.purposes.offers.campaigns.model import CameBack, Campaign, CampaignId, Limits, TooMany
from placet.purposes.offers.campaigns.texts import EMAIL

EVERY = timedelta(seconds=10)
"""How long one look at a campaign is enough."""
_MOST_SEEN = 1_000


@attrs.frozen
class Braking:
    """Asked by one thread, the worker's. Two workers do no harm: a campaign that is paused is not asked about."""

    limits: Limits
    _seen: dict[CampaignId, tuple[datetime, Against]] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """The last look at each campaign that runs."""

    @classmethod
    def of(cls, config: Config) -> Braking:
        return cls(Limits(config.campaign_complaints, config.campaign_bounces, config.campaign_judged_from))

    def judge(self, connection: Connection, campaign: Campaign, *, now: datetime) -> TooMany | None:
        """Whether too much has come back of *campaign*, which runs; None also while the last look is enough."""
        at, seen = self._seen.get(campaign.id, (None, Against()))
        if EMAIL not in campaign.brief.channels or (at is not None and abs(now - at) < EVERY):
            return None
        keys, since = [campaign.key(EMAIL)], store.let_go_at(connection, campaign)
        found = reception.against(connection, keys, since=since)
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[campaign.id] = (now, found)
        # Unless something new has come back, what was enough to go on is enough still.
        if found == seen:
            return None
        sent = reception.tried(connection, keys, since=since)
        return rules.too_many(CameBack(found.complained, sent.taken, found.nobody, sent.ended), self.limits)
