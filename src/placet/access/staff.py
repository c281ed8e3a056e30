"""
Who works here, and in which roles. Every change is written down with who made it.

Nobody takes the last administrator away, and nobody raises their own roles: without that, one account is enough to
become everything, or to lock everybody out.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import uuid4

import attrs
from psycopg import Connection

from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import StaffId
from placet.store.queries import queries

Source = Literal["local", "oidc", "demo"]

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}", re.ASCII)
_LONGEST = 200
_END = 2**62

SQL = queries("placet.access", "staff.sql")


class Role(StrEnum):
    """What a member may do; each page names the roles that it is for, and no role stands for another."""

    AGENT = "agent"
    REVIEWER = "reviewer"
    MARKETER = "marketer"
    ANALYST = "analyst"
    DPO = "dpo"
    ADMIN = "admin"


@attrs.frozen
class Member:
    """Somebody who works here. *shop* is where; *source* is who vouches for them."""

    id: StaffId
    login: str
    name: str
    roles: frozenset[Role]
    shop: str | None
    source: Source
    disabled_at: datetime | None

    def has(self, *roles: Role) -> bool:
        """Has this member one of *roles*? None asked for never means yes."""
        return not self.roles.isdisjoint(roles)

    @property
    def role(self) -> Role | None:
        """The role that a log names when none is said: the first in the order of `Role`."""
        return next((role for role in Role if role in self.roles), None)


@attrs.frozen
class Event:
    """Something that was done to an account; *by* is None for the command line and the identity provider."""

    id: int
    at: datetime
    member: StaffId
    name: str
    by: StaffId | None
    by_name: str | None
    kind: str
    detail: str


def add(
    connection: Connection,
    login: str,
    *,
    name: str,
    roles: Collection[Role],
    shop: str | None = None,
    source: Source = "local",
    by: StaffId | None,
    now: datetime,
) -> Member:
    """Record a new member; a login that is taken raises `Conflict`. They sign in once an invitation was used."""
    return _add(connection, Member(StaffId(uuid4()), login, name, frozenset(roles), shop, source, None), by, now)


def add_external(
    connection: Connection, *, issuer: str, external: str, login: str, name: str, roles: Collection[Role], now: datetime
) -> Member:
    """Record a member for whom the identity provider *issuer* vouches under the name *external*."""
    member = Member(StaffId(uuid4()), login, name, frozenset(roles), None, "oidc", None)
    return _add(connection, member, None, now, issuer=issuer, external=external)


def get(connection: Connection, id: StaffId) -> Member:
    """The member with this id, disabled or not; nobody raises `NotFound`."""
    return _demand(connection.execute(SQL["member"], {"id": id}).fetchone())


def by_login(connection: Connection, login: str) -> Member:
    """The member with this login, disabled or not; nobody raises `NotFound`."""
    return _demand(connection.execute(SQL["member_by_login"], {"login": login.strip().lower()}).fetchone())


def by_external(connection: Connection, *, issuer: str, external: str) -> Member | None:
    row = connection.execute(SQL["member_by_external"], {"issuer": issuer, "external": external}).fetchone()
    return None if row is None else _member(row)


def listing(connection: Connection) -> list[Member]:
    """Everybody by name, the disabled last."""
    return [_member(row) for row in connection.execute(SQL["members"]).fetchall()]


def set_roles(
    connection: Connection, id: StaffId, roles: Collection[Role], *, by: StaffId | None, now: datetime
) -> Member:
    """Give *id* these roles and no others; taking one away ends all their sessions."""
    if by == id:
        raise Denied("nobody changes their own roles; ask another administrator", code="own-roles")
    administrators = _administrators(connection)
    member = _demand(connection.execute(SQL["lock_member"], {"id": id}).fetchone())
    if member.source == "oidc":
        raise Conflict("the roles of this account come from the identity provider's groups", code="roles-from-groups")
    wanted = frozenset(roles)
    if Role.ADMIN in member.roles and Role.ADMIN not in wanted:
        _spare_the_last(administrators, id)
    return _set_roles(connection, member, wanted, by, now)


def follow_groups(connection: Connection, member: Member, roles: Collection[Role], *, now: datetime) -> Member:
    """Give an account of the identity provider the roles of its groups, as they are today."""
    return _set_roles(connection, member, frozenset(roles), None, now)


def set_shop(connection: Connection, id: StaffId, shop: str | None, *, by: StaffId | None, now: datetime) -> Member:
    """*id* works in *shop* from now on."""
    member = _demand(connection.execute(SQL["lock_member"], {"id": id}).fetchone())
    shop = _words(shop, "a shop") if shop and shop.strip() else None
    if shop == member.shop:
        return member
    connection.execute(SQL["set_shop"], {"id": id, "shop": shop})
    note(connection, id, "shop", f"{member.shop or '–'} → {shop or '–'}", by=by, now=now)
    return attrs.evolve(member, shop=shop)


def disable(connection: Connection, id: StaffId, *, by: StaffId | None, now: datetime) -> None:
    """*id* signs in no longer, and every session of theirs ends now."""
    if by == id:
        raise Denied("nobody disables their own account; ask another administrator", code="own-account")
    administrators = _administrators(connection)
    member = _demand(connection.execute(SQL["lock_member"], {"id": id}).fetchone())
    if member.disabled_at is not None:
        return
    if Role.ADMIN in member.roles:
        _spare_the_last(administrators, id)
    connection.execute(SQL["set_disabled"], {"id": id, "at": now})
    _end_sessions(connection, id, now)
    note(connection, id, "disabled", by=by, now=now)


def enable(connection: Connection, id: StaffId, *, by: StaffId | None, now: datetime) -> None:
    """*id* may sign in again, with what they had."""
    if by == id:
        raise Denied("nobody enables their own account; ask another administrator", code="own-account")
    member = _demand(connection.execute(SQL["lock_member"], {"id": id}).fetchone())
    if member.disabled_at is None:
        return
    connection.execute(SQL["set_disabled"], {"id": id, "at": None})
    note(connection, id, "enabled", by=by, now=now)


def note(
    connection: Connection, member: StaffId, kind: str, detail: str = "", *, by: StaffId | None, now: datetime
) -> None:
    """Write down what was done to the account *member*; *detail* holds no secret and no personal data."""
    connection.execute(SQL["add_event"], {"member": member, "by": by, "kind": kind, "detail": detail, "now": now})


def events(
    connection: Connection, *, member: StaffId | None = None, before: int | None = None, limit: int = 50
) -> list[Event]:
    """What was done to accounts, newest first, of one member or all; *before* is the id to go on from."""
    values = {"member": member, "before": _END if before is None else before, "limit": limit}
    return [Event(*row) for row in connection.execute(SQL["events"], values).fetchall()]


def roles_of(texts: Collection[str]) -> frozenset[Role]:
    """The roles named by *texts*; another word raises `BadInput`."""
    try:
        return frozenset(Role(text) for text in texts)
    except ValueError:
        raise BadInput(f"a role is one of {', '.join(Role)}; nothing was changed", code="bad-role") from None


def _add(
    connection: Connection,
    member: Member,
    by: StaffId | None,
    now: datetime,
    *,
    issuer: str | None = None,
    external: str | None = None,
) -> Member:
    member = attrs.evolve(member, login=member.login.strip().lower(), name=_words(member.name, "a name"))
    if not _LOGIN.fullmatch(member.login):
        raise BadInput("a login has up to 100 letters a-z, digits and . _ @ + -; nothing was changed", code="bad-login")
    values = attrs.asdict(member) | {"roles": _texts(member.roles), "issuer": issuer, "external": external, "now": now}
    if connection.execute(SQL["add_member"], values).fetchone() is None:
        raise Conflict("this login is taken; nothing was changed", code="login-taken")
    note(connection, member.id, "added", _said(member.roles), by=by, now=now)
    return member


def _set_roles(
    connection: Connection, member: Member, wanted: frozenset[Role], by: StaffId | None, now: datetime
) -> Member:
    if wanted == member.roles:
        return member
    connection.execute(SQL["set_roles"], {"id": member.id, "roles": _texts(wanted)})
    if member.roles - wanted:
        _end_sessions(connection, member.id, now)
    note(connection, member.id, "roles", f"{_said(member.roles)} → {_said(wanted)}", by=by, now=now)
    return attrs.evolve(member, roles=wanted)


def _administrators(connection: Connection) -> set[StaffId]:
    return {StaffId(id) for (id,) in connection.execute(SQL["lock_admins"]).fetchall()}


def _spare_the_last(administrators: set[StaffId], id: StaffId) -> None:
    if administrators <= {id}:
        raise Conflict("this is the last administrator; make another one first", code="last-admin")


def _end_sessions(connection: Connection, id: StaffId, now: datetime) -> None:
    connection.execute(SQL["end_staff_sessions_of"], {"member": id, "now": now})


def _member(row: tuple[Any, ...]) -> Member:
    id, login, name, roles, shop, source, disabled_at = row
    return Member(StaffId(id), login, name, roles_of(roles), shop, source, disabled_at)


def _demand(row: tuple[Any, ...] | None) -> Member:
    if row is None:
        raise NotFound("there is no such member of staff; nothing was changed", code="unknown-member")
    return _member(row)


def _words(text: str, what: str) -> str:
    words = " ".join(text.split())
    if not words or len(words) > _LONGEST or not words.isprintable():
        raise BadInput(f"{what} has 1 to {_LONGEST} characters; nothing was changed", code="bad-name")
    return words


def _texts(roles: Collection[Role]) -> list[str]:
    return [role.value for role in Role if role in roles]


def _said(roles: Collection[Role]) -> str:
    return ", ".join(_texts(roles)) or "–"
