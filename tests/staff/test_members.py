"""Administrators look after the accounts; nobody else does, nobody their own, and everything is written down."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from portal_visitor import Visitor
from staff_people import hired, seated, signed_in

from placet.access import staff, staff_sessions
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.kernel import clock
from placet.kernel.ids import new_subject_id

Visit = Callable[..., Visitor]
OWN = {"origin": "http://127.0.0.1:8000"}


@pytest.fixture
def oskars(house: Application) -> Member:
    return hired(house, "oskars", Role.ADMIN)


@pytest.fixture
def admin(house: Application, visit: Visit, oskars: Member) -> Visitor:
    visitor = visit()
    seated(house, visitor.client, oskars)
    return visitor


def change(visitor: Visitor, member: Member, kind: str, **fields: str) -> int:
    """Press a button of the member's page, whether or not it is there."""
    token = visitor.go("/staff").text
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', token)
    assert found is not None
    data = {"form_token": found[1], "change": kind} | {
        name.replace("role_", "role."): value for name, value in fields.items()
    }
    visitor.page = visitor.client.post(f"/staff/members/{member.id}", data=data, headers=OWN)
    return visitor.page.status_code


def test_an_administrator_invites_and_the_link_is_shown_once(house: Application, admin: Visitor, visit: Visit) -> None:
    admin.go("/staff/members/new")
    admin.send("/staff/members/new", login="Agnese", name="Agnese Kalniņa", shop="Rīga", **{"role.agent": "1"})
    link = re.search(r"http://127.0.0.1:8000(/staff/welcome/[\w-]{43})", admin.text)
    assert link is not None
    assert visit().go(link[1]).status_code == 200
    assert link[1] not in admin.go("/staff/members").text
    with house.database.transaction() as connection:
        member = staff.by_login(connection, "agnese")
    assert (member.roles, member.shop, member.source) == ({Role.AGENT}, "Rīga", "local")
    admin.go("/staff/members/new")
    admin.send("/staff/members/new", login="agnese", name="Another", **{"role.agent": "1"})
    assert (admin.page.status_code, "This login is taken" in admin.words) == (400, True)


@pytest.mark.parametrize(
    "fields", [{"login": "", "name": "x"}, {"login": "x", "name": ""}, {"login": "x", "name": "x", "role.king": "1"}]
)
def test_what_is_no_account_is_asked_again(admin: Visitor, fields: dict[str, str]) -> None:
    admin.go("/staff/members/new")
    admin.send("/staff/members/new", **fields)
    assert admin.page.status_code == 400
    assert "Make the link" in admin.words


def test_roles_are_set_as_ticked_and_a_lost_one_ends_the_sessions(house: Application, admin: Visitor) -> None:
    agnese = hired(house, "agnese", Role.AGENT, Role.DPO)
    session = signed_in(house, agnese)
    admin.go(f"/staff/members/{agnese.id}")
    assert admin.text.count("checked") == 2
    assert change(admin, agnese, "roles", role_agent="1", role_analyst="1") == 200
    with house.database.transaction() as connection:
        assert staff.get(connection, agnese.id).roles == {Role.AGENT, Role.ANALYST}
        assert staff_sessions.resume(connection, session.token, now=clock.now()) is None


def test_an_administrator_changes_nothing_of_their_own_account(
    house: Application, admin: Visitor, oskars: Member
) -> None:
    hired(house, "second", Role.ADMIN)
    assert "another administrator changes it" in admin.go(f"/staff/members/{oskars.id}").text
    for kind, fields in (("roles", {"role_dpo": "1"}), ("disable", {}), ("enable", {}), ("reset", {})):
        assert change(admin, oskars, kind, **fields) == 400, kind
    with house.database.transaction() as connection:
        assert staff.get(connection, oskars.id) == oskars


def test_the_last_administrator_stays(house: Application, admin: Visitor, oskars: Member) -> None:
    second = hired(house, "second", Role.ADMIN)
    assert change(admin, second, "disable") == 200
    third = hired(house, "third", Role.ADMIN)
    with house.database.transaction() as connection:
        staff.disable(connection, oskars.id, by=third.id, now=clock.now())
    visitor = admin
    seated(house, visitor.client, third)
    assert change(visitor, third, "roles", role_agent="1") == 400


def test_disabling_ends_sessions_at_once_and_enabling_is_written_down_too(house: Application, admin: Visitor) -> None:
    agnese = hired(house, "agnese", Role.AGENT)
    session = signed_in(house, agnese)
    assert change(admin, agnese, "disable") == 200
    with house.database.transaction() as connection:
        assert staff_sessions.resume(connection, session.token, now=clock.now()) is None
    assert change(admin, agnese, "enable") == 200
    admin.go(f"/staff/members/{agnese.id}")
    for said in ("Account disabled", "Account enabled again", "Signed in", "Account made"):
        assert said in admin.words


def test_a_change_that_is_not_on_the_page_or_of_nobody_is_refused(house: Application, admin: Visitor) -> None:
    agnese = hired(house, "agnese", Role.AGENT)
    assert change(admin, agnese, "promote") == 400
    assert change(admin, agnese, "roles", role_king="1") == 400
    assert change(admin, agnese, "invite") == 400, "a sample account has no password"
    assert admin.go(f"/staff/members/{new_subject_id()}").status_code == 404
    assert admin.go("/staff/members/7").status_code == 400
