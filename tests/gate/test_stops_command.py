"""`placet stops`, as a program reads it and as a person does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from placet.bootstrap import Application, erase
from placet.gate import stops
from placet.gate.stops import Stop, StopId
from placet.interfaces.cli.main import main
from placet.kernel import clock
from placet.kernel.ids import Position, PurposeId

MAIL = StopId("queue/mail")


@pytest.fixture
def erased(placet: Application, monkeypatch: pytest.MonkeyPatch) -> Position:
    """Somebody was erased, which concerns every stop; the mail queue owes its answer."""
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(placet.config, name)))
    now = clock.now()
    with placet.database.transaction() as connection:
        stop = Stop(MAIL, "queue", frozenset({PurposeId("offers")}), timedelta(milliseconds=1), now)
        stops.register(connection, stop, now=now)
        person = placet.subjects.add(connection, aliases=[], now=now)
        erase(placet, connection, person.id, now=now)
    with placet.database.transaction() as connection:
        (following,) = stops.listing(connection)
        assert following.owes is not None
        return following.owes


def run(*words: str, expect: int = 0) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == expect, (result.output, result.exception)
    return result.stdout


def read(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def test_stops_are_listed_with_what_they_owe_and_what_they_keep_closed(placet: Application, erased: Position) -> None:
    (stop,) = read("stops")["stops"]
    assert (stop["id"], stop["kind"], stop["purposes"], stop["limit_ms"]) == (MAIL, "queue", ["offers"], 1)
    assert (stop["acknowledged_at"], stop["owes"], stop["silent"], stop["closed"]) == (None, erased, True, [])
    with placet.database.transaction() as connection:
        stops.watch(connection, now=clock.now())
    listed = read("stops")
    assert listed["stops"][0]["closed"] == ["offers"]
    assert [(closure["purpose"], closure["stop"]) for closure in listed["closures"]] == [("offers", MAIL)]
    told = run("stops")
    assert "SILENT" in told
    assert "closed offers since" in told


def test_clock_of_a_record_is_shown_by_its_position_or_id(placet: Application, erased: Position) -> None:
    found = read("stops", "clock", str(erased))
    assert found["position"] == erased
    assert [(place["stop"], place["stopped_at"], place["late"]) for place in found["places"]] == [(MAIL, None, True)]
    assert found["stopped_everywhere_at"] is None
    assert "has not stopped" in run("stops", "clock", str(erased))
    with placet.database.transaction() as connection:
        stops.acknowledge(connection, MAIL, upto=erased, at=clock.now())
        (id,) = connection.execute("SELECT id FROM ledger.entered WHERE position = %s", [erased]).fetchone()
    assert read("stops", "clock", str(id))["stopped_everywhere_at"] is not None
    assert "stopped everywhere" in run("stops", "clock", str(id))


def test_unknown_record_is_an_error_and_no_stop_is_said_so(placet: Application, erased: Position) -> None:
    run("stops", "clock", "999999", expect=1)
    run("stops", "clock", "nonsense", expect=1)
    with placet.database.transaction() as connection:
        stops.retire(connection, MAIL, now=clock.now())
    assert "No place is registered" in run("stops")
    assert "gone" in run("stops", "clock", str(erased))
