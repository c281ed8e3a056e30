"""
How many an activity might reach, without drawing an audience: it names nobody, is kept nowhere, and nothing may be sent
to it. For whoever is still choosing whom to ask the gate for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from pyroaring import BitMap

from placet.gate import audiences
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.gate.view import Plan, View
from placet.kernel.errors import BadInput, Unavailable
from placet.kernel.ids import ActivityId


@attrs.frozen
class Tally:
    """Of *people*, *count* are left; *after* are reached already, *taken* went with each set that was taken away."""

    people: int
    count: int
    excluded: Mapping[Reason, int]
    after: int
    taken: tuple[int, ...]


def tally(
    replica: Replica,
    asked: ActivityId,
    *,
    among: BitMap | None,
    after: Sequence[ActivityId] = (),
    without: Sequence[BitMap] = (),
) -> Tally:
    """
    How many *asked* might reach of *among* (None: everyone): whom an activity of *after* reaches is taken away, then
    each of *without* in turn.
    """
    view, plan, columns = _columns(replica, asked)
    drawn = audiences.draw(plan, columns, people=view.people, among=among)
    left, taken = drawn.members, []
    for earlier in after:
        _, others, theirs = _columns(replica, earlier)
        left = left - audiences.draw(others, theirs, people=view.people, among=left).members
    reached = len(drawn.members) - len(left)
    for some in without:
        taken.append(left.intersection_cardinality(some))
        left = left - some
    return Tally(view.people, len(left), drawn.excluded, reached, tuple(taken))


def _columns(replica: Replica, asked: ActivityId) -> tuple[View, Plan, list[BitMap]]:
    found = replica.memory.columns(asked, audiences.keys)
    if found is None:
        raise BadInput("no activity of the catalogue asks for consent under this name", code="unknown-activity")
    if not found[0].answers(None, replica.now()):
        raise Unavailable("the replica has not caught up; try again in a moment", code="stale")
    return found
