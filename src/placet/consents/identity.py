"""
What befalls a person's identity, as records: lines that change hands, and two identities that were one person.

The rules are `subjects.rules`; this is the only place that turns what they say into decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import Connection

from placet.consents import store
from placet.consents.actions import SYSTEM, Rulebook, record
from placet.consents.model import CLOSING, Decision, Outcome, Standing, State, Wish
from placet.consents.rules import OWN_NO_MERGED
from placet.kernel.ids import ChannelId, PurposeId, SubjectId
from placet.ledger.append import lock_head
from placet.subjects import rules as identity
from placet.subjects.rules import Suspend

_MERGE = "merge"


def suspend(
    connection: Connection, suspensions: Sequence[Suspend], *, occurred_at: datetime, rulebook: Rulebook, now: datetime
) -> list[Outcome]:
    """
    Suspend what a line event puts in doubt, from the instant it occurred, until the person confirms it.

    Only what is given at present gets a record: nothing else could be suspended.
    """
    lock_head(connection)
    people = store.people(connection, {found.subject for found in suspensions})
    numbers = [person.number for person in people.values()]
    standings = store.standings(connection, numbers, {found.purpose for found in suspensions}) if numbers else {}
    wishes = [
        _lapse(found.subject, found.purpose, found.channel, found.reason, occurred_at)
        for found in suspensions
        if (person := people.get(found.subject)) is not None
        and _given(standings.get((person.number, found.purpose), {}), found.channel)
    ]
    return record(connection, wishes, rulebook=rulebook, now=now)


def merge(
    connection: Connection, survivor: SubjectId, merged: SubjectId, *, rulebook: Rulebook, now: datetime
) -> list[Outcome]:
    """
    Give *survivor* the more restrictive of each two states, and suspend every yes of *merged*.

    Called in the transaction that merges the identities; from then on *merged* leads to *survivor*.
    """
    lock_head(connection)
    people = store.people(connection, [survivor, merged])
    kept = store.standing_of(connection, people[survivor].number)
    gone = store.standing_of(connection, people[merged].number)
    together = identity.merge(_words(kept), _words(gone))
    carried = (
        _carried(survivor, key, said, mine=_state(kept, key), theirs=_state(gone, key))
        for key, said in sorted(together.items(), key=lambda each: (each[0][0], each[0][1] or ""))
    )
    wishes = [wish for wish in carried if wish is not None]
    wishes += [
        _lapse(merged, purpose, channel, _MERGE, now)
        for (purpose, channel), decision in _words(gone).items()
        if decision == Decision.GIVEN
    ]
    return record(connection, wishes, rulebook=rulebook, now=now)


def _given(standing: Standing, channel: ChannelId | None) -> bool:
    state = standing.get(channel)
    return state is not None and state.decision is Decision.GIVEN


def _state(standings: Mapping[PurposeId, Standing], key: identity.Key) -> State | None:
    purpose, channel = key
    return standings.get(purpose, {}).get(channel)


def _carried(
    survivor: SubjectId, key: identity.Key, said: str, *, mine: State | None, theirs: State | None
) -> Wish | None:
    """
    What the identity that goes on must be told of *key*, for *said* to be its state; None when it is so already.

    A no of the other identity is this person's no, and their own if they said it themselves: then no representative's
    yes opens it again. Anything less than a yes is a yes to be confirmed.
    """
    purpose, channel = key
    if said in CLOSING:
        if _is_own_no(theirs) and not _is_own_no(mine):
            return Wish(survivor, purpose, said, "api", SYSTEM, channel=channel, reason=OWN_NO_MERGED)
        if mine is None or mine.decision != said:
            return Wish(survivor, purpose, said, "api", SYSTEM, channel=channel, reason=_MERGE)
    elif mine is not None and mine.decision is Decision.GIVEN and said != Decision.GIVEN:
        return Wish(survivor, purpose, Decision.SUSPENDED, "api", SYSTEM, channel=channel, reason=_MERGE)
    return None


def _is_own_no(state: State | None) -> bool:
    return state is not None and state.decision in CLOSING and state.closed_by_self


def _words(standings: dict[PurposeId, Standing]) -> dict[identity.Key, str]:
    return {
        (purpose, channel): state.decision.value
        for purpose, standing in standings.items()
        for channel, state in standing.items()
    }


def _lapse(
    subject: SubjectId, purpose: PurposeId, channel: ChannelId | None, reason: str, occurred_at: datetime
) -> Wish:
    return Wish(
        subject, purpose, Decision.SUSPENDED, "api", SYSTEM, channel=channel, reason=reason, occurred_at=occurred_at
    )
