"""What came of a campaign: where its messages are, and what those who got one did more often than those held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from psycopg import Connection
from pyroaring import BitMap

from placet.delivery import batches
from placet.delivery.model import STARTED
from placet.gate.actions import Gate
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns import rules, store
from placet.purposes.offers.campaigns.model import Campaign, Effect, Progress, Results, Selection
from placet.purposes.offers.campaigns.selecting import Selecting


def progress(connection: Connection, campaign: Campaign) -> tuple[Progress, ...]:
    """Where the messages of each channel are."""
    channels = {campaign.key(channel): channel for channel in campaign.brief.channels}
    states: dict[ChannelId, Counter[str]] = {channel: Counter() for channel in channels.values()}
    reasons: dict[ChannelId, Counter[str]] = {channel: Counter() for channel in channels.values()}
    for count in batches.counts(connection, list(channels)):
        channel = channels[count.key]
        states[channel][count.state] += count.many
        if count.reason is not None:
            reasons[channel][count.reason] += count.many
    return tuple(Progress(channel, states[channel], reasons[channel]) for channel in campaign.brief.channels)


def results(
    connection: Connection, campaign: Campaign, selections: Sequence[Selection], selecting: Selecting, gate: Gate
) -> tuple[Results, ...]:
    """The figures of each channel that was planned."""
    where = {one.channel: one for one in progress(connection, campaign)}
    return tuple(
        Results(one.channel, where[one.channel], tuple(_effects(connection, campaign, one, selecting, gate)))
        for one in selections
    )


def _effects(
    connection: Connection, campaign: Campaign, selection: Selection, selecting: Selecting, gate: Gate
) -> list[Effect]:
    members = BitMap(gate.kept_audience(connection, selection.audience).members)
    held = selecting.held_out(campaign, members)
    sent = batches.recipients(connection, campaign.key(selection.channel), sorted(STARTED))
    topic, since = campaign.brief.topic, selection.at
    happened = {
        "topic-wanted": store.numbers(connection, "said_since", topic=topic, state="want", since=since),
        "topic-stopped": store.numbers(connection, "said_since", topic=topic, state="never", since=since),
        "withdrawn": store.numbers(connection, "withdrawn_since", channel=selection.channel, since=since),
    }
    return [
        rules.effect(
            what,
            rules.share(sent.intersection_cardinality(who), len(sent)),
            rules.share(held.intersection_cardinality(who), len(held)),
        )
        for what, who in happened.items()
    ]
