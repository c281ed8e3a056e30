"""
One member's access to one record: for a reason, after an identity check, for twenty minutes.

Nothing prolongs an opening; a new check (`opening_checks`) makes a new one. A member's own record never opens for them;
a colleague's does, and is flagged. The person sees every opening (`of_subject`).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

import attrs
from psycopg import Connection

from placet.access.codes import VALID
from placet.access.staff import Member
from placet.kernel.errors import BadInput, Denied, TooMany
from placet.kernel.ids import MandateId, StaffId, SubjectId
from placet.store.queries import queries
from placet.subjects import rules
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Mandate
from placet.subjects.vault import open_field

LASTS = timedelta(minutes=20)
KEEP = timedelta(days=1)
"""How long unfinished openings and counted tries are kept."""
LONGEST_WORDS = 500

Reason = Literal["decision", "question", "request", "correction", "complaint", "other"]
REASONS: tuple[Reason, ...] = get_args(Reason)
Document = Literal["id-card", "passport", "residence-permit", "driving-licence"]
DOCUMENTS: tuple[Document, ...] = get_args(Document)
Proof = Literal["document", "code", "mandate"]
Kin = Literal["own", "colleague"]
Kind = Literal["find", "check"]

LIMITS: dict[Kind, tuple[int, timedelta]] = {"find": (120, timedelta(hours=1)), "check": (5, timedelta(minutes=15))}
"""How many searches, and how many failed checks, within which time."""

SQL = queries("placet.access", "openings.sql")
WORDS_FIELD = "opening"
"""What the sealed words are bound to."""
_END = datetime.max.replace(tzinfo=UTC)


@attrs.frozen
class Asked:
    """Who wants to open whose record, and why."""

    member: Member
    subject: SubjectId
    reason: Reason
    words: str = attrs.field(default="", repr=False)


@attrs.frozen
class Opening:
    """Access to one record, open or past; *role* and *shop* as they were then. *until* None: a code is awaited."""

    id: UUID
    member: StaffId
    name: str
    role: str
    shop: str | None
    subject: SubjectId
    reason: Reason
    words: bytes | None = attrs.field(repr=False)
    """What was typed as the reason, sealed under the subject's key (`words_of`)."""
    proof: Proof
    detail: str
    compared: bool
    mandate: MandateId | None
    challenge: UUID | None
    flagged: bool
    asked_at: datetime
    opened_at: datetime | None
    until: datetime | None
    ended_at: datetime | None

    @property
    def closed_at(self) -> datetime | None:
        """When it ends or ended."""
        return self.until if self.ended_at is None else self.ended_at


# Reading


def live(
    connection: Connection, subjects: Subjects, member: StaffId, subject: SubjectId, *, now: datetime
) -> Opening | None:
    """The member's opening of this record that holds at *now*; one by mandate holds no longer than the mandate."""
    found = next(iter(_rows(connection, "live_openings", member=member, subject=subject, now=now)), None)
    if found is None or found.mandate is None:
        return found
    still = any(mandate.id == found.mandate for mandate in in_force(connection, subjects, subject, now))
    return found if still else None


def others(connection: Connection, opening: Opening, *, now: datetime) -> list[Opening]:
    """Who else has this record open: each must see that the other is there."""
    found = _rows(connection, "live_openings", member=None, subject=opening.subject, now=now)
    by_member = {other.member: other for other in found if other.member != opening.member}
    return list(by_member.values())


def of_member(connection: Connection, member: StaffId, *, now: datetime) -> list[Opening]:
    """The records that *member* has open."""
    return _rows(connection, "live_openings", member=member, subject=None, now=now)


def of_subject(
    connection: Connection, subject: SubjectId, *, before: datetime | None = None, limit: int = 50
) -> list[Opening]:
    """Who opened *subject*'s record, newest first, those opened before *before*; for the person's own eyes too."""
    values = {"subject": subject, "before": _END if before is None else before, "limit": limit}
    return _rows(connection, "openings_of_subject", **values)


def flagged(connection: Connection, *, limit: int = 50) -> list[Opening]:
    """The openings of colleagues' records, newest first."""
    return _rows(connection, "flagged_openings", limit=limit)


def awaited(connection: Connection, member: StaffId, subject: SubjectId, *, now: datetime) -> Opening | None:
    """The opening for which a code was sent and may still be entered."""
    found = _rows(connection, "awaiting_code", member=member, subject=subject, since=now - VALID)
    return found[0] if found else None


def words_of(opening: Opening, key: bytes) -> str:
    """What the member typed as the reason; *key* is the subject's."""
    return "" if opening.words is None else open_field(key, opening.subject, WORDS_FIELD, opening.words)


def reachable(connection: Connection, subjects: Subjects, subject: SubjectId) -> list[Alias]:
    """The present contacts to which a code can be sent, in a steady order."""
    return [
        contact.alias
        for contact in subjects.contacts(connection, subject)
        if contact.period.end is None and contact.alias.kind in {"msisdn", "email"}
    ]


def chosen(connection: Connection, subjects: Subjects, subject: SubjectId, place: int) -> Alias:
    """The contact at *place* of `reachable`."""
    known = reachable(connection, subjects, subject)
    if not 0 <= place < len(known):
        raise BadInput("choose one of the contacts that are on record; nothing was sent", code="unknown-contact")
    return known[place]


def in_force(connection: Connection, subjects: Subjects, subject: SubjectId, now: datetime) -> list[Mandate]:
    """The mandates by which somebody may decide for *subject* at *now*, on one purpose at least."""
    born = subjects.profile(connection, subject).birth_date
    return [
        mandate
        for mandate in subjects.mandates(connection, subject)
        if mandate.subject == subject
        and isinstance(
            rules.may_decide(mandate, born=born, purpose=min(mandate.purposes), at=now, zone=subjects.zone),
            rules.MayDecide,
        )
    ]


# Closing, counting, forgetting


def end(connection: Connection, opening: Opening, *, now: datetime) -> None:
    """The member is done with the record."""
    connection.execute(SQL["end_openings"], {"member": opening.member, "subject": opening.subject, "now": now})


def first_sight(connection: Connection, opening: Opening, what: str) -> bool:
    """Is this the first page of the kind *what* in this opening? Each is written down once (`access.reads`)."""
    return connection.execute(SQL["first_sight"], {"id": opening.id, "what": what}).fetchone() is not None


def count_search(connection: Connection, member: StaffId, *, now: datetime) -> None:
    """Count a search; `TooMany` for a member who leafs through everybody."""
    limit(connection, member, "find", now)
    connection.execute(SQL["add_try"], {"member": member, "kind": "find", "subject": None, "now": now})


def limit(connection: Connection, member: StaffId, kind: Kind, now: datetime) -> None:
    """Raise `TooMany` for a member who tried too often; tries are counted one after the other."""
    most, window = LIMITS[kind]
    connection.execute(SQL["take_desk_turn"], {"member": member})
    values = {"member": member, "kind": kind, "since": now - window}
    row = connection.execute(SQL["recent_tries"], values).fetchone()
    assert row is not None
    count, oldest = row
    if count >= most:
        wait = max(1, math.ceil((oldest + window - now).total_seconds()))
        raise TooMany(f"too many tries; wait {wait} s and try again", code="too-many-tries", retry_after=wait)


def tie(connection: Connection, member: StaffId, subject: SubjectId) -> None:
    """*member* is the customer *subject*: that record stays closed to them."""
    connection.execute(SQL["tie"], {"member": member, "subject": subject})


def untie(connection: Connection, member: StaffId) -> None:
    connection.execute(SQL["untie"], {"member": member})


def customer_of(connection: Connection, member: StaffId) -> SubjectId | None:
    """Which customer *member* is, as far as they said so."""
    row = connection.execute(SQL["customer_of"], {"member": member}).fetchone()
    return None if row is None else SubjectId(row[0])


def kin(connection: Connection, subjects: Subjects, member: Member, subject: SubjectId) -> Kin | None:
    """Is this record the member's own, or a colleague's? Known by what was recorded, and by logins that are e-mails."""
    ids = [identity.id for identity in subjects.identities(connection, subject)]
    emails = [alias.value for alias in reachable(connection, subjects, subject) if alias.kind == "email"]
    found = {id for (id,) in connection.execute(SQL["tied"], {"subjects": ids, "emails": emails})}
    if member.id in found:
        return "own"
    return "colleague" if found else None


def demand_not_own(connection: Connection, subjects: Subjects, member: Member, subject: SubjectId) -> bool:
    """Refuse the member's own record; True for a colleague's."""
    related = kin(connection, subjects, member, subject)
    if related == "own":
        raise Denied("this is your own record; a colleague must open it, or use the portal", code="own-record")
    return related is not None


def forget(connection: Connection, subject: SubjectId) -> None:
    """Delete what was typed about an erased person."""
    connection.execute(SQL["forget_openings"], {"subject": subject})


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete openings whose code never came, and tries that count no longer; returns how many openings."""
    return connection.execute(SQL["sweep_openings"], {"since": now - KEEP}).rowcount


def _rows(connection: Connection, name: str, **values: Any) -> list[Opening]:
    return [_opening(row) for row in connection.execute(SQL[name], values).fetchall()]


def _opening(row: Collection[Any]) -> Opening:
    return Opening(*row)
