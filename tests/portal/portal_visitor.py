"""A browser without pictures: follows links, fills the forms that are on the page and sends them as a browser would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from html.parser import HTMLParser

import attrs
from httpx import Response
from starlette.testclient import TestClient

from placet.bootstrap import Application
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.subjects.model import Alias, Mandate, MandateKind, Subject


@attrs.define
class Form:
    action: str
    method: str
    fields: dict[str, str] = attrs.field(factory=dict)
    """What is sent if nothing is touched: hidden fields, and radios that are checked beforehand."""
    radios: dict[str, list[str]] = attrs.field(factory=dict)
    buttons: list[tuple[str, str]] = attrs.field(factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside = False

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in pairs}
        if tag == "form":
            self.forms.append(Form(attributes["action"], attributes.get("method", "get")))
            self._inside = True
        elif self._inside and tag == "input":
            self._input(self.forms[-1], attributes)
        elif self._inside and tag == "button":
            self.forms[-1].buttons.append((attributes.get("name", ""), attributes.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False

    def _input(self, form: Form, attributes: dict[str, str]) -> None:
        name = attributes.get("name", "")
        if attributes.get("type") == "radio":
            form.radios.setdefault(name, []).append(attributes["value"])
            if "checked" in attributes:
                form.fields[name] = attributes["value"]
        elif attributes.get("type") == "checkbox" and "checked" not in attributes:
            pass
        else:
            form.fields[name] = attributes.get("value", "")


@attrs.define
class Visitor:
    client: TestClient
    page: Response = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.go("/")

    def go(self, address: str) -> Response:
        self.page = self.client.get(address)
        return self.page

    @property
    def path(self) -> str:
        return self.page.url.path

    @property
    def text(self) -> str:
        return self.page.text

    @property
    def words(self) -> str:
        """The page without its tags, as one line."""
        body = re.sub(r"<[^>]+>", " ", self.text.partition("<body>")[2])
        return " ".join(body.split())

    def forms(self, action: str) -> list[Form]:
        parser = _Forms()
        parser.feed(self.text)
        return [form for form in parser.forms if form.action == action]

    def form(self, action: str) -> Form:
        (form,) = self.forms(action)
        return form

    def send(self, action: str, **fields: str) -> Response:
        """Send the page's form for *action*, with *fields* filled in (`channel_email` is `channel.email`)."""
        filled = {name.replace("channel_", "channel."): value for name, value in fields.items()}
        self.page = self.client.post(
            action,
            data=self.forms(action)[0].fields | filled,
            headers={"origin": "http://127.0.0.1:8000"},
        )
        return self.page

    def answer(self, purpose: str, answer: str, **channels: str) -> Response:
        """Press one of the buttons for *purpose* on the page; refuses a button that is not there."""
        action = f"/choices/{purpose}"
        assert ("answer", answer) in self.form(action).buttons, f"no such button for {purpose}"
        return self.send(action, answer=answer, **{f"channel_{channel}": said for channel, said in channels.items()})

    def sign_in(self, contact: str) -> None:
        self.go("/sign-in")
        assert self.send("/sign-in", contact=contact).status_code == 200
        self.send("/sign-in/code", code=self.code)

    @property
    def code(self) -> str:
        """The code that the demonstration's outbox shows."""
        (code,) = re.findall(r'<b class="figures">(\d{6})</b>', self.text)
        return code

    def state(self, purpose: str) -> str:
        """The word at the head of the purpose's card on the start page."""
        card = self.text.partition(f'id="{purpose}"')[2]
        return card.partition('class="sign"')[2].partition("</span><span>")[2].partition("<")[0].strip()


@attrs.define
class Clock:
    """The portal's time: the real one, moved on by `ahead`."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return clock.now() + self.ahead


def newcomer(
    application: Application, *contacts: str, name: str | None = None, birth_date: date | None = None
) -> Subject:
    aliases = [Alias.email(contact) if "@" in contact else Alias.msisdn(contact) for contact in contacts]
    with application.database.transaction() as connection:
        return application.subjects.add(
            connection, aliases=aliases, language="lv", name=name, birth_date=birth_date, now=clock.now()
        )


def represent(
    application: Application,
    representative: Subject,
    subject: Subject,
    *,
    kind: MandateKind = "parent",
    purposes: Sequence[str] = ("usage", "offers"),
    until: datetime | None = None,
) -> Mandate:
    """Let one person decide for the other from now on."""
    with application.database.transaction() as connection:
        return application.subjects.add_mandate(
            connection,
            representative=representative.id,
            subject=subject.id,
            kind=kind,
            purposes=[PurposeId(purpose) for purpose in purposes],
            proof="seen",
            since=clock.now(),
            until=until,
        )
