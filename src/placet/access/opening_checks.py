"""
Showing at the desk who one is, before a record opens (`openings`).

Three checks are known: a document that was seen, whose last digits must agree with the personal code when that is on
record; a code sent to a contact that was known before; and the mandate of whoever stands at the desk. What was typed to
compare is not kept. A failed check counts against the member, not against the person.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

import attrs
from psycopg import Connection

from placet.access.codes import Codes
from placet.access.openings import (
    DOCUMENTS,
    LASTS,
    LONGEST_WORDS,
    REASONS,
    SQL,
    WORDS_FIELD,
    Asked,
    Document,
    Opening,
    Proof,
    awaited,
    chosen,
    demand_not_own,
    in_force,
    kin,
    limit,
)
from placet.access.staff import Member, Role
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.kernel.ids import MandateId, SubjectId
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.vault import seal_field


@attrs.frozen
class Opened:
    opening: Opening


@attrs.frozen
class CheckFailed:
    """The check did not hold; the try was counted and nothing opened."""

    why: Literal["other-digits", "wrong-code", "no-mandate"]


def by_document(
    connection: Connection, subjects: Subjects, asked: Asked, *, document: str, digits: str, now: datetime
) -> Opened | CheckFailed:
    """Open after a document was seen; *digits* are the last four of the personal code in it."""
    kind = _document(document)
    flagged = _admit(connection, subjects, asked, now)
    compared = _agree(connection, subjects, asked.subject, digits)
    if compared is False:
        return _failed(connection, asked, "other-digits", now)
    opening = _new(connection, subjects, asked, "document", kind, flagged=flagged, compared=compared is True, now=now)
    return Opened(_begin(connection, opening, now))


def by_mandate(
    connection: Connection,
    subjects: Subjects,
    asked: Asked,
    *,
    mandate: MandateId,
    document: str,
    digits: str,
    now: datetime,
) -> Opened | CheckFailed:
    """Open for a representative who is at the desk; document and digits are the representative's."""
    kind = _document(document)
    flagged = _admit(connection, subjects, asked, now)
    held = next((each for each in in_force(connection, subjects, asked.subject, now) if each.id == mandate), None)
    if held is None:
        return _failed(connection, asked, "no-mandate", now)
    compared = _agree(connection, subjects, held.representative, digits)
    if compared is False:
        return _failed(connection, asked, "other-digits", now)
    opening = _new(
        connection,
        subjects,
        asked,
        "mandate",
        kind,
        flagged=flagged or kin(connection, subjects, asked.member, held.representative) is not None,
        compared=compared is True,
        mandate=mandate,
        now=now,
    )
    return Opened(_begin(connection, opening, now))


def ask_code(
    database: Database, subjects: Subjects, codes: Codes, asked: Asked, *, contact: int, now: datetime
) -> None:
    """Send a code to one of the contacts that were known before (*contact* is its place in `reachable`)."""
    with database.transaction() as connection:
        flagged = _admit(connection, subjects, asked, now)
        alias = chosen(connection, subjects, asked.subject, contact)
        language = subjects.get(connection, asked.subject).language
    challenge = codes.request(str(alias), address=f"desk/{asked.member.id}", language=language, now=now, use="identity")
    with database.transaction() as connection:
        _new(connection, subjects, asked, "code", alias.kind, flagged=flagged, challenge=challenge, now=now)


def enter_code(
    database: Database, codes: Codes, member: Member, subject: SubjectId, code: str, *, now: datetime
) -> Opened | CheckFailed:
    """Open with the code that the person told; the newest one that *member* had sent counts."""
    with database.transaction() as connection:
        opening = awaited(connection, member.id, subject, now=now)
    if opening is None or opening.challenge is None:
        return CheckFailed("wrong-code")
    if codes.verify(opening.challenge, code, now=now, use="identity") != subject:
        return CheckFailed("wrong-code")
    with database.transaction() as connection:
        return Opened(_begin(connection, opening, now))


def _admit(connection: Connection, subjects: Subjects, asked: Asked, now: datetime) -> bool:
    """Whether the opening must be flagged; raises when it may not even be tried."""
    if asked.reason not in REASONS:
        raise BadInput("choose a reason from the list; nothing was opened", code="bad-reason")
    if len(asked.words) > LONGEST_WORDS or (asked.reason == "other" and not asked.words.strip()):
        raise BadInput(f"say why in 1 to {LONGEST_WORDS} characters; nothing was opened", code="bad-reason")
    if subjects.get(connection, asked.subject).erased_at is not None:
        raise NotFound("this person was erased; there is no record to open", code="erased")
    limit(connection, asked.member.id, "check", now)
    return demand_not_own(connection, subjects, asked.member, asked.subject)


def _agree(connection: Connection, subjects: Subjects, person: SubjectId, digits: str) -> bool | None:
    """Whether *digits* are the last four of the person's code; None when no code is on record."""
    known = [
        contact.alias.value
        for contact in subjects.contacts(connection, person)
        if contact.alias.kind == "personal-code" and contact.period.end is None
    ]
    if not known:
        return None
    told = "".join(sign for sign in digits if sign.isdigit()).encode()
    return any(hmac.compare_digest(code[-4:].encode(), told) for code in known)


def _document(text: str) -> Document:
    found = next((document for document in DOCUMENTS if document == text), None)
    if found is None:
        raise BadInput("say which document was seen; nothing was opened", code="bad-document")
    return found


def _failed(
    connection: Connection, asked: Asked, why: Literal["other-digits", "no-mandate"], now: datetime
) -> CheckFailed:
    values = {"member": asked.member.id, "kind": "check", "subject": asked.subject, "now": now}
    connection.execute(SQL["add_try"], values)
    return CheckFailed(why)


def _new(
    connection: Connection,
    subjects: Subjects,
    asked: Asked,
    proof: Proof,
    detail: str,
    *,
    flagged: bool,
    compared: bool = False,
    mandate: MandateId | None = None,
    challenge: UUID | None = None,
    now: datetime,
) -> Opening:
    """Write down an opening that has not begun."""
    words = " ".join(asked.words.split())
    sealed = None
    if words:
        sealed = seal_field(subjects.key(connection, asked.subject), asked.subject, WORDS_FIELD, words)
    opening = Opening(
        id=uuid4(),
        member=asked.member.id,
        name=asked.member.name,
        role=_role(asked.member),
        shop=asked.member.shop,
        subject=asked.subject,
        reason=asked.reason,
        words=sealed,
        proof=proof,
        detail=detail,
        compared=compared,
        mandate=mandate,
        challenge=challenge,
        flagged=flagged,
        asked_at=now,
        opened_at=None,
        until=None,
        ended_at=None,
    )
    connection.execute(SQL["add_opening"], attrs.asdict(opening))
    return opening


def _begin(connection: Connection, opening: Opening, now: datetime) -> Opening:
    """Let it begin; whatever the member had open of this record ends: nothing is prolonged."""
    connection.execute(SQL["end_openings"], {"member": opening.member, "subject": opening.subject, "now": now})
    values = {"id": opening.id, "now": now, "until": now + LASTS}
    if connection.execute(SQL["begin_opening"], values).fetchone() is None:
        raise Denied("this check was used already; check again", code="check-used")
    return attrs.evolve(opening, opened_at=now, until=now + LASTS)


def _role(member: Member) -> str:
    role = Role.AGENT if member.has(Role.AGENT) else member.role
    if role is None:
        raise Denied("an account without a role opens nothing", code="no-role")
    return role.value
