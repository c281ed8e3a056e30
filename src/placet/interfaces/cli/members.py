"""Which member of staff a command acts for: what is done to a person's rights has a name to it."""

from __future__ import annotations

import click
from psycopg import Connection

from placet.access import staff
from placet.consents.model import Actor
from placet.kernel.errors import Denied
from placet.kernel.ids import StaffId

member_option = click.option("--as", "login", required=True, metavar="LOGIN", help="The member of staff who does it.")


def member(connection: Connection, login: str) -> StaffId:
    """The member with this login; an account that is disabled raises `Denied`."""
    found = staff.by_login(connection, login)
    if found.disabled_at is not None:
        raise Denied("this account is disabled; nothing was changed", code="member-disabled")
    return found.id


def acting(connection: Connection, login: str) -> Actor:
    """The same, as a history names who acted."""
    return Actor("agent", str(member(connection, login)))
