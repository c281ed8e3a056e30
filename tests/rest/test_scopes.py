"""Every route names the scope it needs, and opens for a key that has it and for no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from rest_support import Api, refused
from starlette.testclient import TestClient

from placet.access import keys
from placet.bootstrap import Application
from placet.kernel import clock

PUBLIC = {"/healthz", "/readyz", "/metrics", "/v1/openapi.json"}
"""All that may be read without a key. Adding a path here is a decision, not a habit."""

SOMEBODY = UUID("3f8a1c2e-0000-4000-8000-00000000dead")


@pytest.fixture
def document(http: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/v1/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield method.upper(), path, operation


def address(path: str) -> str:
    for name in ("subject", "record", "audience", "webhook"):
        path = path.replace(f"{{{name}}}", str(SOMEBODY))
    return path.replace("{purpose}", "offers")


def test_every_route_names_exactly_one_scope_that_keys_can_have_or_is_listed_as_public(
    document: dict[str, Any],
) -> None:
    undeclared = []
    for method, path, operation in operations(document):
        security = operation.get("security")
        scopes = [scope for need in security or [] for found in need.values() for scope in found]
        declared = len(scopes) == 1 and scopes[0] in keys.SCOPES and set(security[0]) == {"apiKey"}
        if not (declared or (path in PUBLIC and security == [])):
            undeclared.append(f"{method} {path}: {security}")
    assert undeclared == []


def test_every_route_that_the_server_has_is_described(http: TestClient, document: dict[str, Any]) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    assert len(described) >= 20
    for path in ("/v1/decisions", "/v1/check"):
        assert ("POST", path) in described


def test_every_route_refuses_no_key_a_wrong_key_and_a_revoked_one(
    http: TestClient, placet: Application, document: dict[str, Any]
) -> None:
    with placet.database.transaction() as connection:
        made = keys.add(connection, "gone", keys.SCOPES, now=clock.now())
        keys.revoke(connection, made.id, now=clock.now())
    placet.api_keys.refresh(clock.now())
    shown: dict[str, dict[str, str]] = {
        "none": {},
        "another kind": {"authorization": "Basic YTpi"},
        "malformed": {"authorization": "Bearer pk_no"},
        "unknown": {"authorization": "Bearer pk_000000000000_" + "0" * 48},
        "revoked": {"authorization": f"Bearer {made.text}"},
    }
    for method, path, operation in operations(document):
        if operation["security"] == []:
            continue
        for kind, headers in shown.items():
            answer = http.request(method, address(path), headers=headers, json={})
            assert answer.status_code == 401, (method, path, kind, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["code"] in {"key", "no-key"}


def test_every_route_refuses_a_key_that_has_every_scope_but_its_own(
    http: TestClient, key: Callable[..., str], document: dict[str, Any]
) -> None:
    """Also `admin`: it stands for no other scope."""
    without = {scope: key(*(keys.SCOPES - {scope})) for scope in keys.SCOPES}
    for method, path, operation in operations(document):
        if operation["security"] == []:
            continue
        (scope,) = operation["security"][0]["apiKey"]
        answer = http.request(method, address(path), headers={"authorization": f"Bearer {without[scope]}"}, json={})
        refused(answer, 403, "scope")


def test_every_route_opens_for_a_key_with_its_scope_alone(
    http: TestClient, key: Callable[..., str], document: dict[str, Any]
) -> None:
    """It may still answer that there is nobody of that id; the door itself is open."""
    alone = {scope: key(scope) for scope in keys.SCOPES}
    for method, path, operation in operations(document):
        if operation["security"] == []:
            continue
        (scope,) = operation["security"][0]["apiKey"]
        answer = http.request(method, address(path), headers={"authorization": f"Bearer {alone[scope]}"}, json={})
        assert answer.status_code not in (401, 403), (method, path, answer.text)


def test_an_id_that_somebody_else_has_shows_nothing_of_them(api: Api, phone: str) -> None:
    """Ids of one kind open nothing as another kind, and an unknown id answers as an erased trace would: nothing."""
    anna = api.person(phone)
    record = api.decide(anna, "usage", "refused").json()["record"]
    for path in (
        f"/v1/receipts/{anna}",
        f"/v1/subjects/{record}/state",
        f"/v1/subjects/{record}/history",
        f"/v1/subjects/{record}/uses",
        f"/v1/subjects/{record}/export",
        f"/v1/audiences/{anna}",
        f"/v1/webhooks/{anna}",
    ):
        answer = api.get(path)
        assert answer.status_code == 404, (path, answer.text)
        assert anna not in answer.text.replace(path, "")


def test_a_key_over_its_rate_is_told_how_long_to_wait(http: TestClient, placet: Application) -> None:
    with placet.database.transaction() as connection:
        made = keys.add(connection, "slow", ["catalogue:read"], now=clock.now(), per_second=1, burst=2)
    placet.api_keys.refresh(clock.now())
    headers = {"authorization": f"Bearer {made.text}"}
    answers = [http.get("/v1/catalogue", headers=headers) for _ in range(4)]
    refused(answers[-1], 429, "rate-limit")
    assert int(answers[-1].headers["retry-after"]) >= 1
