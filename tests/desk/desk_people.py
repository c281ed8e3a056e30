"""A member at the desk: once without pictures, once in a real browser."""

from __future__ import annotations

import re

import attrs
from httpx import Response
from starlette.testclient import TestClient

from placet.access.staff import Member
from placet.subjects.model import Subject
from portal.portal_browser import Guest
from portal.portal_visitor import Form, Visitor

ORIGIN = {"origin": "http://127.0.0.1:8000"}


@attrs.define
class AtDesk:
    """A member with a browser without pictures."""

    client: TestClient
    member: Member
    visitor: Visitor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.visitor = Visitor(self.client)
        self.go("/desk")

    def go(self, address: str) -> Response:
        return self.visitor.go(address)

    def form(self, action: str) -> Form:
        return self.visitor.forms(action)[0]

    def send(self, action: str, **fields: str) -> Response:
        """Send the page's first form for *action* with *fields* (`channel_sms` is `channel.sms`)."""
        return self.visitor.send(action, **fields)

    def post(self, action: str, **fields: str) -> Response:
        """Send *fields* to *action* with the token of the page at hand, whether or not it has such a form."""
        token = re.findall(r'name="form_token" value="([0-9a-f]+)"', self.text)[0]
        self.visitor.page = self.client.post(action, data={"form_token": token, **fields}, headers=ORIGIN)
        return self.visitor.page

    def upload(self, action: str, image: bytes, name: str = "image") -> Response:
        token = re.findall(r'name="form_token" value="([0-9a-f]+)"', self.text)[0]
        files = {name: ("signature.png", image, "image/png")}
        self.visitor.page = self.client.post(action, data={"form_token": token}, files=files, headers=ORIGIN)
        return self.visitor.page

    def open(self, person: Subject, *, digits: str = "4321") -> Response:
        """Open the record after seeing a document."""
        self.go(f"/desk/records/{person.id}/open")
        return self.send(
            f"/desk/records/{person.id}/open", reason="decision", proof="document", document="passport", digits=digits
        )

    @property
    def status(self) -> int:
        return self.visitor.page.status_code

    @property
    def path(self) -> str:
        return self.visitor.path

    @property
    def text(self) -> str:
        return self.visitor.text

    @property
    def words(self) -> str:
        return self.visitor.words

    @property
    def code(self) -> str:
        return self.visitor.code


@attrs.define
class Seat:
    """A member at a real browser."""

    guest: Guest

    def go(self, address: str) -> None:
        self.guest.go(address)

    def press(self, selector: str) -> None:
        self.guest.press(selector)

    def fill(self, selector: str, text: str) -> None:
        self.guest.page.fill(selector, text)

    def open(self, person: Subject, *, text: str = "20000001", digits: str = "4321") -> None:
        """Find, check a document, open: as a member does it."""
        self.go("/desk")
        self.fill("#text", text)
        self.press("form[action='/desk/find'] button")
        self.press(f"a[href='/desk/records/{person.id}/open']")
        self.guest.page.check("input[name=reason][value=decision]")
        self.guest.page.select_option("#document", "passport")
        self.fill("#digits", digits)
        self.press("button[value=document]")

    @property
    def words(self) -> str:
        return " ".join(self.guest.page.inner_text("main").split())

    @property
    def path(self) -> str:
        return self.guest.path
