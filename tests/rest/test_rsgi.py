"""Granian's own interface, over a real socket: hot routes directly, all else as ASGI tells it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from placet.bootstrap import Application
from placet.interfaces.http import Server
from placet.interfaces.rest.limits import MAX_BODY
from placet.interfaces.rsgi import Rsgi


@attrs.frozen
class Site:
    """A server on a port of its own."""

    port: int
    gone: threading.Event

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        chunked = isinstance(body, Iterator)
        connection.request(method, path, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found


@pytest.fixture
def site(placet: Application) -> Iterator[Site]:
    """The real hot routes; in the place of everything else, what tells how it was asked."""
    gone = threading.Event()
    server = Server(placet)

    async def told(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        seen = {name: scope[name] for name in ("method", "path", "scheme", "root_path", "http_version")}
        seen |= {"query": scope["query_string"].decode(), "size": size, "client": scope["client"][0]}
        seen["cookies"] = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
        headers = [
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"x-name", "Kalniņa".encode("latin-1", "replace")),
        ]
        await send({"type": "http.response.start", "status": 207, "headers": headers})
        if scope["path"] == "/stream":
            for _ in range(3):
                await send({"type": "http.response.body", "body": b"part", "more_body": True})
            await send({"type": "http.response.body"})
        elif scope["path"] == "/wait":
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
            assert (await receive())["type"] == "http.disconnect"
            gone.set()
        else:
            await send({"type": "http.response.body", "body": json.dumps(seen).encode()})

    inner = server.rsgi()
    with served(Rsgi(inner._hot, told, start=inner._start, stop=inner._stop)) as port:
        yield Site(port, gone)


@contextlib.contextmanager
def served(app: Rsgi) -> Iterator[int]:
    """*app* in a thread of its own; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Granian(app, address="127.0.0.1", port=port, interface=Interfaces.RSGI, log_enabled=False)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve()), daemon=True)
    thread.start()
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        time.sleep(0.05)
    yield port
    loop.call_soon_threadsafe(server.stop)
    thread.join(timeout=20)


def test_hot_routes_answer_and_all_else_is_asked_as_asgi_says(site: Site, key: Callable[..., str]) -> None:
    bearer = {"authorization": f"Bearer {key('check')}"}
    asked = json.dumps({"subject": "crm:nobody", "activity": "offers"}).encode()
    status, headers, body = site.ask("POST", "/v1/check", asked, **bearer)
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "application/json", "no-store")
    assert json.loads(body)["reason"] == "unknown-subject"
    status, _, body = site.ask("POST", "/v1/check", iter([asked[:9], asked[9:]]), **bearer)
    assert (status, json.loads(body)["reason"]) == (200, "unknown-subject")
    status, headers, body = site.ask("POST", "/v1/check", asked)
    assert (status, headers["www-authenticate"], json.loads(body)["code"]) == (401, "Bearer", "no-key")

    for more in (b"x" * (MAX_BODY + 1), iter([b"x" * 200_000] * 6)):
        status, headers, body = site.ask("POST", "/v1/decisions", more, **bearer)
        assert (status, headers["content-type"]) == (413, "application/problem+json")

    status, headers, body = site.ask("GET", "/v1/check?a=%C4%81&b=1", cookie="s=1; t=2")
    assert status == 207
    assert json.loads(body) == {
        "method": "GET", "path": "/v1/check", "scheme": "http", "root_path": "", "http_version": "1.1",
        "query": "a=%C4%81&b=1", "size": 0, "client": "127.0.0.1", "cookies": ["s=1; t=2"],
    }  # fmt: skip
    assert headers["x-name"] == "Kalni?a"
    _, _, body = site.ask("PUT", "/a%20b/%C4%81%2Fc", b"x" * 3_000_000)
    assert (json.loads(body)["path"], json.loads(body)["size"]) == ("/a b/ā/c", 3_000_000)
    assert site.ask("GET", "/stream")[2] == b"partpartpart"


def test_who_goes_away_during_a_response_is_noticed(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as caller:
        caller.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        told = b""
        while b"part" not in told:
            told += caller.recv(4096)
        assert not site.gone.is_set()
    assert site.gone.wait(20)
