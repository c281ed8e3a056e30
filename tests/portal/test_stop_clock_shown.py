"""After a no the customer sees each place stop, and when the last one had (mission G3, B8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from portal_visitor import Visitor, newcomer

from placet.bootstrap import Application
from placet.consents.store import records
from placet.gate import stops
from placet.gate.stops import Stop, StopId
from placet.kernel import clock
from placet.kernel.ids import Position, PurposeId
from placet.subjects.model import Subject

PLACE = StopId("subscriber/test")


def stand(demo: Application) -> None:
    """A place that must stop when offers are withdrawn, and has not answered yet."""
    stop = Stop(PLACE, "subscriber", {PurposeId("offers")}, timedelta(seconds=5), clock.now())
    with demo.database.transaction() as connection:
        stops.register(connection, stop, now=clock.now())


def test_the_clock_waits_for_the_last_place_and_tells_when_it_stopped(
    guest: Visitor, visit: Callable[..., Visitor], demo: Application, anna: Subject
) -> None:
    stand(demo)
    guest.answer("offers", "given")
    guest.go("/")
    guest.answer("offers", "withdrawn")
    assert guest.path == "/done"
    assert "A connected system not yet" in guest.words
    assert '<noscript><meta http-equiv="refresh"' in guest.text
    assert {value for _, value in guest.form("/choices/offers").buttons} == {"given"}
    with demo.database.transaction() as connection:
        record = records(connection, anna.id)[-1]
    state = guest.client.get(f"/clock/{record.id}/state").json()
    assert state["stopped"] is None
    assert [place is None for place in state["places"]] == [False, True]
    assert record.position is not None
    with demo.database.transaction() as connection:
        stops.acknowledge(connection, PLACE, upto=Position(record.position), at=clock.now())
    state = guest.client.get(f"/clock/{record.id}/state").json()
    assert re.fullmatch(r"\d\d:\d\d:\d\d", state["stopped"])
    guest.go(f"/clock/{record.id}")
    assert f"Stopped everywhere at {state['stopped']}" in guest.words
    assert "http-equiv" not in guest.text
    newcomer(demo, "+37120000002")
    stranger = visit()
    stranger.sign_in("20000002")
    assert stranger.go(f"/clock/{record.id}").status_code == 404
    assert stranger.go(f"/clock/{record.id}/state").status_code == 404


def test_a_yes_has_no_clock(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.answer("offers", "given")
    with demo.database.transaction() as connection:
        (record,) = records(connection, anna.id)
    assert guest.go(f"/clock/{record.id}").status_code == 404


def test_where_nothing_runs_the_gate_alone_stops_at_once(guest: Visitor) -> None:
    guest.answer("offers", "given")
    guest.go("/")
    guest.answer("offers", "withdrawn")
    assert "Stopped everywhere at" in guest.words
    assert "The check before every use: it says no from now on" in guest.words
    assert "http-equiv" not in guest.text
