"""
Every route of every site, tried as everybody: anonymous first, a customer, each role. `roles_matrix.yaml` says who may.

A route that is not in the table fails, and so does a line of the table without a route: whoever adds a page says whom
it is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import attrs
import pytest
import yaml
from anyio.from_thread import start_blocking_portal
from httpx import Response
from staff_people import hired, signed_in
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient

from placet.access import sessions
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.atlas.app import atlas
from placet.interfaces.camara.app import camara
from placet.interfaces.console.app import console
from placet.interfaces.desk.app import desk
from placet.interfaces.http import Server
from placet.interfaces.log.routes import routes as log_routes
from placet.interfaces.portal.app import FORM_KEY_LABEL, portal
from placet.interfaces.rest.answered import Answered
from placet.interfaces.rest.api import api
from placet.interfaces.staff import door
from placet.interfaces.staff.app import staff_site
from placet.interfaces.web.forms import FormKey
from placet.kernel import clock
from placet.subjects.model import Alias, Subject

TABLE = Path(__file__).parent / "roles_matrix.yaml"
EVERYBODY = ("anonymous", "customer", "nothing", *Role)
"""`nothing` is a member of staff without any role."""
GROUPS: Mapping[str, Sequence[str]] = {
    "everybody": EVERYBODY,
    "customer": ("customer",),
    "key": (),
    "staff": ("nothing", *Role),
}
SITE = "http://127.0.0.1:8000"
UPLOADS = {"POST /console/catalogue/propose", "POST /desk/records/{subject}/halves/{half}/signature"}
"""Forms with a file in them."""
ID = "5f0a1c2e-8d3b-4c6f-9a1e-0123456789ab"


@cache
def table() -> dict[str, frozenset[str]]:
    """Who may, by route: `GET /desk`."""
    found: dict[str, frozenset[str]] = {}
    for who, routes in yaml.safe_load(TABLE.read_text(encoding="utf-8")).items():
        may = frozenset(GROUPS.get(who) or () if who in GROUPS else who.replace(",", " ").split())
        assert may <= set(EVERYBODY), who
        for route in routes:
            assert route not in found, f"{route} is in the table twice"
            found[route] = may
    return found


def routes_of(found: Sequence[BaseRoute]) -> Iterator[str]:
    """`GET /desk` for every method and path of *found*, those inside other applications too."""
    for route in found:
        if isinstance(route, Route):
            yield from (f"{method} {route.path}" for method in (route.methods or {"GET"}) - {"HEAD"})
        elif getattr(route, "path", "") != "/static":
            yield from routes_of(getattr(route, "routes", None) or ())


def every_route(application: Application) -> set[str]:
    replica = Replica.of(application.database, application.config)
    of_staff = (staff_site(application), desk(application, replica), console(application, replica))
    sites = (portal(application), atlas(application), camara(application), *of_staff)
    found = {route for site in sites for route in routes_of(site.routes)}
    found |= set(routes_of(log_routes(application).routes))
    described = api(application, replica, Answered()).openapi()["paths"]
    return found | {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}


@attrs.frozen
class Town:
    """One customer, a member for each role, and the whole server."""

    application: Application
    server: Server
    anna: Subject
    members: Mapping[str, Member]

    def cookies(self, who: str) -> dict[str, str]:
        """A new session each time: some routes end the one that they are given."""
        cookies = {"placet_visit": "seed"}
        if who == "customer":
            with self.application.database.transaction() as connection:
                session = sessions.open_session(connection, self.anna.id, "en", now=clock.now())
            cookies["placet_session"] = session.token
        elif who != "anonymous":
            cookies["placet_staff"] = signed_in(self.application, self.members[who]).token
        return cookies

    def try_as(self, client: TestClient, who: str, route: str) -> Response:
        """Ask for *route* with a form that is our own: refused is then refused for who asks."""
        method, _, path = route.partition(" ")
        path = re.sub(r"\{[^}]+\}", ID, path)
        label = door.FORM_KEY_LABEL if path.startswith(("/staff", "/desk", "/console")) else FORM_KEY_LABEL
        token = FormKey(self.application.master.derive(label)).token("seed")
        client.cookies = self.cookies(who)
        headers = {"origin": SITE, "accept-language": "en"}
        form = {"form_token": token} if method == "POST" and not path.startswith("/v1/") else None
        files = {"file": ("empty", b"")} if route in UPLOADS else None
        return client.request(method, path, data=form, files=files, headers=headers, follow_redirects=False)


def turned_away(answer: Response, route: str) -> bool:
    """Was it refused because of who asked? A page that says something else went wrong was reached."""
    if answer.status_code == 401:
        return True
    if answer.status_code == 403:
        assert "foreign-form" not in answer.text, f"{route}: the form of this test is not what the page expects"
        return "<code>role</code>" in answer.text or '"code":"scope"' in answer.text
    location = answer.headers.get("location", "")
    return answer.status_code == 303 and re.fullmatch(r"(/staff)?/sign-in(\?.*)?", location) is not None


@pytest.fixture
def town(placet: Application) -> Town:
    placet.sequencer.start()
    with placet.database.transaction() as connection:
        anna = placet.subjects.add(connection, aliases=[Alias.msisdn("+37120000001")], language="en", now=clock.now())
    members = {role.value: hired(placet, role.value, role) for role in Role}
    return Town(placet, Server(placet), anna, members | {"nothing": hired(placet, "nothing")})


def test_every_route_is_in_the_table_and_nothing_else(placet: Application) -> None:
    routes = every_route(placet)
    assert sorted(routes - set(table())) == [], "whom are these for? say so in roles_matrix.yaml"
    assert sorted(set(table()) - routes) == [], "these are gone"


def test_every_route_opens_to_those_it_is_for_and_to_nobody_else(town: Town) -> None:
    wrong = []
    # Not as a context: the server's background work is not what is tested. All requests share one loop.
    client = TestClient(town.server, base_url=SITE, raise_server_exceptions=False)
    with start_blocking_portal() as client.portal:
        for route, may in sorted(table().items()):
            for who in EVERYBODY:
                answer = town.try_as(client, who, route)
                # Pages of signing in send each other's visitors on; they are nobody's, so nobody is turned away.
                refused = turned_away(answer, route) and may != set(EVERYBODY)
                broken = answer.status_code >= 500 and answer.status_code != 503
                if broken or refused == (who in may):
                    wrong.append(f"{route} as {who}: {answer.status_code} {answer.headers.get('location', '')}")
    client.close()
    assert not wrong, "\n".join(wrong)
