"""A receiver, a courier that delivers, and Anna."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from subscribers_support import PHONE, Receiver

from placet.bootstrap import Application
from placet.kernel import clock
from placet.subjects.model import Alias, Subject
from placet.subscribers.actions import Subscribers
from placet.subscribers.delivery import Courier


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.answers.pop(0) if found.answers else 204)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}/changes")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def subscribers(placet: Application) -> Subscribers:
    return Subscribers.of(placet.config, placet.master)


@pytest.fixture
def courier(placet: Application, subscribers: Subscribers) -> Iterator[Courier]:
    """Delivering in a thread, as in a serving process, but impatient."""
    stop = threading.Event()
    courier = Courier(placet.database, subscribers, deadline=0.5)
    thread = threading.Thread(target=courier.follow, args=(stop, clock.now))
    thread.start()
    yield courier
    stop.set()
    thread.join()


@pytest.fixture
def anna(placet: Application) -> Subject:
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=[Alias.msisdn(PHONE)], name="Anna Kalniņa", now=clock.now())
