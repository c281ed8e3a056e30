"""Words that the tests of `/v1` share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs
import httpx

from placet.bootstrap import Application
from placet.delivery.model import Kind, Message
from placet.delivery.notes import Filled
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, SubjectId

JSON = {"content-type": "application/json"}


@attrs.frozen
class Api:
    """Requests with one key."""

    http: Any
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path, headers=self.headers)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers=self.headers | headers)

    def send(self, path: str, content: bytes, *, method: str = "POST") -> httpx.Response:
        """Bytes as they are, announced as JSON."""
        return self.http.request(method, path, content=content, headers=self.headers | JSON)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(path, headers=self.headers)

    def person(self, phone: str) -> str:
        """A person with this number; their id."""
        added = self.post("/v1/subjects", {"aliases": [f"msisdn:{phone}"], "name": "Anna Kalniņa"})
        assert added.status_code == 201, added.text
        return str(added.json()["id"])

    def shown(self, purpose: str, language: str = "lv", route: str = "api") -> str:
        """Fetch the text, as an integrator must before a yes; its hash."""
        notice = self.get(f"/v1/notices/{purpose}?language={language}&route={route}")
        assert notice.status_code == 200, notice.text
        return str(notice.json()["sha256"])

    def decide(self, subject: str, purpose: str, decision: str, **more: Any) -> httpx.Response:
        """Say it; a yes is said on the text in force."""
        body = {"subject": subject, "purpose": purpose, "decision": decision, "language": "lv", **more}
        if decision == "given" and "shown" not in more:
            body["shown"] = self.shown(purpose)
        return self.post("/v1/decisions", body)


def put_in_inbox(placet: Application, subject: str, title: str, *, template: str = "spring") -> str:
    """A text that lies in the app's inbox; the id of its message."""
    now, person = clock.now(), SubjectId(UUID(subject))
    with placet.database.transaction() as connection:
        message = Message(
            subject=person, key=title, kind=Kind.OFFER, activity=ActivityId("offers.app-campaign"),
            channel=ChannelId("by-hand"), template=template, language="en", not_before=now,
            not_after=now + timedelta(days=1),
        )  # fmt: skip
        (id,) = placet.delivery.plan(connection, [message], now=now).fresh
        placet.inbox.put(connection, person, id, Filled(title, ("One.", "Two.")), now=now)
    return str(id)


def refused(response: httpx.Response, status: int, code: str) -> None:
    """The answer is a problem (RFC 9457) with this status and code."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), response.text
    assert body["status"] == status
    assert body["type"] == f"urn:placet:error:{code}"
    assert body["title"]
    assert body["detail"]
