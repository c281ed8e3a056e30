"""What operators and their tools read: alive, ready, figures; and that nothing personal is in them or in the log."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rest_support import Api, refused
from starlette.testclient import TestClient

from placet.access import keys
from placet.bootstrap import Application
from placet.interfaces.rest import health
from placet.kernel.errors import Unavailable
from placet.ledger.keeper import Keeper
from placet.store.database import Database


def test_a_started_server_becomes_ready(http: TestClient) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    end = time.monotonic() + 20
    while (answer := http.get("/readyz")).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.05)
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "replica": "ok", "keeper": "ok"}}


def test_a_server_whose_tree_no_longer_follows_is_not_ready(
    http: TestClient, api: Api, phone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "run_once", lambda *_: None)
    api.decide(api.person(phone), "usage", "refused")
    monkeypatch.setattr(health, "LATE", timedelta(0))
    ready = http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["keeper"]) == (503, "behind")


def test_without_a_database_it_is_alive_not_ready_and_lets_nobody_in(
    http: TestClient, api: Api, placet: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_self: Database) -> Any:
        raise Unavailable("the database does not answer; try again later")

    monkeypatch.setattr(Database, "transaction", away)
    assert http.get("/healthz").status_code == 200
    ready = http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] == "unavailable"
    answer = api.get("/v1/catalogue")
    refused(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert "placet_up 0.0" in http.get("/metrics").text


def test_the_figures_can_be_read_by_prometheus_and_say_where_the_ledger_ends(api: Api, phone: str) -> None:
    position = api.decide(api.person(phone), "usage", "refused").json()["position"]
    families = {found.name: found for found in text_string_to_metric_families(api.get("/metrics").text)}
    assert families["placet_ledger_position"].samples[0].value == position
    assert families["placet_up"].samples[0].value == 1
    routes = {sample.labels["route"] for sample in families["placet_requests"].samples}
    assert "/v1/subjects" in routes


def test_the_figures_count_every_answer_of_the_hot_routes_too_with_its_time(api: Api, phone: str) -> None:
    anna = api.person(phone)
    api.decide(anna, "usage", "refused")
    api.post("/v1/check", {"subject": anna, "activity": "usage"})
    api.post("/v1/check", {"subject": anna, "activity": "usage"})
    api.post("/v1/check", {"subject": anna})
    families = {found.name: found for found in text_string_to_metric_families(api.get("/metrics").text)}
    counts = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["placet_requests"].samples
    }
    assert counts["/v1/decisions", "201"] == 1
    assert (counts["/v1/check", "200"], counts["/v1/check", "422"]) == (2, 1)
    times = [s for s in families["placet_request_seconds"].samples if s.labels["route"] == "/v1/check"]
    whole = {sample.name: sample.value for sample in times if "le" not in sample.labels}
    below = [sample.value for sample in times if "le" in sample.labels]
    assert whole["placet_request_seconds_count"] == below[-1] == 3
    assert whole["placet_request_seconds_sum"] > 0
    assert below == sorted(below)


def test_the_figures_say_how_many_must_stop_and_that_all_of_them_answer(api: Api, phone: str) -> None:
    api.decide(api.person(phone), "usage", "refused")
    found = text_string_to_metric_families(api.get("/metrics").text)
    families = {family.name: family.samples[0].value for family in found if family.samples}
    assert families["placet_stops"] >= 1  # the replica of this process
    assert families["placet_stop_slowest_seconds"] < 20
    assert (families["placet_stops_silent"], families["placet_gate_closed"]) == (0, 0)


def test_neither_figures_nor_log_hold_personal_data(
    api: Api, phone: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    anna = api.person(phone)
    api.post("/v1/subjects/lookup", {"subject": f"msisdn:{phone}"})
    api.post("/v1/subjects", {"aliases": [f"msisdn:{phone}"]})
    api.post("/v1/subjects", {"aliases": [f"msisdn:{phone}"], "unknown": phone})
    api.get(f"/v1/nothing/{phone}")
    api.decide(anna, "usage", "refused", evidence=f"call from {phone}")
    told = capsys.readouterr()
    for place in (api.get("/metrics").text, told.out, told.err, caplog.text):
        assert phone[4:] not in place
        assert anna not in place


def test_a_failure_that_nobody_foresaw_is_answered_and_logged_without_its_message(
    api: Api, placet: Application, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("it happened to +37120000009")

    monkeypatch.setattr(type(placet.subjects), "find", broken)
    answer = api.post("/v1/subjects/lookup", {"subject": "msisdn:+37120000009"})
    refused(answer, 500, "internal")
    told = capsys.readouterr()
    assert "RuntimeError" in told.out + told.err
    assert "20000009" not in answer.text + told.out + told.err


def test_every_answer_forbids_caches_to_keep_it(api: Api, phone: str) -> None:
    anna = api.person(phone)
    for path in (f"/v1/subjects/{anna}/export", f"/v1/subjects/{anna}/state", "/v1/nothing"):
        assert api.get(path).headers["cache-control"] == "no-store"


def test_scopes_of_keys_are_those_of_the_document(http: TestClient) -> None:
    document = http.get("/v1/openapi.json").json()
    used = {
        scope
        for path in document["paths"].values()
        for operation in path.values()
        for need in operation["security"]
        for scope in need["apiKey"]
    }
    assert used == keys.SCOPES
