"""An invited member joins, signs in by two factors, and looks after the account; nothing tells who is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import pyotp
import pytest
from portal_visitor import Clock, Visitor
from staff_people import hired, seated, signed_in

from placet.access import staff, staff_sessions
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.interfaces.staff.app import staff_site
from placet.kernel import clock

Visit = Callable[..., Visitor]
PASSWORD = "zils vilks skrien pa mežu"


@attrs.define
class Carried:
    """What a member carries: a password, a phone, a sheet of codes."""

    login: str
    secret: str
    recovery: list[str]

    def code(self, time: Clock) -> str:
        return pyotp.TOTP(self.secret).at(time())


def invited(house: Application, login: str, *roles: Role, now: datetime | None = None) -> str:
    """The address of an invitation."""
    now = now or clock.now()
    with house.database.transaction() as connection:
        member = staff.add(connection, login, name=login.title(), roles=roles, by=None, now=now)
        return "/staff/welcome/" + house.accounts.invite(connection, member.id, by=None, now=now)


def join(visitor: Visitor, address: str, time: Clock, login: str) -> Carried:
    visitor.go(address)
    visitor.send(address, password=PASSWORD)
    assert visitor.path == "/staff/second-factor"
    found = re.search(r"<code class=\"break\">([A-Z2-7 ]+)</code>", visitor.text)
    assert found is not None
    secret = found[1].replace(" ", "")
    visitor.send("/staff/second-factor", code=pyotp.TOTP(secret).at(time()))
    codes = re.findall(r"<code>([A-Z2-7-]{19})</code>", visitor.text)
    assert len(codes) == 10
    return Carried(login, secret, codes)


def first_step(visitor: Visitor, login: str, password: str = PASSWORD) -> None:
    visitor.go("/staff/sign-in")
    visitor.send("/staff/sign-in", login=login, password=password)


@pytest.fixture
def agnese(house: Application, visit: Visit, time: Clock) -> Carried:
    """She joined two minutes ago: the code of then is used."""
    time.ahead = timedelta(minutes=-2)
    carried = join(visit(), invited(house, "agnese", Role.AGENT, now=time()), time, "agnese")
    time.ahead = timedelta()
    return carried


def member(house: Application, login: str) -> Member:
    with house.database.transaction() as connection:
        return staff.by_login(connection, login)


def test_an_invited_member_sets_password_and_second_factor_and_is_in(
    house: Application, visit: Visit, time: Clock
) -> None:
    visitor, address = visit(), invited(house, "agnese", Role.AGENT)
    join(visitor, address, time, "agnese")
    visitor.go("/staff")
    assert visitor.path == "/staff"
    assert "Agnese" in visitor.words
    for used in (address, "/staff/second-factor"):
        assert visit().go(used).status_code == 410


def test_a_weak_password_or_a_wrong_code_is_asked_again_and_changes_nothing(
    house: Application, visit: Visit, time: Clock
) -> None:
    visitor, address = visit(), invited(house, "agnese", Role.AGENT)
    visitor.go(address)
    for weak in ("", "short", "passwordpassword", "agneseagnese1"):
        visitor.send(address, password=weak)
        assert visitor.page.status_code == 400
    visitor.send(address, password=PASSWORD)
    visitor.send("/staff/second-factor", code="000000")
    assert visitor.page.status_code == 400
    assert "does not fit" in visitor.words
    assert visit().go(address).status_code == 200, "the invitation is still good"
    first_step(other := visit(), "agnese")
    assert other.page.status_code == 400


def test_the_square_is_a_picture_of_our_own_and_only_for_who_enrols(
    house: Application, visit: Visit, time: Clock
) -> None:
    visitor, address = visit(), invited(house, "agnese", Role.AGENT)
    visitor.go(address)
    visitor.send(address, password=PASSWORD)
    picture = visitor.client.get("/staff/second-factor/picture")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "no-store"
    assert visit().go("/staff/second-factor/picture").status_code == 410


def test_password_then_code_sign_in_and_lead_to_the_page_that_was_wanted(
    visit: Visit, agnese: Carried, time: Clock
) -> None:
    visitor = visit()
    assert visitor.go("/staff/account").url.path == "/staff/sign-in"
    visitor.send("/staff/sign-in", login="agnese", password=PASSWORD)
    assert visitor.path == "/staff/sign-in/code"
    assert "placet_staff" not in visitor.client.cookies, "one factor opens nothing"
    assert visitor.go("/staff/account").url.path == "/staff/sign-in"
    visitor.go("/staff/sign-in/code")
    visitor.send("/staff/sign-in/code", code=agnese.code(time))
    assert visitor.path == "/staff/account"


def test_another_sites_address_is_never_gone_to_after_signing_in(house: Application, visit: Visit, time: Clock) -> None:
    live = attrs.evolve(house, config=attrs.evolve(house.config, mode="demo"))
    hired(house, "sample", Role.DPO)
    for wanted in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/staff/../../x",
        "/deskevil",
        "/staff\n",
    ):
        visitor = visit(site=staff_site(live, now=time))
        visitor.go("/staff/sign-in")
        visitor.send("/staff/sign-in/demo", login="sample", next=wanted)
        assert visitor.page.url.path == "/staff", wanted


def test_a_wrong_login_password_and_an_unknown_one_answer_alike(visit: Visit, agnese: Carried) -> None:
    answers = set()
    for login in ("agnese", "nobody"):
        visitor = visit()
        first_step(visitor, login, "another password altogether")
        body = re.sub(r'value="([0-9a-f]{64}|agnese|nobody)"', "", visitor.text)
        answers.add((visitor.page.status_code, body))
    assert len(answers) == 1


def test_a_code_is_tried_five_times_and_then_the_password_is_asked_again(visit: Visit, agnese: Carried) -> None:
    visitor = visit()
    first_step(visitor, "agnese")
    for _ in range(4):
        visitor.send("/staff/sign-in/code", code="000000")
        assert (visitor.path, visitor.page.status_code) == ("/staff/sign-in/code", 400)
    visitor.send("/staff/sign-in/code", code="000000")
    assert visitor.page.status_code in (400, 429)
    visitor.go("/staff/sign-in/code")
    if visitor.path == "/staff/sign-in/code":
        visitor.send("/staff/sign-in/code", code="000000")
        assert visitor.path == "/staff/sign-in" or visitor.page.status_code == 429


def test_a_used_one_time_code_does_not_sign_in_again(visit: Visit, agnese: Carried, time: Clock) -> None:
    code = agnese.code(time)
    for status, path in ((200, "/staff"), (400, "/staff/sign-in/code")):
        visitor = visit()
        first_step(visitor, "agnese")
        visitor.send("/staff/sign-in/code", code=code)
        assert (visitor.page.status_code, visitor.path) == (status, path)


def test_the_second_step_of_another_browser_is_of_no_use(visit: Visit, agnese: Carried, time: Clock) -> None:
    visitor, thief = visit(), visit()
    first_step(visitor, "agnese")
    thief.go("/staff/sign-in")
    assert thief.go("/staff/sign-in/code").url.path == "/staff/sign-in"


def test_each_sign_in_has_a_new_token_and_ends_the_one_before(
    house: Application, visit: Visit, agnese: Carried, time: Clock
) -> None:
    visitor = visit()
    before = seated(house, visitor.client, member(house, "agnese"))
    visitor.client.cookies.set("placet_staff", before.token)
    assert visitor.go("/staff/sign-in").url.path == "/staff"
    visitor.client.cookies.delete("placet_staff")
    first_step(visitor, "agnese")
    visitor.client.cookies.set("placet_staff", before.token)
    visitor.send("/staff/sign-in/code", code=agnese.code(time))
    tokens = [cookie.value for cookie in visitor.client.cookies.jar if cookie.name == "placet_staff"]
    assert set(tokens) != {before.token}
    with house.database.transaction() as connection:
        assert staff_sessions.resume(connection, before.token, now=clock.now()) is None


def test_signing_out_ends_the_session_on_the_server(house: Application, visit: Visit, agnese: Carried) -> None:
    visitor = visit()
    session = seated(house, visitor.client, member(house, "agnese"))
    visitor.go("/staff")
    visitor.send("/staff/sign-out")
    visitor.client.cookies.set("placet_staff", session.token)
    assert visitor.go("/staff").url.path == "/staff/sign-in"


def test_a_session_that_is_left_alone_ends(house: Application, visit: Visit, agnese: Carried, time: Clock) -> None:
    visitor = visit()
    seated(house, visitor.client, member(house, "agnese"))
    time.ahead = timedelta(minutes=16)
    assert visitor.go("/staff").url.path == "/staff/sign-in"


def test_a_password_is_changed_only_with_the_present_one_and_a_code_and_ends_other_sessions(
    house: Application, visit: Visit, agnese: Carried, time: Clock
) -> None:
    visitor, new = visit(), "seši melni kaķi dzied"
    agnese_now = member(house, "agnese")
    other = signed_in(house, agnese_now)
    seated(house, visitor.client, agnese_now)
    visitor.go("/staff/account")
    visitor.send("/staff/account/password", password="wrong", code=agnese.code(time), new_password=new)
    assert visitor.page.status_code == 400
    visitor.send("/staff/account/password", password=PASSWORD, code="000000", new_password=new)
    assert visitor.page.status_code == 400
    visitor.send("/staff/account/password", password=PASSWORD, code=agnese.code(time), new_password="agnese agnese")
    assert visitor.page.status_code == 400
    visitor.send("/staff/account/password", password=PASSWORD, code=agnese.recovery[0], new_password=new)
    assert "every other session has ended" in visitor.words
    with house.database.transaction() as connection:
        assert staff_sessions.resume(connection, other.token, now=clock.now()) is None
    for password, status in ((PASSWORD, 400), (new, 200)):
        first_step(later := visit(), "agnese", password)
        assert later.page.status_code == status


def test_another_phone_is_enrolled_with_password_and_code_and_the_old_one_ends(
    house: Application, visit: Visit, agnese: Carried, time: Clock
) -> None:
    visitor = visit()
    seated(house, visitor.client, member(house, "agnese"))
    visitor.go("/staff/account")
    visitor.send("/staff/account/factor", password=PASSWORD, code=agnese.code(time))
    found = re.search(r"<code class=\"break\">([A-Z2-7 ]+)</code>", visitor.text)
    assert found is not None
    secret = found[1].replace(" ", "")
    visitor.send("/staff/second-factor", code=pyotp.TOTP(secret).at(time()))
    time.ahead = timedelta(minutes=2)
    for code, status in ((agnese.code(time), 400), (agnese.recovery[3], 400), (pyotp.TOTP(secret).at(time()), 200)):
        first_step(later := visit(), "agnese")
        later.send("/staff/sign-in/code", code=code)
        assert later.page.status_code == status


def test_sessions_are_listed_and_ended_and_only_ones_own(house: Application, visit: Visit, agnese: Carried) -> None:
    mine, theirs = member(house, "agnese"), hired(house, "martins", Role.AGENT)
    visitor, away, other = visit(), signed_in(house, mine), signed_in(house, theirs)
    seated(house, visitor.client, mine)
    with house.database.transaction() as connection:
        (foreign,) = staff_sessions.listing(connection, theirs.id, now=clock.now())
    visitor.go("/staff/account")
    assert "this session" in visitor.words
    ending = re.findall(r'action="(/staff/account/sessions/[^"]+)"', visitor.text)[0]
    token = visitor.forms("/staff/sign-out")[0].fields
    answer = visitor.client.post(
        f"/staff/account/sessions/{foreign.id}", data=token, headers={"origin": "http://127.0.0.1:8000"}
    )
    assert answer.status_code == 404
    visitor.send(ending)
    with house.database.transaction() as connection:
        assert staff_sessions.resume(connection, other.token, now=clock.now()) is not None
    with house.database.transaction() as connection:
        assert staff_sessions.resume(connection, away.token, now=clock.now()) is None


def test_only_the_demonstration_has_sample_accounts_and_their_buttons(
    house: Application, visit: Visit, time: Clock
) -> None:
    hired(house, "sample", Role.ADMIN)
    visitor = visit()
    visitor.go("/staff/sign-in")
    assert "Sample" not in visitor.words
    fields = visitor.forms("/staff/sign-in")[0].fields | {"login": "sample"}
    for mode in ("development", "production"):
        config = attrs.evolve(house.config, mode=mode)
        outside = visit(site=staff_site(attrs.evolve(house, config=config), now=time))
        outside.go("/staff/sign-in")
        sent = outside.client.post(
            "/staff/sign-in/demo",
            data=fields | outside.forms("/staff/sign-in")[0].fields,
            headers={"origin": "http://127.0.0.1:8000"},
        )
        assert sent.status_code == 404
        assert "placet_staff" not in outside.client.cookies
    inside = visit(site=staff_site(attrs.evolve(house, config=attrs.evolve(house.config, mode="demo")), now=time))
    inside.go("/staff/sign-in")
    inside.send("/staff/sign-in/demo", login="sample")
    assert inside.path == "/staff"


def test_the_demonstrations_button_opens_no_real_account(
    house: Application, visit: Visit, agnese: Carried, time: Clock
) -> None:
    inside = visit(site=staff_site(attrs.evolve(house, config=attrs.evolve(house.config, mode="demo")), now=time))
    hired(house, "sample", Role.AGENT)
    for login in ("agnese", "nobody", ""):
        inside.go("/staff/sign-in")
        inside.send("/staff/sign-in/demo", login=login)
        assert inside.page.status_code == 404
