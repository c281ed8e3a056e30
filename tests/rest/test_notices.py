"""The words, before a yes."""

from __future__ import annotations

import hashlib

from rest_support import Api, refused


def test_the_hash_is_of_the_document_and_the_text_is_made_from_it(api: Api) -> None:
    for language in ("lv", "ru", "en"):
        for route in ("api", "portal", "sms", "phone", "desk", "post"):
            notice = api.get(f"/v1/notices/location?language={language}&route={route}").json()
            assert hashlib.sha256(notice["document"].encode()).hexdigest() == notice["sha256"]
            assert (notice["language"], notice["route"], notice["purpose"]) == (language, route, "location")
            assert notice["text"]
            assert notice["html"]


def test_a_yes_needs_the_text_that_was_shown(api: Api, phone: str) -> None:
    anna = api.person(phone)
    shown = api.shown("offers")
    other = api.shown("usage")
    assert api.decide(anna, "offers", "given", shown=shown).status_code == 201
    refused(api.decide(anna, "profiling", "given", shown=other), 422, "notice-not-shown")
    refused(api.decide(anna, "profiling", "given", shown="0" * 64), 422, "notice-not-shown")
    refused(api.decide(anna, "profiling", "given", shown=None), 422, "notice-not-shown")


def test_a_text_in_another_language_or_for_an_unknown_purpose_is_refused(api: Api) -> None:
    refused(api.get("/v1/notices/offers?language=de"), 422, "unknown-language")
    refused(api.get("/v1/notices/weather?language=lv"), 422, "unknown-purpose")
    refused(api.get("/v1/notices/offers?language=lv&route=pigeon"), 422, "bad-parameter")
    refused(api.get("/v1/notices/offers"), 422, "bad-parameter")


def test_the_catalogue_is_answered_as_it_was_published(api: Api) -> None:
    catalogue = api.get("/v1/catalogue").json()
    assert hashlib.sha256(catalogue["document"].encode()).hexdigest() == catalogue["digest"]
    assert [purpose["id"] for purpose in catalogue["purposes"]] == [
        "offers", "usage", "profiling", "credit", "location", "loyalty", "loyalty-offers", "mobility",
    ]  # fmt: skip
    assert all(activity["needs"] or activity["legal_basis"] != "consent" for activity in catalogue["activities"])
