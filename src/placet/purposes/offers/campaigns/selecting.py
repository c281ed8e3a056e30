"""
Whom a campaign is for: the criteria as sets of numbers, then the gate, then the holdout.

Counting names nobody and keeps nothing (`gate.tallies`). Selecting draws an audience for each channel, frozen and
hashed: exactly those who meet the criteria, are not reached by an earlier channel, and whom the gate allows.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet import facts
from placet.delivery import batches
from placet.delivery.actions import Delivery
from placet.delivery.batches import Batch
from placet.delivery.model import Kind
from placet.facts import FactName
from placet.gate.actions import Audience, Gate
from placet.gate.replica import Replica
from placet.gate.tallies import tally
from placet.kernel.ids import ActivityId, ChannelId
from placet.kernel.seal import keyed_hash
from placet.purposes.offers.campaigns import rules, store
from placet.purposes.offers.campaigns.model import ACTIVITIES, Brief, Campaign, CampaignId, Condition, Counted

KEY_LABEL = "placet/campaign-holdout/v1"
CRITERIA, EARLIER = "criteria", "earlier-channel"
_UNPLANNED = "campaign/count"
"""The key of a batch that is only counted."""


@attrs.frozen(eq=False)
class Selected:
    """Those of a channel: *sent* will be planned for, *held_out* will not, both of *audience*."""

    audience: Audience
    sent: BitMap
    held_out: BitMap
    excluded: Mapping[str, int]


@attrs.frozen(eq=False)
class Selecting:
    """Thread-safe. The replica is this room's own and catches up when it is asked."""

    gate: Gate
    delivery: Delivery
    replica: Replica
    key: bytes = attrs.field(repr=False)
    told: tuple[facts.Provider, ...] = ()
    """Other purposes that tell facts."""
    _catching_up: threading.Lock = attrs.field(factory=threading.Lock, repr=False)

    def count(self, connection: Connection, brief: Brief, *, now: datetime) -> tuple[Counted, ...]:
        """How many would be reached through each channel now, and why the others would not."""
        self._catch_up()
        return tuple(
            self._counted(connection, brief, channel, brief.channels[:place], now)
            for place, channel in enumerate(brief.channels)
        )

    def select(
        self, connection: Connection, campaign: Campaign, channel: ChannelId, earlier: BitMap, *, now: datetime
    ) -> Selected:
        """Draw the audience of a channel, without *earlier*: those whom an earlier channel reaches."""
        self._catch_up()
        among = self._among(connection, campaign.brief, channel, now)
        taken = len(earlier) if among is None else among.intersection_cardinality(earlier)
        if earlier:
            among = (store.numbers(connection, "living") if among is None else among) - earlier
        audience = self.gate.audience(connection, self.replica, ACTIVITIES[channel], among=among, now=now)
        members = BitMap(audience.members)
        held = rules.held_out(self._seed(campaign.id), members, campaign.brief.holdout)
        excluded: dict[str, int] = {reason.value: count for reason, count in audience.excluded.items()}
        people = self.replica.memory.view.people
        excluded |= {EARLIER: taken, CRITERIA: max(0, people - taken - audience.count - sum(excluded.values()))}
        return Selected(audience, members - held, held, excluded)

    def drawn(self, connection: Connection, activity: ActivityId, among: BitMap, *, now: datetime) -> Audience:
        """An audience for another activity than that of a channel: those of *among* whom it may reach."""
        self._catch_up()
        return self.gate.audience(connection, self.replica, activity, among=among, now=now)

    def held_out(self, campaign: Campaign, members: BitMap) -> BitMap:
        """Those of *members* who are sent nothing, to compare with: the same whenever it is asked."""
        return rules.held_out(self._seed(campaign.id), members, campaign.brief.holdout)

    def _seed(self, id: CampaignId) -> bytes:
        return keyed_hash(self.key, id.bytes)

    def _catch_up(self) -> None:
        with self._catching_up:
            self.replica.catch_up()

    def _counted(
        self, connection: Connection, brief: Brief, channel: ChannelId, earlier: Sequence[ChannelId], now: datetime
    ) -> Counted:
        among = self._among(connection, brief, channel, now)
        batch = _batch(brief, channel)
        hindered = list(batches.hindrances(connection, batch, self.delivery.policy, now=now))
        told = tally(
            self.replica, ACTIVITIES[channel], among=among, after=[ACTIVITIES[id] for id in earlier],
            without=[some for _, some in hindered],
        )  # fmt: skip
        excluded: dict[str, int] = {
            CRITERIA: 0 if among is None else max(0, told.people - len(among)),
            EARLIER: told.after,
        }
        excluded |= {reason.value: count for reason, count in told.excluded.items()}
        for (reason, _), count in zip(hindered, told.taken, strict=True):
            excluded[reason] = excluded.get(reason, 0) + count
        held = round(told.count * brief.holdout / 100)
        return Counted(channel, told.count - held, held, excluded)

    def _among(self, connection: Connection, brief: Brief, channel: ChannelId, now: datetime) -> BitMap | None:
        """Those who meet every criterion; None: there is none, so everyone does."""
        known = facts.described(self.told)
        own = [one for one in brief.criteria if one.attribute not in known]
        foreign = [one for one in brief.criteria if one.attribute in known]
        sets = [self._meeting(connection, brief, condition) for condition in own]
        among = reduce(BitMap.intersection, sets) if sets else None
        if not foreign:
            return among
        # Facts of other purposes are handed over for an audience only, which stands on their consents, too.
        audience = self.gate.audience(connection, self.replica, ACTIVITIES[channel], among=among, now=now)
        found = BitMap(audience.members)
        for condition in foreign:
            name = FactName(condition.attribute)
            told = facts.handed_many(connection, self.told, audience, name, condition.values, now=now)
            found = found - told if condition.negated else found & told
        return found

    def _meeting(self, connection: Connection, brief: Brief, condition: Condition) -> BitMap:
        found = _having(connection, brief, condition)
        return store.numbers(connection, "living") - found if condition.negated else found


def batch_of(campaign: Campaign, channel: ChannelId, *, now: datetime) -> Batch:
    """The message of a campaign through a channel."""
    brief = campaign.brief
    return attrs.evolve(
        _batch(brief, channel), key=campaign.key(channel), template=campaign.template,
        not_before=max(now, brief.starts_at),
    )  # fmt: skip


def _batch(brief: Brief, channel: ChannelId) -> Batch:
    return Batch(
        key=_UNPLANNED, kind=Kind.OFFER, activity=ACTIVITIES[channel], channel=channel, template=_UNPLANNED,
        topic=brief.topic, not_before=brief.starts_at, not_after=brief.ends_at,
    )  # fmt: skip


def _having(connection: Connection, brief: Brief, condition: Condition) -> BitMap:
    """Those of whom the attribute has one of the values."""
    values = list(condition.values)
    match condition.attribute:
        case "language":
            return store.numbers(connection, "speaking", values=values)
        case "line":
            return store.numbers(connection, "standing", values=values)
        case "wish" if "neutral" in values:
            said = [state for state in ("want", "never") if state not in values]
            return store.numbers(connection, "living") - store.numbers(
                connection, "wishing", topic=brief.topic, values=said
            )
        case "wish":
            return store.numbers(connection, "wishing", topic=brief.topic, values=values)
    raise AssertionError(condition.attribute)
