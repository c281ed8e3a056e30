"""
The figures of the three faces: `make bench NAME=faces [QUICK=1]`.

The customer's start page and its neighbours under 20 customers at once, each with 500 decisions and 10,000 uses, among
a thousand and a million others; what it weighs on the wire; that customer's export; and the stop clock, with every
stop of the process and one webhook on a socket.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs

from bench import crowd, ground, serving, wrk
from bench.ground import Ground, Place
from bench.harness import QUICK, Report, timed
from bench.serving import Server
from bench.wrk import Load
from placet.access import keys
from placet.bootstrap import Application
from placet.catalogue.render import render
from placet.catalogue.store import remember_shown
from placet.gate import stops
from placet.interfaces.portal.signing_in import SESSION
from placet.kernel import clock
from placet.rights import export
from placet.subjects.model import Newcomer, Subject

SIZES = (300, 3_000) if QUICK else (1_000, 1_000_000)
CUSTOMERS = 20
SECONDS = 2 if QUICK else 5
WITHDRAWALS = 40 if QUICK else 300
WORKERS = 2
PAGES = {"/": "start page", "/history": "history", "/uses": "uses", "/data": "my data"}

_LUA = """
local tokens = {}
for line in io.lines("%(tokens)s") do tokens[#tokens + 1] = line end
local n = 0
function request()
  n = n + 1
  local cookie = "%(cookie)s=" .. tokens[n %% #tokens + 1]
  return wrk.format("GET", "%(path)s", {["Cookie"] = cookie, ["Accept-Encoding"] = "gzip"})
end
"""


def main() -> None:
    report = Report("faces")
    if (why := wrk.missing()) is not None:
        report.fail("pages", why)
        report.finish()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    with ground.opened() as here:
        for people in SIZES:
            _pages(report, here, people)
        _stopping(report, here)
    report.finish()


def _pages(report: Report, here: Ground, people: int) -> None:
    """What a customer with a long past waits for, among *people* others."""
    place = here.place(f"crowd_{people}")
    with place.application() as application:
        customers = crowd.fill(place, application, people, CUSTOMERS)
        tokens = crowd.tokens(application, customers)
        _export(report, application, customers[0], people)
    with serving.placet(place.config, workers=WORKERS) as server:
        for path, name in PAGES.items():
            load = _load(server, place, tokens, path)
            what = f"{name}, p95 at {CUSTOMERS} customers at once"
            must = "<= 150 ms" if path == "/" else None
            report.add(what, load.p95, "ms", n=people, requests=load.requests, must=must)
        if people == SIZES[-1]:
            _weigh(report, server, tokens[0])
    here.drop(place)


def _load(server: Server, place: Place, tokens: list[str], path: str) -> Load:
    """*path* asked for by all customers at once."""
    folder = place.config.data_dir
    list_of_tokens = folder / "tokens"
    list_of_tokens.write_text("\n".join(tokens))
    requests = _LUA % {"tokens": list_of_tokens, "path": path, "cookie": SESSION}
    # Once to warm up: the first look is not what repeats.
    wrk.load(server, requests, folder=folder, connections=CUSTOMERS, seconds=SECONDS)
    return wrk.load(server, requests, folder=folder, connections=CUSTOMERS, seconds=SECONDS)


def _weigh(report: Report, server: Server, token: str) -> None:
    """The start page and everything it names but fonts, as bytes on the wire."""
    page, size = _fetched(server, "/", token)
    named = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js|svg)[^"]*)"', page)))
    size += sum(_fetched(server, path, token)[1] for path in named)
    report.add("start page on the wire, without fonts", size / 1000, "kB", n=1 + len(named), must="<= 60 kB")


def _fetched(server: Server, path: str, token: str) -> tuple[str, int]:
    headers = {"Cookie": f"{SESSION}={token}", "Accept-Encoding": "gzip"}
    request = urllib.request.Request(server.url + path, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        body = answer.read()
        zipped = answer.headers.get("content-encoding") == "gzip"
    return (gzip.decompress(body) if zipped else body).decode(), len(body)


def _export(report: Report, application: Application, customer: Subject, people: int) -> None:
    application.keeper.begin(clock.now())
    while application.keeper.run_once(clock.now()) is not None:
        pass  # Receipts have their proofs, as they would have a second after the decision.
    sample = timed(lambda: export.archive(application, customer.id, language="lv", now=clock.now()).close())
    with contextlib.closing(export.archive(application, customer.id, language="lv", now=clock.now())) as bundle:
        size = bundle.size / 1000
    used = sample.cpu * 1e6
    report.add("export of that customer", sample.seconds, "s", n=people, kilobytes=size, cpu_us=used, must="<= 5 s")


# The stop clock


@attrs.define
class Sink:
    """A subscriber that acknowledges everything at once."""

    server: ThreadingHTTPServer
    url: str


def _stopping(report: Report, here: Ground) -> None:
    """From the commit of a withdrawal until the last place has said that it stopped."""
    place = here.place("stopping")
    with place.application() as application:
        now = clock.now()
        with application.database.transaction() as connection:
            people = application.subjects.add_many(connection, [Newcomer((), "lv")] * WITHDRAWALS, now=now)
            key = keys.add(connection, "bench", keys.SCOPES, now=now, per_second=10**6, burst=10**6).text
            shown = render(application.catalogue(connection), purpose="usage", language="lv", route="api")
            remember_shown(connection, shown, now)
        with serving.placet(place.config, workers=WORKERS) as server, _sink() as sink:
            _post(f"{server.url}/v1/webhooks", key, {"url": sink.url})
            decisions = f"{server.url}/v1/decisions"
            given = {"purpose": "usage", "decision": "given", "shown": shown.sha256.hex()}
            for person in people:
                _post(decisions, key, {"subject": str(person.id), **given})
            since = clock.now()
            for person in people:
                _post(
                    f"{server.url}/v1/decisions",
                    key,
                    {"subject": str(person.id), "purpose": "usage", "decision": "withdrawn"},
                )
                time.sleep(0.02)
            _tell(report, application, since)
    here.drop(place)


def _tell(report: Report, application: Application, since: object) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with application.database.transaction() as connection:
            found = stops.percentiles(connection, since=since, until=clock.now() + timedelta(seconds=1))  # type: ignore[arg-type]
            behind = [one for one in stops.listing(connection) if one.owes is not None]
        if found.everywhere is not None and found.everywhere.count >= WITHDRAWALS and not behind:
            break
        time.sleep(0.2)
    else:
        raise RuntimeError(f"not everything stopped within 30 s: {found}")
    everywhere = found.everywhere
    report.add(
        "stop clock: from the commit to stopped everywhere, p99",
        everywhere.p99,
        "ms",
        n=everywhere.count,
        p50_ms=everywhere.p50,
        slowest_ms=everywhere.slowest,
        places=len(found.stops),
        must="<= 1000 ms",
    )


@contextmanager
def _sink() -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Sink(server, f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()


def _post(url: str, key: str, body: object) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=20).close()


if __name__ == "__main__":
    main()
