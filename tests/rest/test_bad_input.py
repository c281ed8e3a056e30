"""What the world sends: each line answers a problem with a stable code, never 500, and nothing is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_support import Api, refused

from placet.bootstrap import Application
from placet.interfaces.rest.limits import MAX_BODY
from placet.ledger.append import ending

POSTS = (
    "/v1/decisions", "/v1/check", "/v1/uses", "/v1/subjects", "/v1/subjects/lookup", "/v1/audiences", "/v1/webhooks",
)  # fmt: skip


@pytest.fixture
def anna(api: Api, phone: str) -> str:
    return api.person(phone)


def position(placet: Application) -> int:
    with placet.database.transaction() as connection:
        return int(ending(connection).position)


def test_a_body_of_ten_megabytes_is_refused_before_it_is_read_as_json(api: Api) -> None:
    big = json.dumps({"subject": "x" * 10_000_000}).encode()
    for path in POSTS:
        refused(api.send(path, big), 413, "body-too-large")


def test_a_body_just_over_the_limit_is_too_large_and_one_below_is_read(api: Api) -> None:
    refused(api.send("/v1/subjects/lookup", b" " * (MAX_BODY + 1)), 413, "body-too-large")
    fits = b'{"subject": "crm:1"' + b" " * (MAX_BODY - 100) + b"}"
    refused(api.send("/v1/subjects/lookup", fits), 404, "unknown-subject")


@pytest.mark.parametrize(
    "body",
    [
        b'{"subject": "\xff\xfe"}', b"\xff\xfe{\x00}\x00", b"{", b"", b"nonsense", b'{"a": NaN', b"\x00", b"[" * 90_000,
        b'{"a":' * 50_000, b'{"subject": "\xed\xa0\x80"}',
    ],
    ids=["utf8", "utf16", "cut", "empty", "word", "nan", "nul", "deep-list", "deep-object", "surrogate-bytes"],
)  # fmt: skip
def test_bytes_that_are_not_json_in_utf8_are_refused(api: Api, body: bytes) -> None:
    for path in POSTS:
        answer = api.send(path, body)
        assert answer.status_code in (400, 422), (path, answer.text)
        assert answer.json()["code"] in {"not-json", "bad-body"}, (path, answer.text)


@pytest.mark.parametrize("bad", ["a\0b", "\ud800", "\0"])
def test_a_nul_or_a_lone_surrogate_in_any_text_is_refused(api: Api, anna: str, bad: str, placet: Application) -> None:
    """PostgreSQL stores neither; a 500 here would be a bug of ours."""
    start = position(placet)
    bodies: list[tuple[str, Any]] = [
        ("/v1/subjects", {"name": bad}),
        ("/v1/subjects", {"aliases": [f"crm:{bad}"]}),
        ("/v1/subjects", {"language": bad}),
        ("/v1/subjects/lookup", {"subject": f"email:{bad}@example.lv"}),
        ("/v1/subjects/lookup", {"subject": bad}),
        ("/v1/webhooks", {"url": f"http://example.lv/{bad}"}),
        ("/v1/audiences", {"activity": bad}),
        ("/v1/uses", {"permit": bad, "outcome": "sent"}),
        ("/v1/uses", {"permit": "p1..", "outcome": bad}),
        ("/v1/check", {"subject": anna, "activity": bad}),
        ("/v1/check", {"subject": anna, "activity": "offers", "channel": bad}),
        ("/v1/check", {"subject": anna, "activity": "offers", "token": bad}),
        ("/v1/check", {"subject": bad, "activity": "offers"}),
    ]
    bodies += [
        ("/v1/decisions", {"subject": anna, "purpose": "usage", "decision": "refused"} | {field: bad})
        for field in ("subject", "purpose", "channel", "language", "agent", "evidence", "shown")
    ]
    for path, body in bodies:
        answer = api.send(path, json.dumps(body).encode())
        if answer.status_code in (200, 201) and (path == "/v1/check" or "evidence" in body):
            continue  # A question about nonsense is answered no; evidence is sealed as bytes, whatever they are.
        assert answer.status_code in (400, 403, 404, 422), (path, body, answer.text)
    assert position(placet) <= start + 1


def test_a_nul_in_a_path_or_query_is_refused(api: Api, anna: str) -> None:
    for path in (
        "/v1/notices/off%00ers?language=lv", "/v1/notices/offers?language=l%00v", "/v1/subjects/%00/state",
        f"/v1/subjects/{anna}/state?at=%00", f"/v1/subjects/{anna}/history?before=%00", "/v1/webhooks?after=%00",
        "/v1/notices/offers?language=%ff", "/v1/receipts/%ff",
    ):  # fmt: skip
        answer = api.get(path)
        assert answer.status_code in (404, 422), (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_field_or_parameter_is_refused_not_ignored(api: Api, anna: str) -> None:
    refused(api.post("/v1/subjects", {"lang": "lv"}), 422, "bad-body")
    refused(api.post("/v1/subjects/lookup", {"subject": anna, "also": 1}), 422, "bad-body")
    refused(api.post("/v1/check", {"subject": anna, "activity": "usage", "x": 1}), 422, "bad-body")
    body = {"subject": anna, "purpose": "usage", "decision": "refused", "recorded_at": "2020-01-01T00:00:00Z"}
    refused(api.post("/v1/decisions", body), 422, "bad-body")
    refused(api.get(f"/v1/subjects/{anna}/state?know_at=2020-01-01T00:00:00Z"), 422, "unknown-parameter")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"purpose": "weather"}, 422, "unknown-purpose"),
        ({"purpose": "offers", "channel": "pigeon"}, 422, "unknown-channel"),
        ({"purpose": "credit", "channel": "sms"}, 422, "unknown-channel"),
        ({"language": "de"}, 422, "unknown-language"),
        ({"decision": "maybe"}, 422, "bad-body"),
        ({"decision": "expired"}, 422, "bad-body"),
        ({"route": "import"}, 422, "bad-body"),
        ({"subject": "not an id"}, 422, "bad-id"),
        ({"subject": "fax:123"}, 422, "bad-alias"),
        ({"subject": "msisdn:+37129999998"}, 404, "unknown-subject"),
        ({"subject": "3f8a1c2e-0000-4000-8000-00000000dead"}, 404, "unknown-subject"),
        ({"occurred_at": "2020-01-01T00:00:00Z"}, 422, "time-not-yours"),
        ({"route": "phone", "occurred_at": "2999-01-01T00:00:00Z"}, 422, "in-the-future"),
        ({"route": "phone", "occurred_at": "2020-01-01T00:00:00"}, 422, "naive-time"),
        ({"route": "phone", "occurred_at": "0001-01-01T00:00:00+14:00"}, 422, "bad-time"),
        ({"route": "phone", "occurred_at": "9999-12-31T23:59:59-12:00"}, 422, "bad-time"),
        ({"shown": "xyz"}, 422, "bad-digest"),
        ({"mandate": "3f8a1c2e-0000-4000-8000-00000000dead"}, 422, "no-representative"),
        ({"representative": "3f8a1c2e-0000-4000-8000-00000000dead"}, 422, "no-mandate"),
        ({"decision": "given"}, 422, "notice-not-shown"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_and_nothing_is_recorded(
    api: Api, anna: str, placet: Application, sent: dict[str, Any], status: int, code: str
) -> None:
    start = position(placet)
    body = {"subject": anna, "purpose": "usage", "decision": "refused", "language": "lv"} | sent
    answer = api.post("/v1/decisions", body)
    refused(answer, status, code)
    assert position(placet) == start


def test_of_two_contradictory_decisions_at_the_same_instant_the_no_holds(api: Api, anna: str) -> None:
    """Whatever their order: a tie is a no (design: State)."""
    moment = api.get(f"/v1/subjects/{anna}/state").json()["at"]
    shown = api.shown("usage", route="phone")
    yes = {"subject": anna, "purpose": "usage", "decision": "given", "language": "lv", "route": "phone", "shown": shown}
    no = {"subject": anna, "purpose": "profiling", "decision": "refused", "language": "lv", "route": "phone"}
    one, other = dict(yes, occurred_at=moment), dict(no, purpose="usage", occurred_at=moment)
    assert api.post("/v1/decisions", [one, other]).status_code == 200
    shown = api.shown("profiling", route="phone")
    one, other = dict(yes, purpose="profiling", shown=shown, occurred_at=moment), dict(no, occurred_at=moment)
    results = api.post("/v1/decisions", [other, one]).json()["results"]
    assert results[1].get("ignored") is True or results[1].get("code") is not None
    state = api.get(f"/v1/subjects/{anna}/state").json()
    found = {purpose["purpose"]: purpose["decision"] for purpose in state["purposes"]}
    assert (found["usage"], found["profiling"]) == ("refused", "refused")


def test_a_replayed_request_is_answered_again_and_recorded_once(api: Api, anna: str, placet: Application) -> None:
    body = {"subject": anna, "purpose": "usage", "decision": "refused", "language": "lv"}
    first = api.post("/v1/decisions", body, **{"idempotency-key": "a-1"})
    start = position(placet)
    again = api.post("/v1/decisions", body, **{"idempotency-key": "a-1"})
    assert (again.status_code, again.json()["record"]) == (201, first.json()["record"])
    assert again.json()["replayed"] is True
    assert position(placet) == start
    other = api.post("/v1/decisions", body | {"purpose": "credit"}, **{"idempotency-key": "a-1"})
    refused(other, 409, "key-reused")


def test_a_list_answers_one_result_each_and_a_bad_one_spoils_no_other(api: Api, anna: str) -> None:
    good = {"subject": anna, "purpose": "usage", "decision": "refused", "language": "lv"}
    answer = api.post("/v1/decisions", [good, good | {"purpose": "weather"}, good | {"purpose": "credit"}])
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert ["record" in result for result in results] == [True, False, True]
    assert results[1]["code"] == "unknown-purpose"


def test_an_empty_list_and_one_that_is_too_long_are_refused(api: Api, anna: str) -> None:
    refused(api.post("/v1/decisions", []), 422, "empty-list")
    many = [{"subject": anna, "activity": "usage"}] * 1001
    refused(api.post("/v1/check", many), 422, "too-many-items")


def test_numbers_beyond_the_database_are_refused(api: Api, anna: str) -> None:
    for before in ("-1", "99999999999999999999", "1e3", "x", "٣"):
        answer = api.get(f"/v1/subjects/{anna}/history?before={before}")
        assert answer.status_code in (200, 422), (before, answer.text)
    for limit in ("0", "201", "-5"):
        refused(api.get(f"/v1/subjects/{anna}/history?limit={limit}"), 422, "bad-parameter")


def test_times_beyond_the_calendar_and_without_a_zone_are_refused(api: Api, anna: str) -> None:
    for at, code in (
        ("2020-01-01T00:00:00", "naive-time"),
        ("0001-01-01T00:00:00%2B14:00", "bad-time"),
        ("9999-12-31T23:59:59-12:00", "bad-time"),
        ("yesterday", "bad-time"),
        ("1767225600", "bad-time"),
    ):
        refused(api.get(f"/v1/subjects/{anna}/state?at={at}"), 422, code)


def test_a_birth_date_is_written_out_and_plausible(api: Api) -> None:
    refused(api.post("/v1/subjects", {"birth_date": 0}), 422, "bad-body")
    refused(api.post("/v1/subjects", {"birth_date": "1990-02-30"}), 422, "bad-body")
    refused(api.post("/v1/subjects", {"birth_date": "2999-01-01"}), 422, "bad-birth-date")


def test_a_method_or_path_that_is_not_there_answers_a_problem(api: Api) -> None:
    refused(api.get("/v1/decisions"), 405, "method-not-allowed")
    assert api.get("/v1/decisions").headers["allow"] == "POST"
    refused(api.send("/v1/catalogue", b"{}", method="PUT"), 405, "method-not-allowed")
    refused(api.get("/v1/nothing"), 404, "no-such-route")


def test_a_body_that_is_not_announced_as_json_is_refused(api: Api, phone: str) -> None:
    answer = api.http.post(
        "/v1/subjects", content=b'{"name": "A"}', headers=api.headers | {"content-type": "text/plain"}
    )
    refused(answer, 422, "bad-body")


def test_an_error_about_a_body_never_repeats_what_was_sent(api: Api, phone: str) -> None:
    for body in ({"aliases": phone}, {"aliases": [f"fax:{phone}"]}, {"birth_date": phone}, {"language": phone}):
        answer = api.post("/v1/subjects", body)
        assert answer.status_code == 422
        assert phone[4:] not in answer.text, answer.text
    answer = api.post("/v1/decisions", {"subject": f"fax:{phone}", "purpose": "usage", "decision": "refused"})
    assert phone[4:] not in answer.text
