"""
One-click unsubscription (RFC 8058): from the moment a mail program sends its POST until the gate says no, both over
HTTP; the gate is asked over a connection of its own, which may be another worker's.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence

import attrs

from bench import serving
from bench.borrowed import addressees
from bench.ground import Ground
from bench.harness import QUICK, Report
from bench.serving import Server
from placet.access import keys
from placet.bootstrap import Application
from placet.delivery.model import MessageId
from placet.delivery.tokens import tokens
from placet.kernel import clock
from placet.subjects.model import Subject

WHAT = "one-click unsubscription until the gate says no, p99"
CLICKS = 50 if QUICK else 1_000
WARMING = 20
WORKERS = 2
PATIENCE = 10.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def run(report: Report, here: Ground) -> None:
    place = here.place("unsubscribing")
    with place.application() as application:
        people = addressees.consenting(application, WARMING + CLICKS, "email", alias=addressees.email)
        addressees.plan(application, people, "email", addressees.daytime(), key="campaign/bench")
        links = _links(application, people)
        with application.database.transaction() as connection:
            key = keys.add(connection, "bench", keys.SCOPES, now=clock.now(), per_second=10**6, burst=10**6).text
    with serving.placet(place.config, workers=WORKERS) as server:
        asking = _Asking(server, key)
        seconds = [_seconds(asking, person, links[person.number]) for person in people]
    here.drop(place)
    found = sorted(1e3 * one for one in seconds[WARMING:])
    p99, p50 = found[int(CLICKS * 0.99)], found[CLICKS // 2]
    report.add(WHAT, p99, "ms", n=CLICKS, p50_ms=p50, slowest_ms=found[-1], must="<= 100 ms")


@attrs.define
class _Asking:
    """One connection for mail programs, one for whoever asks the gate."""

    server: Server
    key: str
    mail: http.client.HTTPConnection = attrs.field(init=False)
    gate: http.client.HTTPConnection = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.mail = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        self.gate = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)

    def stop(self, link: str) -> None:
        self.mail.request("POST", f"/u/{link}", "List-Unsubscribe=One-Click", _FORM)
        answer = self.mail.getresponse()
        answer.read()
        assert answer.status == 200, answer.status

    def allowed(self, person: Subject) -> bool:
        body = json.dumps({"subject": str(person.id), "activity": "offers.email-campaign"})
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self.gate.request("POST", "/v1/check", body, headers)
        answer = self.gate.getresponse()
        told = json.loads(answer.read())
        assert answer.status == 200, told
        return bool(told["allowed"])


def _seconds(asking: _Asking, person: Subject, link: str) -> float:
    assert asking.allowed(person)
    start = time.perf_counter()
    asking.stop(link)
    while asking.allowed(person):
        assert time.perf_counter() - start < PATIENCE, "the gate goes on saying yes"
    return time.perf_counter() - start


def _links(application: Application, people: Sequence[Subject]) -> dict[int, str]:
    """What stands in each person's mail."""
    make = tokens(application.master).make
    statement = "SELECT number, id FROM delivery.message WHERE number = ANY(%s)"
    with application.database.transaction() as connection:
        rows = connection.execute(statement, [[person.number for person in people]]).fetchall()
    return {number: make(MessageId(id)) for number, id in rows}
