"""`placet staff`: the first administrator of an installation, and accounts when nobody can sign in to the pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from placet.access import openings, staff
from placet.access.accounts import INVITED_FOR
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.interfaces.cli.context import find_subject, json_option, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.periods import format_instant

role_option = click.option("--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]))


@click.group("staff")
def staff_group() -> None:
    """Members of staff: accounts and roles. What is done here is written down as done on the server."""


@staff_group.command("add")
@click.argument("login")
@click.option("--name", required=True, help="As colleagues know them.")
@role_option
@click.option("--shop", help="Where they work, if at a counter.")
@json_option
@reported
def staff_add_command(login: str, name: str, roles: Sequence[str], shop: str | None, as_json: bool) -> None:
    """Make an account and print the link with which LOGIN sets a password and a second factor, once, within a day."""
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        member = staff.add(connection, login, name=name, roles=staff.roles_of(roles), shop=shop, by=None, now=now)
        token = application.accounts.invite(connection, member.id, by=None, now=now)
        link = _link(application, token)
    _say_link(member, link, as_json=as_json)


@staff_group.command("list")
@json_option
@reported
def staff_list_command(as_json: bool) -> None:
    """Everybody: login, name, roles, shop, how they sign in, since when they are disabled."""
    with open_application() as application, application.database.transaction() as connection:
        members = staff.listing(connection)
    if as_json:
        print_json([_shown(member) for member in members])
        return
    for member in members:
        roles = ",".join(sorted(member.roles)) or "-"
        ended = "-" if member.disabled_at is None else format_instant(member.disabled_at)
        words = (member.login, roles, member.source, member.shop or "-", ended, member.name)
        out.print("  ".join(words), markup=False)


@staff_group.command("roles")
@click.argument("login")
@role_option
@json_option
@reported
def staff_roles_command(login: str, roles: Sequence[str], as_json: bool) -> None:
    """Give LOGIN these roles and no others; losing one ends all their sessions."""
    _change(login, partial(staff.set_roles, roles=staff.roles_of(roles)), as_json=as_json)


@staff_group.command("disable")
@click.argument("login")
@json_option
@reported
def staff_disable_command(login: str, as_json: bool) -> None:
    """LOGIN signs in no longer, and every session of theirs ends now."""
    _change(login, staff.disable, as_json=as_json)


@staff_group.command("enable")
@click.argument("login")
@json_option
@reported
def staff_enable_command(login: str, as_json: bool) -> None:
    """LOGIN may sign in again, with what they had."""
    _change(login, staff.enable, as_json=as_json)


@staff_group.command("reset")
@click.argument("login")
@json_option
@reported
def staff_reset_command(login: str, as_json: bool) -> None:
    """For who lost password or phone: neither works any more, every session ends, and a new link is printed."""
    with open_application() as application, application.database.transaction() as connection:
        member = staff.by_login(connection, login)
        link = _link(application, application.accounts.reset(connection, member.id, by=None, now=clock.now()))
    _say_link(member, link, as_json=as_json)


@staff_group.command("customer")
@click.argument("login")
@click.argument("subject", required=False)
@json_option
@reported
def staff_customer_command(login: str, subject: str | None, as_json: bool) -> None:
    """LOGIN is the customer SUBJECT: that record does not open for them. Without SUBJECT: none is known of them."""
    with open_application() as application, application.database.transaction() as connection:
        member = staff.by_login(connection, login)
        if subject is None:
            openings.untie(connection, member.id)
        else:
            openings.tie(connection, member.id, find_subject(application, connection, subject).id)
    _say(member, as_json=as_json)


def _change(login: str, change: Callable[..., object], *, as_json: bool) -> None:
    """Do *change* to the account of *login*, as done on the server, and say what it is now."""
    with open_application() as application, application.database.transaction() as connection:
        change(connection, staff.by_login(connection, login).id, by=None, now=clock.now())
        member = staff.by_login(connection, login)
    _say(member, as_json=as_json)


def _link(application: Application, token: str) -> str:
    return f"{application.config.url}/staff/welcome/{token}"


def _shown(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "login": member.login,
        "name": member.name,
        "roles": sorted(member.roles),
        "shop": member.shop,
        "source": member.source,
        "disabled_at": None if member.disabled_at is None else format_instant(member.disabled_at),
    }


def _say(member: Member, *, as_json: bool) -> None:
    if as_json:
        print_json(_shown(member))
    else:
        state = "open" if member.disabled_at is None else "disabled"
        out.print(f"{member.login}  {','.join(sorted(member.roles)) or '-'}  {state}", markup=False)


def _say_link(member: Member, link: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": member.id, "link": link})
        return
    hours = int(INVITED_FOR.total_seconds() // 3600)
    out.print(f"hand this link to {member.login}; it works once, for {hours} hours:", markup=False)
    out.print(link, markup=False)
