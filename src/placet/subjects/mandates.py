"""Mandates: the right of one person to decide for another, with proof, scope and end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from psycopg import Connection

from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import MandateId, PurposeId, SubjectId
from placet.kernel.periods import Period
from placet.subjects import rules, store
from placet.subjects.model import Mandate, MandateKind, Subject
from placet.subjects.vault import open_field, seal_field

WHY = {
    "of-age": "a parent decides for a minor whose birth date is known; record the birth date, or a power of attorney",
    "ended": "the mandate would be over already",
}


def add_mandate(
    connection: Connection,
    *,
    representative: Subject,
    subject: Subject,
    key: bytes,
    born: date | None,
    kind: MandateKind,
    purposes: Collection[PurposeId],
    proof: str,
    since: datetime,
    until: datetime | None,
    zone: ZoneInfo,
) -> Mandate:
    """Record that *representative* may decide for *subject*; *proof* names the document that was seen."""
    if representative.id == subject.id:
        raise BadInput("nobody needs a mandate for themselves; nothing was changed", code="bad-mandate")
    if not proof.strip():
        raise BadInput("a mandate needs the reference of its proof; nothing was changed", code="bad-mandate")
    scope = frozenset(purposes)
    mandate = Mandate(MandateId(uuid4()), representative.id, subject.id, kind, scope, Period(since, until))
    verdict = rules.may_decide(mandate, born=born, purpose=min(scope), at=since, zone=zone)
    if isinstance(verdict, rules.MayNot):
        raise BadInput(f"{WHY[verdict.why]}; nothing was changed", code="bad-mandate")
    values = {
        "id": mandate.id,
        "representative": representative.number,
        "number": subject.number,
        "kind": kind,
        "purposes": sorted(scope),
        "proof": seal_field(key, subject.id, f"mandate:{mandate.id}", proof),
        "valid_from": since,
        "valid_to": until,
    }
    connection.execute(store.SQL["add_mandate"], values)
    return mandate


def end_mandate(connection: Connection, id: MandateId, *, at: datetime) -> None:
    """The mandate ends; what was decided under it stands until somebody decides otherwise."""
    if store.one(connection, "end_mandate", id=id, at=at) is None:
        raise NotFound("there is no such mandate in force; nothing was changed", code="unknown-mandate")


def proofs(connection: Connection, subject: Subject, key: bytes) -> dict[MandateId, str]:
    """The reference of the document that was seen, for each mandate over *subject*."""
    return {
        MandateId(id): open_field(key, subject.id, f"mandate:{id}", bytes(proof))
        for id, proof in store.every(connection, "mandate_rows", number=subject.number)
    }


def covering(
    connection: Connection,
    representative: SubjectId,
    subject: SubjectId,
    purpose: PurposeId,
    at: datetime,
    *,
    born: date | None,
    zone: ZoneInfo,
) -> Mandate | None:
    """The mandate, if any, by which *representative* may decide for *subject* on *purpose* at *at*."""
    for row in store.every(connection, "mandates_for", representative=representative, subject=subject):
        verdict = rules.may_decide(store.mandate(row), born=born, purpose=purpose, at=at, zone=zone)
        if isinstance(verdict, rules.MayDecide):
            return verdict.mandate
    return None
