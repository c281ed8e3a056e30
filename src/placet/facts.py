"""
What one purpose may tell another: a fact about a person, with the consent it comes from. Purposes never import another.

A purpose that knows something is a `Provider`; whoever wants it says under which permit or audience it asks. A fact is
handed over only where that permit or audience stands on the fact's own purpose too: "uses much data abroad" is known
under `usage`, so an offer may rest on it only if the person has said yes to `usage` and to `offers`.
`handed` and `handed_many` are the only ways out, and hold every provider to it; one conformance suite
(`tests/purposes/facts_conformance.py`) runs over all that are registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NewType, Protocol

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.gate.actions import Audience, Permit
from placet.gate.model import Need
from placet.kernel.errors import BadInput, Denied
from placet.kernel.ids import PurposeId, SubjectId
from placet.kernel.periods import aware

FactName = NewType("FactName", str)
"""`purpose.name`, as activities are named: `usage.data-abroad`."""


@attrs.frozen
class Described:
    """A kind of fact: what it is called, and which values it may have. The purpose whose consent it rests on is its
    basis; *data* is the category of the catalogue that an activity must name to read it."""

    name: FactName
    purpose: PurposeId
    data: str
    values: tuple[str, ...]
    titles: Mapping[str, str]
    """For each language (`lv`, `ru`, `en`)."""


@attrs.frozen
class Fact:
    """One fact about one person, true since *since*; *purpose* is the consent that it came from."""

    name: FactName
    purpose: PurposeId
    subject: SubjectId
    value: str
    since: datetime = attrs.field(converter=aware)


class Provider(Protocol):
    """A purpose, as others may ask it. It runs in the caller's transaction and is asked through this module only."""

    @property
    def described(self) -> Sequence[Described]:
        """What it can tell."""
        ...

    def of(self, connection: Connection, subject: SubjectId, names: Sequence[FactName]) -> Sequence[Fact]:
        """What is known of one person; a fact that is not known is left out."""
        ...

    def among(self, connection: Connection, name: FactName, values: Sequence[str]) -> BitMap:
        """The numbers of those of whom the fact is known to have one of *values*."""
        ...


def described(providers: Iterable[Provider]) -> Mapping[FactName, Described]:
    """What can be asked for, by name."""
    return {one.name: one for provider in providers for one in provider.described}


def handed(
    connection: Connection, providers: Sequence[Provider], permit: Permit, names: Sequence[FactName], *, now: datetime
) -> Sequence[Fact]:
    """The facts *names* about the person of *permit*; `Denied` if it does not stand on the purpose of each of them."""
    if not permit.holds(now):
        raise Denied("this permit holds no longer; ask for a new one", code="permit-expired")
    _demand(permit.needs, [_known(providers, name) for name in names])
    found: list[Fact] = []
    for provider in providers:
        own = [one.name for one in provider.described if one.name in names]
        found += provider.of(connection, permit.subject, own) if own else ()
    return found


def handed_many(
    connection: Connection,
    providers: Sequence[Provider],
    audience: Audience,
    name: FactName,
    values: Sequence[str],
    *,
    now: datetime,
) -> BitMap:
    """Those of *audience* of whom the fact has one of *values*; `Denied` if it does not stand on the fact's purpose."""
    if not audience.holds(now):
        raise Denied("this audience holds no longer; draw it again", code="audience-expired")
    _demand(audience.needs, [_known(providers, name)])
    told = [provider for provider in providers if any(one.name == name for one in provider.described)]
    found = BitMap()
    for provider in told:
        found |= provider.among(connection, name, values)
    return found & BitMap(audience.members)


def _known(providers: Sequence[Provider], name: FactName) -> Described:
    known = described(providers)
    if name not in known:
        raise BadInput(f"nobody tells the fact {name!r}", code="unknown-fact")
    return known[name]


def _demand(needs: Sequence[str], asked: Sequence[Described]) -> None:
    """Empty never means yes: what stands on no consent gets no fact."""
    stands_on = {Need.parse(need).purpose for need in needs}
    for one in asked:
        if one.purpose not in stands_on:
            raise Denied(f"{one.name} is known under {one.purpose}, which was not asked for", code="fact-without-basis")
