"""How delivery stands, in numbers: nothing of it is about anybody in particular."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs
from psycopg import Connection

from placet.kernel.ids import ChannelId
from placet.store.queries import queries

SQL = queries("placet.delivery", "returns.sql")

LATELY = timedelta(days=30)
"""How far back what came back is counted."""


@attrs.frozen
class Standing:
    """Messages by channel and state, addresses that are not written to by channel and reason."""

    messages: Mapping[ChannelId, Mapping[str, int]]
    suppressed: Mapping[ChannelId, Mapping[str, int]]
    sought: Mapping[ChannelId, int]
    """Those that are `unknown` and still looked for."""


@attrs.frozen
class CameBack:
    """Mails that came back lately, by kind, and how many were sent in that time, service aside."""

    counts: Mapping[str, int]
    sent: int

    @property
    def complaint_rate(self) -> float | None:
        """Complaints for each mail: above 0.001 mailbox providers begin to refuse. None while nothing was sent."""
        return self.counts.get("complaint", 0) / self.sent if self.sent else None


def standing(connection: Connection) -> Standing:
    """How the queue and the lists stand."""
    messages: defaultdict[ChannelId, dict[str, int]] = defaultdict(dict)
    sought: dict[ChannelId, int] = {}
    for channel, state, count, still_sought in connection.execute(SQL["messages_by_state"]):
        messages[ChannelId(channel)][state] = count
        if still_sought:
            sought[ChannelId(channel)] = still_sought
    suppressed: defaultdict[ChannelId, dict[str, int]] = defaultdict(dict)
    for channel, why, count in connection.execute(SQL["suppressed_by_reason"]):
        suppressed[ChannelId(channel)][why] = count
    return Standing(dict(messages), dict(suppressed), sought)


def came_back(connection: Connection, *, now: datetime) -> CameBack:
    """What came back in the last `LATELY`."""
    values = {"since": now - LATELY}
    counts = {what: int(count) for what, count in connection.execute(SQL["returned_since"], values)}
    row = connection.execute(SQL["mails_since"], values).fetchone()
    assert row is not None
    return CameBack(counts, int(row[0]))
