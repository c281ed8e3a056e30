"""What was done with a person's data is told, paged, and exported."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_support import Api, refused

from placet.kernel import clock


@pytest.fixture
def anna(api: Api, phone: str) -> str:
    id = api.person(phone)
    api.decide(id, "usage", "given")
    return id


def permit(api: Api, subject: str) -> str:
    token = api.get(f"/v1/subjects/{subject}/state").json()["token"]
    answer = api.post("/v1/check", {"subject": subject, "activity": "usage", "token": token}).json()
    assert answer["allowed"], answer
    return str(answer["permit"])


def test_a_use_under_a_permit_is_shown_to_its_person(api: Api, anna: str) -> None:
    told = api.post("/v1/uses", {"permit": permit(api, anna), "outcome": "a better tariff was found"})
    assert told.status_code == 204
    (use,) = api.get(f"/v1/subjects/{anna}/uses").json()["uses"]
    assert (use["activity"], use["outcome"], use["permitted"]) == ("usage", "a better tariff was found", True)
    (exported,) = api.get(f"/v1/subjects/{anna}/export").json()["uses"]
    assert {name: exported[name] for name in use} == use
    assert exported["data"]


def test_uses_come_in_pages_that_miss_and_repeat_nothing(api: Api, anna: str) -> None:
    held = permit(api, anna)
    for turn in range(5):
        assert api.post("/v1/uses", {"permit": held, "outcome": f"turn {turn}"}).status_code == 204
    path: str | None = f"/v1/subjects/{anna}/uses?limit=2"
    seen = []
    while path is not None:
        page = api.get(path).json()
        seen += [use["outcome"] for use in page["uses"]]
        path = page["next"]
    assert seen == [f"turn {turn}" for turn in (4, 3, 2, 1, 0)]


def test_a_forged_or_truncated_permit_records_nothing(api: Api, anna: str) -> None:
    held = permit(api, anna)
    for forged in (held[:-1], held + "A", held.replace("p1.", "p2."), "", "p1..", "x" * 3000):
        refused(api.post("/v1/uses", {"permit": forged, "outcome": "sent"}), 403, "permit-forged")
    assert api.get(f"/v1/subjects/{anna}/uses").json()["uses"] == []


def test_a_use_lies_not_in_the_future_and_says_something(api: Api, anna: str) -> None:
    held = permit(api, anna)
    later = (clock.now() + timedelta(hours=1)).isoformat()
    refused(api.post("/v1/uses", {"permit": held, "outcome": "sent", "at": later}), 422, "in-the-future")
    refused(api.post("/v1/uses", {"permit": held, "outcome": ""}), 422, "bad-outcome")
