"""
One database role for each purpose (B6): under it, a query returns the rows of consenting customers and nothing else.

Roles belong to the server and purposes to the catalogue, so they are made here and not in a migration. They cannot
log in; the program is a member of each, inherits from none (NOINHERIT), and takes one on for a transaction with
`SET LOCAL ROLE` (`under_purpose`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from psycopg import Connection, errors, sql

from placet.gate import store
from placet.gate.layout import PURPOSES
from placet.kernel.errors import Denied
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.store.queries import queries

_SQL = queries("placet.gate", "roles.sql")

# Most activities need one purpose: then the partial index of the given states answers alone. The rest is asked of
# those only whom it lets through.
_VIEW = """
    CREATE OR REPLACE VIEW {view} AS
    SELECT own.number FROM consents.current AS own
    WHERE own.purpose = {purpose} AND own.channel = '' AND own.decision = 'given'
      AND own.notice_major = (SELECT major FROM gate.asked() WHERE purpose = {purpose} AND channel = '')
      AND (own.expires_at IS NULL OR own.expires_at > statement_timestamp())
      AND own.number NOT IN (SELECT number FROM subjects.current WHERE merged_into IS NOT NULL)
      AND own.number NOT IN (SELECT number FROM gate.restriction WHERE until IS NULL AND purpose IN ('', {purpose}))
      AND ((SELECT count(*) FROM gate.asked()) = 1
           OR EXISTS (SELECT FROM gate.consenting WHERE consenting.number = own.number))
"""
_GRANTS = (
    "GRANT USAGE ON SCHEMA gate TO {role}",
    "GRANT EXECUTE ON FUNCTION gate.asked() TO {role}",
    "GRANT SELECT ON {view} TO {role}",
)


def ensure(connection: Connection, prefix: str) -> None:
    """
    Make the purpose roles that are missing, with their views and policies.

    *connection* may create roles and is in autocommit. Running it again changes nothing, and locks nothing.
    """
    owner = sql.Identifier(f"{prefix}_owner")
    wanted = {purpose: f"{prefix}_{purpose}" for purpose in _purposes(connection, owner)}
    done = {purpose for (purpose,) in connection.execute(_SQL["complete"], {"prefix": prefix})}
    missing = {purpose: role for purpose, role in wanted.items() if purpose not in done}
    if not missing:
        return
    for role in missing.values():
        _create(connection, role, app=f"{prefix}_app")
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(owner))
        for purpose, role in missing.items():
            _open(connection, purpose, role)
        for (relation,) in connection.execute(_SQL["guarded"]).fetchall():
            connection.execute(_SQL["guard"], {"relation": relation})


@contextlib.contextmanager
def under_purpose(connection: Connection, activity: ActivityId, channel: ChannelId | None) -> Iterator[None]:
    """
    Read under *activity*'s purpose role: each statement shows the rows of those who consent when it starts (B6).

    Inside a transaction at READ COMMITTED; above it nothing is shown. A statement or a server-side cursor that runs
    already keeps its snapshot, so draw long lists in pages. Outside the block the program is itself again.
    """
    role = store.role_of(connection, activity)
    if role is None:
        raise Denied(f"{activity} needs no purpose, so no purpose's role reads for it", code="no-purpose-role")
    with connection.transaction():
        store.take_role(connection, role, activity, channel)
        yield
        store.leave_role(connection)


def _purposes(connection: Connection, owner: sql.Identifier) -> list[PurposeId]:
    """Those of the published catalogue, and those we ship: before the first publication there are no others."""
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(owner))
        published = [PurposeId(purpose) for (purpose,) in connection.execute(_SQL["purposes"])]
    return list(dict.fromkeys([*PURPOSES, *published]))


def _create(connection: Connection, role: str, *, app: str) -> None:
    # Another process of ours may be making it at this moment: the second one finds it made.
    with contextlib.suppress(errors.DuplicateObject, errors.UniqueViolation), connection.transaction():
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(sql.Identifier(role)))
    with contextlib.suppress(errors.UniqueViolation), connection.transaction():
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(app)))


def _open(connection: Connection, purpose: PurposeId, role: str) -> None:
    """The owner's view of whose rows *purpose* may see, readable by its role and by no other."""
    names = {
        "view": sql.Identifier("gate", f"open_{purpose}"),
        "purpose": sql.Literal(purpose),
        "role": sql.Identifier(role),
    }
    for statement in (_VIEW, *_GRANTS):
        connection.execute(sql.SQL(statement).format(**names))
    connection.execute(_SQL["remember"], {"purpose": purpose, "role": role})
