"""What a receipt says: complete by ISO/IEC TS 27560, readable as JSON-LD, and in the reader's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from receipt_desk import SUBJECT, TEXT_SHA256, URL, Desk, desk, purposes, record

from placet.catalogue.files import load
from placet.consents import receipt_form, receipt_words
from placet.consents.model import ROUTES, Actor, Decision
from placet.consents.receipt_check import Genuine, verify
from placet.kernel.ids import ChannelId, PurposeId

AT = 3
RIGA = ZoneInfo("Europe/Riga")

PAGE = (Path(__file__).parents[2] / "docs/reference/receipt.md").read_text(encoding="utf-8")
MANDATORY = dict(
    re.findall(r"^\| (?:header|processing|parties|events) \| (.*?) \|.*\| `(.*?)` \|$", PAGE, re.MULTILINE)
)
"""The fields of the standard, by the path that docs/reference/receipt.md names."""
STATUSES = dict(re.findall(r"^\| `(\w+)` \| (`(?:dpv|placet):.*`) \|$", PAGE, re.MULTILINE))


def at(value: Any, path: str) -> Any:
    for key in path.split("/"):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def words(value: Any) -> Iterator[str]:
    """Every key and every text inside *value*, the context and the evidence left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in {"@context", "evidence", "@language", "@value", "rdf:value"}:
                yield key
                yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("decision", list(Decision))
@pytest.mark.parametrize("field", MANDATORY)
def test_every_mandatory_field_is_there_for_every_outcome(decision: Decision, field: str) -> None:
    assert at(desk(AT, decision).payload(AT), MANDATORY[field])


@pytest.mark.parametrize("field", MANDATORY)
def test_every_mandatory_field_is_there_when_no_text_was_shown(field: str) -> None:
    """A withdrawal by a partner's system, an expiry: no notice, no language."""
    said = record(1, Decision.EXPIRED, notice=None, language=None, channel=None, actor=Actor("system"))
    log = Desk([said])
    assert at(log.payload(1), MANDATORY[field])
    assert isinstance(verify(log.receipt(1), log.keys), Genuine)


def test_the_table_of_fields_has_all_four_sections() -> None:
    assert len(MANDATORY) == 32


def test_the_table_of_statuses_is_what_receipts_say() -> None:
    said = {decision.value: " ".join(f"`{name}`" for name in names) for decision, names in receipt_form.STATUS.items()}
    assert said == STATUSES


def test_recipients_are_parties() -> None:
    recipient = at(desk().payload(AT), "dpv:hasEntity/2")
    assert (recipient["@type"], recipient["dpv:hasName"]) == ("dpv:Recipient", "tipogrāfija")


def test_the_profile_is_that_of_gdpr_receipts() -> None:
    assert desk().payload(AT)["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"


@pytest.mark.parametrize("decision", list(Decision))
def test_only_a_yes_is_a_valid_status(decision: Decision) -> None:
    status = at(desk(AT, decision).payload(AT), "dpv:hasRecordOfActivity/dpv:hasConsentStatus/@type")
    assert ("dpv:ConsentGiven" in status) == (decision is Decision.GIVEN)


def test_statuses_of_different_outcomes_differ() -> None:
    assert len(set(receipt_form.STATUS.values())) == len(Decision)


def test_every_prefix_is_declared() -> None:
    payload = desk().payload(AT)
    declared = set(payload["@context"])
    used = {word.partition(":")[0] for word in words(payload) if word.count(":") == 1 and " " not in word}
    assert used - declared <= {"https", "http"}


def test_two_records_have_two_receipts_and_one_record_has_one() -> None:
    ids = [desk().payload(position)["dpv:hasIdentifier"] for position in (1, 2, 2)]
    assert (ids[0] != ids[1], ids[1] == ids[2]) == (True, True)


def test_a_purpose_without_a_term_holds_until_withdrawal() -> None:
    catalogue = purposes()
    offers = attrs.evolve(catalogue.purposes[PurposeId("offers")], valid_for=None)
    said, log = record(1), Desk([record(1)])
    open_ended = attrs.evolve(catalogue, purposes={PurposeId("offers"): offers})
    payload = receipt_form.payload(said, log.evidence(said), catalogue=open_ended, url=URL)
    assert at(payload, "dpv:hasRecordOfActivity/dpv:hasConsentStatus/dpv:hasDuration") == {
        "@type": "dpv:UntilEventDuration",
        "rdf:value": "withdrawal",
    }


def test_a_purpose_that_was_given_up_since_still_has_its_receipts() -> None:
    log = Desk([record(1, purpose=PurposeId("gone"), channel=ChannelId("fax"))])
    verdict = verify(log.receipt(1), log.keys)
    assert isinstance(verdict, Genuine)
    said = receipt_words.summary(verdict, language="en", zone=RIGA)
    assert (said.purpose, said.channel, said.controller) == ("gone", "fax", "SIA “Sample”")


@pytest.mark.parametrize(
    ("kind", "speaker"),
    [
        ("subject", "dpv:DataSubject"),
        ("agent", "dpv:DataSubject"),
        ("representative", "dpv:Representative"),
        ("system", "dpv:DataController"),
    ],
)
def test_who_spoke_is_told(kind: Any, speaker: str) -> None:
    log = Desk([record(1, actor=Actor(kind, "x"))])
    assert at(log.payload(1), "dpv:hasRecordOfActivity/dpv:hasConsentStatus/dpv:isIndicatedBy") == speaker
    assert isinstance(verify(log.receipt(1), log.keys), Genuine)


def test_the_shipped_catalogue_fills_every_mandatory_field_for_every_purpose() -> None:
    amigo = load("amigo")
    missing = []
    for purpose in amigo.purposes:
        said = record(1, purpose=purpose, channel=None)
        payload = receipt_form.payload(said, Desk([said]).evidence(said), catalogue=amigo, url=URL)
        missing += [(purpose, path) for path in MANDATORY.values() if not at(payload, path)]
        assert "dpv:FullAutomation" in set(words(payload)) or not amigo.purposes[purpose].automated
    assert missing == []


# In the reader's words.


def summary(language: str, **changes: Any) -> receipt_words.ReceiptSummary:
    log = Desk([record(1, **changes)])
    verdict = verify(log.receipt(1), log.keys)
    assert isinstance(verdict, Genuine)
    return receipt_words.summary(verdict, language=language, zone=RIGA)


def test_a_receipt_reads_in_latvian() -> None:
    said = summary("lv")
    assert (said.decision, said.purpose, said.channel, said.route) == ("Dota", "Piedāvājumi", "SMS", "tīmekļa vietnē")
    assert said.occurred_at == "2026. gada 12. marts, 14:00:01 +0200"


def test_a_receipt_reads_in_russian() -> None:
    said = summary("ru", decision=Decision.WITHDRAWN, route="post")
    assert (said.decision, said.purpose, said.route) == ("Отозвано", "Предложения", "письмом")


def test_a_receipt_reads_in_english() -> None:
    said = summary("en", decision=Decision.REFUSED, channel=None)
    assert (said.decision, said.channel, said.notice_version, said.notice_sha256) == ("Refused", "", "1.0", TEXT_SHA256)
    assert (said.controller, said.position, said.record_id) == ("SIA “Sample”", 1, str(record(1).id))


@pytest.mark.parametrize("language", receipt_words.LANGUAGES)
@pytest.mark.parametrize("decision", list(Decision))
def test_every_decision_has_its_own_word(language: str, decision: Decision) -> None:
    spoken = {other: summary(language, decision=other).decision for other in Decision}
    assert list(spoken.values()).count(spoken[decision]) == 1


@pytest.mark.parametrize("language", receipt_words.LANGUAGES)
@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_route_has_words(language: str, route: str) -> None:
    assert summary(language, route=route).route not in {"", route}


def test_summer_time_is_the_readers() -> None:
    at_noon = record(1).occurred_at.replace(month=7)
    assert summary("en", occurred_at=at_noon).occurred_at == "12 July 2026, 15:00:01 +0300"


def test_a_summary_names_nobody() -> None:
    assert str(SUBJECT) not in str(attrs.asdict(summary("en")))
