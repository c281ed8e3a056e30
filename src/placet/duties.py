"""
What every purpose owes a person: stop, export, rectify, erase, explain, tell what it brought. (Uses are the gate's.)

A purpose fulfils the Protocol and is registered in `bootstrap.Application.duties`; rights and the stop clock reach it
through nothing else. One conformance suite (`tests/rights/conformance.py`) runs over all that are registered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import attrs
from psycopg import Connection

from placet.kernel.ids import ChannelId, Number, Position, PurposeId, SubjectId

Json = Mapping[str, Any]


@attrs.frozen
class Person:
    """Whose duty it is; both names, so that no purpose has to look one up."""

    subject: SubjectId
    number: Number


@attrs.frozen
class Withdrawn:
    """The processing for *purpose* (all of it, or its *channel*) must end for *person*; settled at *position*."""

    person: Person
    purpose: PurposeId
    channel: ChannelId | None
    position: Position


@attrs.frozen
class Holding:
    """One kind of data that a purpose holds about a person, as it is exported."""

    name: str
    """A stable id with a dot, `offers.messages`; it names the file in the export."""
    basis: str
    """The legal basis it is held on: `consent`, `contract`, `legal-obligation` (DPV short names)."""
    why: Mapping[str, str]
    """One plain sentence for each language (`lv`, `ru`, `en`)."""
    until: Mapping[str, str]
    """How long it is kept, in words, for each language."""
    rows: Sequence[Json]
    """The data itself: flat objects with the same keys in every row."""
    title: Mapping[str, str] = attrs.field(factory=dict)
    """What a reader calls it, for each language; left out, the name stands there."""
    columns: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    """What a reader calls each key of the rows, for each language; left out, the key stands there."""
    origin: Literal["provided", "observed", "derived"] = "observed"
    """Who it comes from: told by the person, seen from what they did, or made by us. The first two are portable
    (GDPR 20) where the basis is consent or contract."""


@attrs.frozen
class Brought:
    """What a yes brought the person: one sentence for each language, with its instant."""

    at: datetime
    text: Mapping[str, str]


@attrs.frozen
class Correction:
    """A field of a holding and its new value; *old* is what the person says is wrong there now."""

    holding: str
    field: str
    old: str | None
    new: str


class Duties(Protocol):
    """
    A purpose, as rights and the stop clock see it. Every call runs in the caller's transaction and is idempotent:
    the same call again, after a crash, changes nothing more.
    """

    @property
    def purpose(self) -> PurposeId: ...

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        """Cancel what is queued. True when nothing runs any more; False: something runs, ask again in a moment."""
        ...

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        """Everything held about *person* for this purpose; nothing of anybody else."""
        ...

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:
        """Correct every copy; returns how many rows were changed (0: the field is not held here)."""
        ...

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:
        """Delete what no law demands to keep; returns how many rows went. Afterwards `export` holds nothing of them."""
        ...

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:
        """Plain sentences: what happens with this person's data under this purpose now, and by which logic."""
        ...

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        """The newest things that this purpose brought the person, newest first."""
        ...
