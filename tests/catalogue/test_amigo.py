"""The shipped catalogue keeps the promises of the operator's own page on consents."""

from __future__ import annotations

from typing import Any

import pytest
from catalogue_tables import table

from placet.catalogue.lint import lint, readability
from placet.catalogue.model import Catalogue, Route
from placet.catalogue.readability import sms_parts
from placet.catalogue.render import render

PURPOSES = ["offers", "usage", "profiling", "credit", "location", "loyalty", "loyalty-offers", "mobility"]
PROMISES = {
    *("O1", "O2", "O3", "O4", "U1", "U2", "U3", "P1", "P2", "P3", "C1", "C2", "C3", "C4"),
    *("L1", "L2", "L3", "Y1", "Y2", "M1", "M2", "M3", "M4"),
}
FULL_TEXTS: tuple[Route, ...] = ("portal", "post", "api")


def words_of(text: str) -> str:
    """Lower case, without commas and line ends, so that a table of facts need not know them."""
    return " ".join(text.casefold().replace(",", " ").split())


def test_it_has_no_findings(amigo: Catalogue) -> None:
    assert lint(amigo) == []


def test_it_has_the_eight_purposes_in_order(amigo: Catalogue) -> None:
    assert list(amigo.purposes) == PURPOSES
    assert amigo.languages == ("lv", "ru", "en")


def test_every_promise_has_an_activity_of_its_purpose(amigo: Catalogue) -> None:
    kept = {row for activity in amigo.activities.values() for row in activity.mission}
    assert PROMISES - kept == set()


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
@pytest.mark.parametrize("fact", table("facts.yaml"), ids=lambda fact: fact["fact"])
def test_every_fact_stands_in_the_full_text(fact: dict[str, Any], language: str, amigo: Catalogue) -> None:
    purposes = PURPOSES if fact["purpose"] == "every" else [fact["purpose"]]
    for purpose in purposes:
        for route in FULL_TEXTS:
            text = words_of(render(amigo, purpose=purpose, language=language, route=route).text)
            assert [words for words in fact[language] if words_of(words) not in text] == []


def test_four_purposes_ask_for_each_channel_by_itself(amigo: Catalogue) -> None:
    asking = {id: purpose.channels for id, purpose in amigo.purposes.items() if purpose.channels}
    every = ("email", "sms", "call", "post", "app")
    assert asking == {"offers": every, "usage": every, "location": every, "loyalty-offers": every}


def test_what_hangs_on_the_line_is_named(amigo: Catalogue) -> None:
    whole = {purpose for purpose, channel in amigo.tied if channel is None}
    single = {(purpose, channel) for purpose, channel in amigo.tied if channel is not None}
    assert whole == {"usage", "location", "mobility"}
    assert single == {
        (purpose, channel)
        for purpose in ("offers", "usage", "location", "loyalty-offers")
        for channel in ("sms", "call")
    }


def test_only_profiling_decides_by_itself_and_only_lmt_shares_it(amigo: Catalogue) -> None:
    assert [id for id, purpose in amigo.purposes.items() if purpose.automated] == ["profiling"]
    assert [id for id, purpose in amigo.purposes.items() if "lmt" in purpose.recipients] == ["profiling"]


def test_loyalty_is_kept_for_two_years_after_the_contract(amigo: Catalogue) -> None:
    for id in ("loyalty", "loyalty-offers"):
        retention = amigo.purposes[amigo.purpose(id).id].retention
        assert (retention.days, retention.after) == (730, "contract-end")


def test_activities_on_contract_or_law_need_no_consent_and_name_their_law(amigo: Catalogue) -> None:
    free = {id: activity for id, activity in amigo.activities.items() if not activity.needs}
    assert {
        "contract.billing",
        "contract.number-portability",
        "contract.service-message",
        "law.traffic-retention",
    } <= set(free)
    assert all(activity.law and activity.legal_basis != "consent" for activity in free.values())


def test_an_activity_named_after_a_purpose_needs_it_or_stands_on_law(amigo: Catalogue) -> None:
    for id, activity in amigo.activities.items():
        family = id.partition(".")[0]
        if activity.needs:
            assert family in activity.needs
        else:
            assert activity.law


def test_some_activities_need_two_purposes_and_the_channel_of_each_that_has_it(amigo: Catalogue) -> None:
    offer = amigo.activity("location.sms-offer")
    assert amigo.needs_of(offer) == (("location", "sms"), ("offers", "sms"))
    assert amigo.needs_of(amigo.activity("profiling.email-offer")) == (("profiling", None), ("offers", "email"))


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_sms_stays_short_and_says_who_asks_and_that_no_changes_nothing(
    purpose: str, language: str, amigo: Catalogue
) -> None:
    text = render(amigo, purpose=purpose, language=language, route="sms").text
    assert sms_parts(text) <= 4
    assert text.startswith("Amigo (SIA “ZetCOM”): ")
    assert {"lv": "NĒ neko nemaina", "ru": "НЕТ ничего не меняет", "en": "NO changes nothing"}[language] in text
    assert text.endswith("amigo.lv")


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_a_script_tells_what_is_asked_what_no_means_and_how_to_withdraw(language: str, amigo: Catalogue) -> None:
    for purpose in amigo.purposes.values():
        notice = purpose.notice(language)
        for route in ("phone", "desk"):
            text = render(amigo, purpose=purpose.id, language=language, route=route).text
            for part in (notice.title, notice.summary, *notice.opens, notice.retention, notice.refused, "ZetCOM"):
                assert part in text
            assert amigo.wording[language].past in text
            assert amigo.wording[language].question in text


def test_texts_are_easy_to_read_in_every_language(amigo: Catalogue) -> None:
    assert {language: figures.lix < 30 for language, figures in readability(amigo).items()} == {
        "lv": True,
        "ru": True,
        "en": True,
    }


def test_the_reader_is_addressed_as_the_style_asks(amigo: Catalogue) -> None:
    for purpose in PURPOSES:
        latvian = render(amigo, purpose=purpose, language="lv", route="portal").text
        russian = render(amigo, purpose=purpose, language="ru", route="portal").text
        assert not any(word in latvian.split() for word in ("jūs", "jūsu", "jums", "tu", "tev", "tavs"))
        assert not any(word in russian.split() for word in ("Вам", "Вас", "Ваш", "Ваша", "ты", "тебе", "твой"))
