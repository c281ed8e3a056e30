"""Persons and what is known of them, over HTTP."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta

from rest_support import Api, refused

from placet.bootstrap import Application, erase
from placet.kernel import clock
from placet.kernel.ids import parse_uuid
from placet.kernel.periods import parse_instant


def test_a_person_is_found_by_any_spelling_of_an_alias(api: Api, phone: str) -> None:
    anna = api.person(phone)
    for spelling in (f"msisdn:{phone}", f"msisdn:{phone[4:]}", f"MSISDN: {phone[:4]} {phone[4:]}", anna):
        found = api.post("/v1/subjects/lookup", {"subject": spelling})
        assert found.json()["id"] == anna, spelling


def test_an_alias_has_one_owner(api: Api, phone: str) -> None:
    api.person(phone)
    refused(api.post("/v1/subjects", {"aliases": [f"msisdn:{phone}"]}), 409, "alias-taken")


def test_an_unknown_alias_answers_404_and_repeats_nothing(api: Api) -> None:
    answer = api.post("/v1/subjects/lookup", {"subject": "msisdn:+37129999999"})
    refused(answer, 404, "unknown-subject")
    assert "29999999" not in answer.text


def test_a_person_who_was_never_asked_stands_at_unknown_everywhere(api: Api, phone: str) -> None:
    state = api.get(f"/v1/subjects/{api.person(phone)}/state").json()
    assert {found["decision"] for found in state["purposes"]} == {"unknown"}
    assert len(state["purposes"]) == 8


def test_a_decision_shows_in_the_state_with_the_token_that_proves_it(api: Api, phone: str) -> None:
    anna = api.person(phone)
    said = api.decide(anna, "offers", "given").json()
    api.decide(anna, "offers", "given", channel="email")
    state = api.get(f"/v1/subjects/{anna}/state").json()
    (offers,) = [found for found in state["purposes"] if found["purpose"] == "offers"]
    assert (offers["decision"], offers["position"]) == ("given", said["position"])
    assert [(found["channel"], found["decision"]) for found in offers["channels"]] == [("email", "given")]
    epoch, position = state["token"].split(".")
    assert epoch == said["token"].split(".")[0]
    assert int(position) > said["position"]


def test_the_state_can_be_asked_as_of_any_time(api: Api, phone: str) -> None:
    anna = api.person(phone)
    api.decide(anna, "usage", "given")
    first = api.get(f"/v1/subjects/{anna}/history").json()["records"][0]["record"]["recorded_at"]
    api.decide(anna, "usage", "withdrawn")

    def usage(query: str) -> str:
        state = api.get(f"/v1/subjects/{anna}/state?{query}").json()
        return next(found["decision"] for found in state["purposes"] if found["purpose"] == "usage")

    before = (parse_instant(first) - timedelta(microseconds=1)).isoformat().replace("+", "%2B")
    assert usage("") == "withdrawn"
    assert usage(f"at={first}") == "given"
    assert usage(f"known_at={first}") == "given"
    assert usage(f"at={before}") == "unknown"
    assert usage(f"at={clock.now().isoformat().replace('+', '%2B')}&known_at={before}") == "unknown"


def test_history_comes_in_pages_that_miss_and_repeat_nothing(api: Api, phone: str) -> None:
    anna = api.person(phone)
    said = [api.decide(anna, "usage", word).json()["position"] for word in ("given", "withdrawn", "given", "withdrawn")]
    path: str | None = f"/v1/subjects/{anna}/history?limit=3"
    seen = []
    while path is not None:
        page = api.get(path).json()
        seen += [found["position"] for found in page["records"]]
        path = page["next"]
    assert seen == sorted(said, reverse=True)


def test_the_export_holds_everything_that_was_put_in(api: Api, phone: str) -> None:
    added = api.post(
        "/v1/subjects",
        {"aliases": [f"msisdn:{phone}", f"email:a{phone[1:]}@example.lv"], "language": "ru", "name": "Анна",
         "birth_date": "1990-02-28"},
    ).json()  # fmt: skip
    said = api.decide(added["id"], "credit", "given").json()
    export = api.get(f"/v1/subjects/{added['id']}/export").json()
    assert export["subject"]["name"] == "Анна"
    assert export["subject"]["birth_date"] == "1990-02-28"
    assert export["subject"]["language"] == "ru"
    assert {contact["value"] for contact in export["contacts"]} == {phone, f"a{phone[1:]}@example.lv"}
    (decision,) = export["decisions"]
    assert decision["record"]["id"] == said["record"]
    shown = decision["record"]["notice"]["sha256"]
    assert export["texts"][shown]["purpose"] == "credit"
    assert export["uses"] == []


def test_the_export_comes_as_an_archive_too(api: Api, phone: str) -> None:
    anna = api.person(phone)
    answer = api.get(f"/v1/subjects/{anna}/export?format=zip&language=ru")
    assert answer.headers["content-type"] == "application/zip"
    assert re.fullmatch(r'attachment; filename="my-data-\d{4}-\d\d-\d\d\.zip"', answer.headers["content-disposition"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert '<html lang="ru">' in archive.read("data.html").decode()
    refused(api.get(f"/v1/subjects/{anna}/export?format=pdf"), 422, "bad-parameter")


def test_an_erased_person_leaves_no_personal_data_behind(api: Api, placet: Application, phone: str) -> None:
    anna = api.person(phone)
    record = api.decide(anna, "usage", "given").json()["record"]
    assert phone in api.get(f"/v1/subjects/{anna}/export").text
    with placet.database.transaction() as connection:
        erase(placet, connection, parse_uuid(anna, what="a subject"), now=clock.now())  # type: ignore[arg-type]
    export = api.get(f"/v1/subjects/{anna}/export")
    assert export.status_code == 200
    assert phone not in export.text
    assert "Anna" not in export.text
    assert export.json()["contacts"] == []
    assert export.json()["subject"]["erased_at"] is not None
    refused(api.get(f"/v1/receipts/{record}"), 404, "erased")
    refused(api.post("/v1/subjects/lookup", {"subject": f"msisdn:{phone}"}), 404, "unknown-subject")
    refused(api.decide(anna, "usage", "refused"), 422, "erased-subject")


def test_no_path_or_link_ever_holds_an_alias(api: Api, phone: str) -> None:
    anna = api.person(phone)
    for word in ("given", "withdrawn"):
        api.decide(anna, "usage", word)
    document = api.get("/v1/openapi.json").json()
    for path, found in document["paths"].items():
        for operation in found.values():
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            assert not names & {"msisdn", "email", "alias", "phone", "name"}, path
    page = api.get(f"/v1/subjects/{anna}/history?limit=1").json()
    assert phone[4:] not in json.dumps(page)
    assert f"/v1/subjects/{anna}/history" in page["next"]
