"""
Who may be reached, as algebra of bitmaps. Nothing here reads a clock, a database or a file.

Each person who is left out is counted under one reason: the first obstacle in the order of the plan, purposes before
channels. Members and exclusions together are everyone that was asked about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import attrs
from pyroaring import BitMap, FrozenBitMap

from placet.gate.bits import Key
from placet.gate.model import Reason
from placet.gate.view import Plan

GROUPS = (
    Reason.NO_DECISION,
    Reason.CLOSED,
    Reason.LAPSED,
    Reason.NO_CHANNEL,
    Reason.RESTRICTED,
    Reason.STOP_SILENT,
)
"""The reasons of exclusion, in the order in which they are shown."""

_KINDS = ("restricted", "given", "closed", "lapsed")

_GROUP_OF = {
    Reason.REFUSED: Reason.CLOSED,
    Reason.WITHDRAWN: Reason.CLOSED,
    Reason.OBJECTED: Reason.CLOSED,
    Reason.EXPIRED: Reason.LAPSED,
    Reason.INVALIDATED: Reason.LAPSED,
    Reason.SUSPENDED: Reason.LAPSED,
}


def group(reason: Reason) -> Reason:
    """The reason that bits can tell, for the word that a record says."""
    if reason in GROUPS or reason.startswith("channel-"):
        return reason if reason in GROUPS else Reason.NO_CHANNEL
    return _GROUP_OF.get(reason, Reason.NO_DECISION)


@attrs.frozen
class Drawn:
    """Members, and how many others were left out for each reason."""

    members: BitMap
    excluded: Mapping[Reason, int]

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(canonical(self.members)).digest()


def keys(plan: Plan) -> list[Key]:
    """The columns that drawing looks at, in its order."""
    found: list[Key] = [(kind, bit) for bit in plan.purposes for kind in _KINDS]
    return found + [("given", bit) for bit in plan.channels]


def given_keys(plan: Plan) -> list[Key]:
    """The columns that must all hold a member."""
    return [("given", bit) for bit in plan.purposes + plan.channels]


def still_keys(plan: Plan) -> list[Key]:
    """Those of `given_keys`, then those that must not hold a member."""
    return given_keys(plan) + [("restricted", bit) for bit in plan.purposes]


def draw(plan: Plan, columns: Sequence[BitMap], *, people: int, among: BitMap | None = None) -> Drawn:
    """
    Those of *among* whom *plan* allows; None means everyone, *people* in number.

    *columns* are those of `keys`, of one moment.
    """
    counts = dict.fromkeys(GROUPS, 0)
    left, many = among, people if among is None else len(among)
    of_purposes = len(_KINDS) * len(plan.purposes)
    for restricted, given, closed, lapsed in zip(*[iter(columns[:of_purposes])] * len(_KINDS), strict=True):
        held = restricted if left is None else left & restricted
        shut, over = _shared(left, closed, held), _shared(left, lapsed, held)
        left = given if left is None else left & given
        left = left - held if held else left
        counts[Reason.RESTRICTED] += len(held)
        counts[Reason.CLOSED] += shut
        counts[Reason.LAPSED] += over
        # A person recorded this very moment may be in a column before the count of people has seen them.
        counts[Reason.NO_DECISION] += max(0, many - len(left) - len(held) - shut - over)
        many = len(left)
    for given in columns[of_purposes:]:
        left = given if left is None else left & given
        counts[Reason.NO_CHANNEL] += many - len(left)
        many = len(left)
    # Empty never means everyone: a plan asks for at least one purpose (`view.plans`).
    if left is None or plan.closed:
        counts[Reason.STOP_SILENT] += 0 if left is None else many
        left = BitMap()
    return Drawn(left, counts)


def still(plan: Plan, members: BitMap | FrozenBitMap, columns: Sequence[BitMap]) -> BitMap:
    """Those of *members* whom *plan* still allows; *columns* are those of `still_keys`."""
    given = len(plan.purposes + plan.channels)
    found = BitMap(members) if given and not plan.closed else BitMap()
    for column in columns[:given]:
        found &= column
    for column in columns[given:]:
        found -= column
    return found


def canonical(members: BitMap | FrozenBitMap) -> bytes:
    """The roaring portable format with each container in its smallest form: one set has one spelling."""
    smallest = BitMap(members)
    smallest.run_optimize()
    return smallest.serialize()


def _shared(left: BitMap | None, column: BitMap, held: BitMap) -> int:
    """How many of *left* (None: of everyone) are in *column*, leaving out those that are held."""
    many = len(column) if left is None else left.intersection_cardinality(column)
    return many - held.intersection_cardinality(column) if held else many
