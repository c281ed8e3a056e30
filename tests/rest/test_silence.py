"""B8 over HTTP: a webhook that does not answer closes the gate for everybody, and its answer opens it again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest
from rest_support import Api


@attrs.define
class Deaf:
    """A receiver that refuses until it hears."""

    url: str = ""
    status: int = 503


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    found = Deaf()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/"
    yield found
    server.shutdown()
    server.server_close()


def test_silent_webhook_closes_the_gate_for_everybody_until_it_answers(api: Api, phone: str, deaf: Deaf) -> None:
    anna, berta = api.person(phone), api.person("+37120000017")
    for subject in (anna, berta):
        assert api.decide(subject, "usage", "given").status_code == 201
    assert asked(api, berta) == "consent"
    api.post("/v1/webhooks", {"url": deaf.url, "limit_seconds": 1})
    api.decide(anna, "usage", "withdrawn")
    wait(lambda: asked(api, berta) == "stop-silent")
    assert asked(api, anna) in ("withdrawn", "closed")  # from the database, or from memory
    told = api.post("/v1/check", [{"subject": berta, "activity": "usage"}]).json()["results"]
    assert (told[0]["allowed"], told[0]["reason"], told[0]["permit"]) == (False, "stop-silent", None)
    assert api.post("/v1/audiences", {"activity": "usage"}).json()["excluded"]["stop-silent"] == 1
    assert "placet_gate_closed 8.0" in api.get("/metrics").text
    deaf.status = 204
    wait(lambda: asked(api, berta) == "consent")
    assert "placet_gate_closed 0.0" in api.get("/metrics").text


def asked(api: Api, subject: str) -> str:
    reason = api.post("/v1/check", {"subject": subject, "activity": "usage"}).json()["reason"]
    return str(reason)


def wait(condition: Callable[[], bool]) -> None:
    """For what happens in other threads; how long it takes is not asserted."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
