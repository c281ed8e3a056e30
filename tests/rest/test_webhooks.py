"""Registering subscribers over HTTP, and that a serving process delivers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rest_support import Api, refused


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[Any]]]:
    told: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", told
    server.shutdown()
    server.server_close()


def test_a_withdrawal_reaches_a_registered_program(api: Api, phone: str, inbox: tuple[str, list[Any]]) -> None:
    url, told = inbox
    anna = api.person(phone)
    added = api.post("/v1/webhooks", {"url": url})
    assert added.status_code == 201
    assert added.json()["secret"].startswith("whsec_")
    api.decide(anna, "usage", "given")
    said = api.decide(anna, "usage", "withdrawn").json()
    end = time.monotonic() + 20
    while not any(change["token"] == said["token"] for message in told for change in message["changes"]):
        assert time.monotonic() < end
        time.sleep(0.02)
    last = told[-1]["changes"][-1]
    assert (last["subject"], last["purpose"], last["decision"]) == (anna, "usage", "withdrawn")
    while api.get(f"/v1/webhooks/{added.json()['id']}").json()["behind"] > 0:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_webhook_is_a_stop_with_the_limit_that_it_names(api: Api, phone: str, inbox: tuple[str, list[Any]]) -> None:
    assert api.post("/v1/webhooks", {"url": inbox[0]}).json()["limit_seconds"] == 3600
    added = api.post("/v1/webhooks", {"url": inbox[0], "limit_seconds": 20}).json()
    assert api.get(f"/v1/webhooks/{added['id']}").json()["limit_seconds"] == 20
    for seconds in (0, -1, 3_000_000, "soon", None):
        refused(api.post("/v1/webhooks", {"url": inbox[0], "limit_seconds": seconds}), 422, "bad-body")


def test_the_secret_is_shown_once(api: Api) -> None:
    added = api.post("/v1/webhooks", {"url": "http://127.0.0.1:9/"}).json()
    assert added["secret"] not in api.get(f"/v1/webhooks/{added['id']}").text
    assert added["secret"] not in api.get("/v1/webhooks").text


def test_a_webhook_can_be_listed_in_pages_and_removed(api: Api) -> None:
    added = {api.post("/v1/webhooks", {"url": "http://127.0.0.1:9/"}).json()["id"] for _ in range(5)}
    path: str | None = "/v1/webhooks?limit=2"
    seen = []
    while path is not None:
        page = api.get(path).json()
        seen += [webhook["id"] for webhook in page["webhooks"]]
        path = page["next"]
    assert len(seen) == 5
    assert set(seen) == added
    gone = seen[0]
    assert api.delete(f"/v1/webhooks/{gone}").status_code == 204
    refused(api.get(f"/v1/webhooks/{gone}"), 404, "unknown-webhook")
    refused(api.delete(f"/v1/webhooks/{gone}"), 404, "unknown-webhook")


def test_a_url_that_cannot_be_called_is_refused(api: Api) -> None:
    for url in ("ftp://example.lv", "https://me:secret@example.lv/", "not a url", ""):
        refused(api.post("/v1/webhooks", {"url": url}), 422, "bad-url")
    refused(api.post("/v1/webhooks", {"url": "https://example.lv/" + "a" * 3000}), 422, "bad-body")


def test_how_far_each_is_behind_is_in_the_figures(api: Api, phone: str) -> None:
    added = api.post("/v1/webhooks", {"url": "http://127.0.0.1:9/"}).json()
    api.decide(api.person(phone), "usage", "refused")
    assert f'placet_webhook_behind{{webhook="{added["id"]}"}} 1.0' in api.get("/metrics").text
