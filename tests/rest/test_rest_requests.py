"""A person's requests over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from rest_support import Api, refused
from starlette.testclient import TestClient

from placet.bootstrap import Application, erase
from placet.kernel import clock
from placet.kernel.ids import parse_uuid


def wish(**more: Any) -> dict[str, Any]:
    return {"kind": "access", "route": "email", "text": "Ko jūs zināt? Что вы знаете? 🙏"} | more


def test_a_request_is_filed_with_its_deadline_and_listed_with_its_steps(api: Api, phone: str) -> None:
    anna = api.person(phone)
    filed = api.post(f"/v1/subjects/{anna}/requests", wish(received_at="2026-03-05T12:00:00Z"))
    assert filed.status_code == 201, filed.text
    body = filed.json()
    assert (body["state"], body["text"], body["subject"]) == ("received", wish()["text"], anna)
    assert body["due"] == "2026-04-07T20:59:59Z"
    (listed,) = api.get(f"/v1/subjects/{anna}/requests").json()["requests"]
    assert listed == body
    assert [step["kind"] for step in listed["steps"]] == ["filed"]


def test_requests_come_in_pages_newest_first(api: Api, phone: str) -> None:
    anna = api.person(phone)
    filed = [api.post(f"/v1/subjects/{anna}/requests", wish()).json()["id"] for _ in range(3)]
    first = api.get(f"/v1/subjects/{anna}/requests?limit=2").json()
    last = api.get(first["next"]).json()
    assert [one["id"] for one in (*first["requests"], *last["requests"])] == filed[::-1]
    assert last["next"] is None


def test_an_idempotency_key_files_once(api: Api, phone: str) -> None:
    path = f"/v1/subjects/{api.person(phone)}/requests"
    first = api.post(path, wish(), **{"idempotency-key": "a"})
    assert api.post(path, wish(), **{"idempotency-key": "a"}).json() == first.json()
    refused(api.post(path, wish(kind="erasure"), **{"idempotency-key": "a"}), 409, "key-reused")
    assert api.post(path, wish(), **{"idempotency-key": "b"}).json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (wish(kind="magic"), 422, "bad-kind"),
        (wish(route="pigeon"), 422, "bad-route"),
        (wish(text="x" * 10_001), 422, "bad-body"),
        (wish(text="a\x07b"), 422, "bad-text"),
        (wish(kind="objection"), 422, "no-concern"),
        (wish(received_at="2999-01-01T00:00:00Z"), 422, "in-the-future"),
        (wish(due="2026-01-01"), 422, "bad-body"),
    ],
)
def test_what_cannot_be_filed_is_refused_with_its_code(
    api: Api, phone: str, sent: dict[str, Any], status: int, code: str
) -> None:
    refused(api.post(f"/v1/subjects/{api.person(phone)}/requests", sent), status, code)


def test_nobodys_and_the_erased_persons_requests(api: Api, phone: str, placet: Application) -> None:
    refused(api.post(f"/v1/subjects/{uuid4()}/requests", wish()), 404, "unknown-subject")
    refused(api.get(f"/v1/subjects/{uuid4()}/requests"), 404, "unknown-subject")
    anna = api.person(phone)
    api.post(f"/v1/subjects/{anna}/requests", wish())
    with placet.database.transaction() as connection:
        erase(placet, connection, parse_uuid(anna, what="a subject"), now=clock.now())  # type: ignore[arg-type]
    refused(api.post(f"/v1/subjects/{anna}/requests", wish()), 409, "erased")
    (left,) = api.get(f"/v1/subjects/{anna}/requests").json()["requests"]
    assert (left["state"], left["text"]) == ("withdrawn", None)


def test_filing_and_reading_take_their_own_scopes(
    http: TestClient, key: Callable[..., str], api: Api, phone: str
) -> None:
    path = f"/v1/subjects/{api.person(phone)}/requests"
    refused(Api(http, key("subjects:read")).post(path, wish()), 403, "scope")
    refused(Api(http, key("subjects:write")).get(path), 403, "scope")
