"""Audiences over HTTP: drawn, frozen, asked again before sending."""

from __future__ import annotations

import time

import pytest
from rest_support import Api, refused

ACTIVITY = "offers.email-campaign"


@pytest.fixture
def opened(api: Api, phone: str) -> list[str]:
    """Three persons: yes with e-mail, yes without, no. Returns the tokens of their last decisions."""
    yes, silent, no = (api.person(f"{phone[:-1]}{digit}") for digit in (7, 8, 9))
    api.decide(yes, "offers", "given")
    last = api.decide(yes, "offers", "given", channel="email")
    api.decide(silent, "offers", "given")
    token = api.decide(no, "offers", "refused").json()["token"]
    assert last.status_code == 201
    return [yes, token]


def drawn(api: Api, token: str, activity: str = ACTIVITY) -> dict[str, object]:
    """Draw with *token*; the replica follows within its bound, until then the answer is 503 `stale`."""
    end = time.monotonic() + 20
    while (answer := api.post("/v1/audiences", {"activity": activity, "token": token})).status_code != 201:
        refused(answer, 503, "stale")
        assert time.monotonic() < end
        time.sleep(0.02)
    found: dict[str, object] = answer.json()
    return found


def test_an_audience_counts_who_is_in_it_and_why_the_others_are_not(api: Api, opened: list[str]) -> None:
    audience = drawn(api, opened[1])
    assert audience["count"] == 1
    excluded = audience["excluded"]
    assert isinstance(excluded, dict)
    assert (excluded["no-channel"], excluded["closed"]) == (1, 1)
    assert api.get(f"/v1/audiences/{audience['id']}").json() == audience


def test_who_withdraws_after_the_drawing_is_gone_when_it_is_confirmed(api: Api, opened: list[str]) -> None:
    yes, token = opened
    audience = drawn(api, token)
    path = f"/v1/audiences/{audience['id']}/confirm"
    assert api.post(path, {}).json()["count"] == 1
    later = api.decide(yes, "offers", "withdrawn").json()["token"]
    end = time.monotonic() + 20
    while (answer := api.post(path, {"token": later})).status_code != 200:
        refused(answer, 503, "stale")
        assert time.monotonic() < end
        time.sleep(0.02)
    assert (answer.json()["count"], answer.json()["gone"]) == (0, 1)
    assert api.get(f"/v1/audiences/{audience['id']}").json()["count"] == 1


def test_what_is_not_in_the_catalogue_has_no_audience(api: Api, opened: list[str]) -> None:
    drawn(api, opened[1])
    refused(api.post("/v1/audiences", {"activity": "offers.pigeon"}), 422, "unknown-activity")
    refused(api.post("/v1/audiences", {"activity": ACTIVITY, "token": "nonsense"}), 422, "bad-token")
    refused(api.post("/v1/audiences", {"activity": ACTIVITY, "token": "00000000.1"}), 503, "stale")
