"""
No one person changes what customers are asked: one proposes a catalogue, another approves it, then it can be published.

A draft and its steps are rows that are never changed. An approval holds for the catalogue that was in force when it was
given: when another one has been published since, what it would change is something else, and it is looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Literal
from uuid import UUID, uuid4

import attrs
from psycopg import Connection

from placet.catalogue import store
from placet.catalogue.document import frozen
from placet.catalogue.model import Catalogue
from placet.catalogue.publishing import Unpublishable, planned
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import Position, StaffId
from placet.store.queries import queries

What = Literal["approved", "refused", "withdrawn", "published"]
State = Literal["proposed", "approved", "refused", "withdrawn", "published"]
LONGEST_REASON = 500

_SQL = queries("placet.catalogue", "drafts.sql")


@attrs.frozen
class Step:
    """Something that became of a draft. *base* (of an approval) is the digest of what was in force."""

    what: What
    by: StaffId
    reason: str | None
    base: bytes | None
    position: Position | None
    at: datetime


@attrs.frozen(slots=False)
class Draft:
    """A catalogue that was proposed, over the one with the digest *base*, and what became of it."""

    id: UUID
    digest: bytes
    document: bytes = attrs.field(repr=False)
    base: bytes | None
    why: str
    proposed_by: StaffId
    proposed_at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def state(self) -> State:
        return self.steps[-1].what if self.steps else "proposed"

    @property
    def is_open(self) -> bool:
        """Whether it can still be published."""
        return self.state in ("proposed", "approved")

    @cached_property
    def catalogue(self) -> Catalogue:
        return frozen(self.document)


def propose(connection: Connection, catalogue: Catalogue, *, why: str, by: StaffId, now: datetime) -> Draft:
    """
    Keep *catalogue* as a draft. What the lint finds wrong stays with it, and keeps it from being approved.

    Raises `Conflict` when it is the catalogue in force, or a draft that is still open.
    """
    store.lock_publishing(connection)
    in_force = store.in_force(connection)
    if in_force == catalogue:
        raise Conflict("this catalogue is in force already; nothing was kept", code="unchanged-catalogue")
    if any(draft.is_open and draft.digest == catalogue.digest for draft in drafts(connection)):
        raise Conflict("the same catalogue is proposed already; open that draft", code="same-draft")
    base = None if in_force is None else in_force.digest
    draft = Draft(uuid4(), catalogue.digest, catalogue.document, base, _reason(why), by, now)
    connection.execute(_SQL["add_draft"], attrs.asdict(draft))
    return draft


def approve(connection: Connection, id: UUID, *, by: StaffId, now: datetime) -> Draft:
    """A second person says yes. Raises `Denied` for the one who proposed, `Unpublishable` for errors of the lint."""
    draft = _open(connection, id, {"proposed"})
    if by == draft.proposed_by:
        raise Denied("nobody approves their own draft; ask somebody else", code="own-draft")
    if (errors := planned(connection, draft.catalogue).errors) != ():
        raise Unpublishable(errors)
    return _step(connection, draft, "approved", by, now, base=_in_force(connection))


def refuse(connection: Connection, id: UUID, *, reason: str, by: StaffId, now: datetime) -> Draft:
    """A second person says no, and why."""
    draft = _open(connection, id, {"proposed", "approved"})
    if by == draft.proposed_by:
        raise Denied("your own draft you withdraw", code="own-draft")
    return _step(connection, draft, "refused", by, now, reason=_reason(reason))


def withdraw(connection: Connection, id: UUID, *, by: StaffId, now: datetime) -> Draft:
    """Whoever proposed it takes it back: the undo before a publication."""
    draft = _open(connection, id, {"proposed", "approved"})
    if by != draft.proposed_by:
        raise Denied("only who proposed a draft takes it back; you can refuse it", code="foreign-draft")
    return _step(connection, draft, "withdrawn", by, now)


def release(connection: Connection, id: UUID) -> Catalogue:
    """The catalogue of an approved draft, to be published in this transaction; then call `published`."""
    draft = _open(connection, id, {"approved"})
    if draft.steps[-1].base != _in_force(connection):
        raise Conflict(
            "another catalogue was published since this one was approved; propose it again", code="stale-approval"
        )
    return draft.catalogue


def published(connection: Connection, id: UUID, *, by: StaffId, now: datetime) -> Draft:
    """Note that the draft is in force, and where its event stands in the ledger."""
    return _step(connection, get(connection, id), "published", by, now, position=store.latest_position(connection))


def get(connection: Connection, id: UUID) -> Draft:
    row = connection.execute(_SQL["draft"], {"id": id}).fetchone()
    if row is None:
        raise NotFound("there is no such draft", code="unknown-draft")
    return _with_steps(connection, [Draft(*row)])[0]


def drafts(connection: Connection, *, limit: int = 50) -> list[Draft]:
    """The newest drafts, with their steps."""
    return _with_steps(connection, [Draft(*row) for row in connection.execute(_SQL["drafts"], {"limit": limit})])


def _open(connection: Connection, id: UUID, states: set[State]) -> Draft:
    """The draft *id*, locked; it must be in one of *states*."""
    store.lock_publishing(connection)
    draft = get(connection, id)
    if draft.state not in states:
        raise Conflict(f"this draft is {draft.state}; nothing was changed", code="draft-state")
    return draft


def _in_force(connection: Connection) -> bytes | None:
    in_force = store.in_force(connection)
    return None if in_force is None else in_force.digest


def _step(
    connection: Connection,
    draft: Draft,
    what: What,
    by: StaffId,
    now: datetime,
    *,
    reason: str | None = None,
    base: bytes | None = None,
    position: Position | None = None,
) -> Draft:
    step = Step(what, by, reason, base, position, now)
    connection.execute(_SQL["add_step"], {"draft": draft.id, **attrs.asdict(step)})
    return attrs.evolve(draft, steps=(*draft.steps, step))


def _with_steps(connection: Connection, found: Sequence[Draft]) -> list[Draft]:
    steps: dict[UUID, list[Step]] = {}
    for draft, *step in connection.execute(_SQL["steps"], {"drafts": [draft.id for draft in found]}):
        steps.setdefault(draft, []).append(Step(*step))
    return [attrs.evolve(draft, steps=tuple(steps.get(draft.id, ()))) for draft in found]


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if not 1 <= len(text) <= LONGEST_REASON:
        raise BadInput(f"say why, in 1 to {LONGEST_REASON} characters; nothing was changed", code="bad-reason")
    return text
