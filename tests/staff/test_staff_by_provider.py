"""Staff sign in by the company's identity provider: their groups give the roles, today's groups today's roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import httpx
import oidc_house
import pytest
from oidc_house import CLIENT_ID, CLIENT_SECRET, House
from portal_visitor import Clock, Visitor
from staff_people import hired

from placet.access import staff
from placet.access.federation import groups_of, staff_provider
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.interfaces.staff.app import staff_site
from placet.kernel import clock
from placet.kernel.errors import Misconfigured

Visit = Callable[..., Visitor]


@pytest.fixture
def provider() -> Iterator[House]:
    with oidc_house.opened() as house:
        house.next_person = {"sub": "7", "name": "Agnese Kalniņa", "preferred_username": "Agnese", "groups": ["Shops"]}
        yield house


@pytest.fixture
def federated(house: Application, provider: House) -> Application:
    config = attrs.evolve(
        house.config,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_groups="Shops=agent, Privacy=dpo",
    )
    return attrs.evolve(house, config=config, staff_provider=staff_provider(config))


@pytest.fixture
def arrive(federated: Application, visit: Visit, time: Clock) -> Callable[[], Visitor]:
    site = staff_site(federated, now=time)
    return lambda: visit(site=site)


def through(visitor: Visitor, address: str = "/staff/sign-in/oidc") -> Visitor:
    """To the provider and back, as a browser goes."""
    away = visitor.client.get(address, follow_redirects=False)
    assert away.status_code == 303, away.status_code
    back = httpx.get(away.headers["location"]).headers["location"]
    visitor.page = visitor.client.get(back)
    return visitor


def test_groups_give_roles_and_the_wanted_page_opens(federated: Application, arrive: Callable[[], Visitor]) -> None:
    visitor = arrive()
    visitor.go("/staff/sign-in?next=/staff/account")
    assert "Sign in with the company account" in visitor.words
    through(visitor, "/staff/sign-in/oidc?next=/staff/account")
    assert (visitor.path, visitor.page.status_code) == ("/staff/account", 200)
    with federated.database.transaction() as connection:
        member = staff.by_login(connection, "agnese")
    assert (member.roles, member.source, member.name) == ({Role.AGENT}, "oidc", "Agnese Kalniņa")


def test_todays_groups_are_todays_roles_and_a_lost_one_ends_earlier_sessions(
    federated: Application, provider: House, arrive: Callable[[], Visitor]
) -> None:
    first = through(arrive())
    assert first.go("/staff/account").status_code == 200
    provider.next_person["groups"] = ["Privacy", "Unheard of"]
    through(arrive())
    with federated.database.transaction() as connection:
        (member,) = staff.listing(connection)
    assert member.roles == {Role.DPO}
    assert first.go("/staff/account").url.path == "/staff/sign-in"


@pytest.mark.parametrize("groups", [None, [], ["Unheard of"], "Unheard of", [7, None], {"Shops": 1}])
def test_without_a_group_that_opens_something_nobody_comes_in(
    federated: Application, provider: House, arrive: Callable[[], Visitor], groups: object
) -> None:
    provider.next_person["groups"] = groups
    visitor = through(arrive())
    assert (visitor.page.status_code, "none of your groups" in visitor.words) == (403, True)
    assert "placet_staff" not in visitor.client.cookies
    with federated.database.transaction() as connection:
        assert staff.listing(connection) == []


def test_losing_every_group_takes_the_roles_away(
    federated: Application, provider: House, arrive: Callable[[], Visitor]
) -> None:
    first = through(arrive())
    provider.next_person["groups"] = []
    assert through(arrive()).page.status_code == 403
    assert first.go("/staff/account").url.path == "/staff/sign-in"


def test_a_login_of_the_provider_is_never_taken_for_a_local_account(
    federated: Application, arrive: Callable[[], Visitor]
) -> None:
    local = hired(federated, "agnese", Role.ADMIN)
    visitor = through(arrive())
    assert visitor.page.status_code == 200
    with federated.database.transaction() as connection:
        members = {member.id: member for member in staff.listing(connection)}
    assert members.pop(local.id) == local
    (other,) = members.values()
    assert (other.roles, other.login.startswith("oidc-")) == ({Role.AGENT}, True)


def test_an_account_that_is_disabled_here_stays_out(federated: Application, arrive: Callable[[], Visitor]) -> None:
    through(arrive())
    with federated.database.transaction() as connection:
        staff.disable(connection, staff.by_login(connection, "agnese").id, by=None, now=clock.now())
    assert through(arrive()).page.status_code == 403


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(arrive: Callable[[], Visitor]) -> None:
    visitor, thief = arrive(), arrive()
    away = visitor.client.get("/staff/sign-in/oidc", follow_redirects=False)
    back = httpx.get(away.headers["location"]).headers["location"]
    assert thief.client.get(back).status_code == 403
    assert visitor.client.get(back).status_code == 200
    visitor.client.cookies.delete("placet_staff")
    assert visitor.client.get(back).status_code == 403


@pytest.mark.parametrize(("misbehaviour", "status"), [("500", 503), ("other issuer", 403), ("wrong nonce", 403)])
def test_while_the_provider_fails_the_page_says_so_and_the_other_way_is_open(
    provider: House, arrive: Callable[[], Visitor], misbehaviour: str, status: int
) -> None:
    visitor = arrive()
    provider.misbehave = misbehaviour
    if misbehaviour == "wrong nonce":
        through(visitor)
    else:
        visitor.go("/staff/sign-in/oidc")
    assert visitor.page.status_code == status
    assert visitor.forms("/staff/sign-in"), "the form of the local account"
    assert "Nothing was changed" in visitor.words or "local account still works" in visitor.words


def test_without_a_provider_there_is_no_such_way(visit: Visit) -> None:
    visitor = visit()
    assert visitor.go("/staff/sign-in/oidc").status_code == 404
    assert visitor.go("/staff/sign-in/oidc/back?code=x&state=y").status_code == 404
    assert "company account" not in visitor.go("/staff/sign-in").text


@pytest.mark.parametrize("setting", ["Shops", "Shops=king", "=agent", "Shops=agent,x"])
def test_a_group_without_a_role_is_a_mistake_that_is_told_at_the_start(setting: str) -> None:
    with pytest.raises(Misconfigured):
        groups_of(setting)


def test_in_production_a_provider_is_reached_by_https(federated: Application) -> None:
    for change in ({"mode": "production"}, {"oidc_client_id": None}):
        with pytest.raises(Misconfigured):
            staff_provider(attrs.evolve(federated.config, **change))
