"""
Who of the staff looked at what, and why: every read that a role makes possible leaves a row that nobody can change.

The rows hold ids only. What a member typed as the reason lies apart, and goes when the person it is about is erased.
"""

from __future__ import annotations

from datetime import datetime

import attrs
from psycopg import Connection

from placet.access import staff
from placet.access.staff import Role
from placet.kernel.errors import BadInput, Denied
from placet.kernel.ids import StaffId, SubjectId
from placet.store.queries import queries

_LONGEST_REASON = 500
_END = 2**62

SQL = queries("placet.access", "reads.sql")


@attrs.frozen
class Read:
    """One privileged read; *reason* is empty once the person was erased."""

    id: int
    at: datetime
    member: StaffId
    name: str
    role: str
    shop: str | None
    what: str
    reason: str
    subject: SubjectId | None


def note(
    connection: Connection,
    *,
    staff: StaffId,
    what: str,
    reason: str,
    subject: SubjectId | None,
    now: datetime,
    role: Role | None = None,
) -> None:
    """
    Write down that *staff* reads *what* about *subject* (None: about nobody in particular) for *reason*.

    *what* is a stable word such as `record` or `reads`; *role* is the one that opened the page, else the first.
    """
    reason = " ".join(reason.split())
    if len(reason) > _LONGEST_REASON:
        raise BadInput(f"a reason has up to {_LONGEST_REASON} characters; nothing was shown", code="bad-reason")
    values = {"member": staff, "role": _role(connection, staff, role), "what": what, "subject": subject, "now": now}
    row = connection.execute(SQL["add_read"], values).fetchone()
    assert row is not None
    if reason:
        connection.execute(SQL["add_reason"], {"read": row[0], "reason": reason})


def of_subject(connection: Connection, subject: SubjectId, *, before: int | None = None, limit: int = 50) -> list[Read]:
    """Who looked at *subject*'s record, newest first; *before* is the id to go on from."""
    values = {"subject": subject, "before": _END if before is None else before, "limit": limit}
    return [Read(*row) for row in connection.execute(SQL["reads_of_subject"], values).fetchall()]


def listing(
    connection: Connection, *, member: StaffId | None = None, before: int | None = None, limit: int = 50
) -> list[Read]:
    """Every privileged read, newest first, of one member or of all."""
    values = {"member": member, "before": _END if before is None else before, "limit": limit}
    return [Read(*row) for row in connection.execute(SQL["reads"], values).fetchall()]


def forget(connection: Connection, subject: SubjectId) -> None:
    """Delete what was written about an erased person; that somebody looked, and when, stays."""
    connection.execute(SQL["forget_reasons"], {"subject": subject})


def _role(connection: Connection, member: StaffId, role: Role | None) -> Role:
    found = role or staff.get(connection, member).role
    if found is None:
        raise Denied("an account without a role reads nothing", code="no-role")
    return found
