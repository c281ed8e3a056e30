"""What a receipt says: complete by ISO/IEC TS 27560, readable as JSON-LD, and in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from receipt_desk import SUBJECT, TEXT_SHA256, URL, Desk, desk, purposes, record

from placet.catalogue.files import load
from placet.consents import receipt_form, receipt_words
from placet.consents.model import ROUTES, Actor, Decision
from placet.consents.receipt_check import Genuine, verify
from placet.kernel.ids import PurposeId

AT = 3
RIGA = ZoneInfo("Europe/Riga")

MANDATORY = {
    # header (27560 6.3.3)
    "schema version": "dct:conformsTo",
    "receipt id": "dpv:hasIdentifier",
    "receipt time": "dct:created",
    "record id": "dpv:hasRecordOfActivity/dct:identifier",
    "record schema": "dpv:hasRecordOfActivity/dct:conformsTo",
    "pii principal id": "dpv:hasRecordOfActivity/dpv:hasDataSubject/dct:identifier",
    # processing (6.3.4, 6.3.5), with what the standard leaves open and GDPR 13 does not
    "privacy notice": "dpv:hasRecordOfActivity/dpv:hasNotice/placet:sha256",
    "language": "dpv:hasRecordOfActivity/dpv:hasNotice/dct:language",
    "purpose": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasPurpose",
    "purpose type": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasPurpose/skos:broader",
    "lawful basis": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasLegalBasis",
    "pii information": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasPersonalData",
    "pii type": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasPersonalData/0/skos:broader",
    "pii optional": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasPersonalData/0/dpv:hasNecessity",
    "pii controllers": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasDataController",
    "storage locations": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasStorageCondition/0/dpv:hasLocation",
    "retention period": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasStorageCondition/1/dpv:hasDuration",
    "jurisdiction": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasJurisdiction",
    "recipient third parties": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasRecipient",
    "withdrawal method": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasConsentControl/dpv:isExercisedAt",
    "privacy rights": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasRight",
    "authority party": "dpv:hasRecordOfActivity/dpv:hasProcess/dpv:hasAuthority",
    # parties (6.3.6)
    "party id": "dpv:hasEntity/0/dpv:hasIdentifier",
    "party name": "dpv:hasEntity/0/dpv:hasName",
    "party address": "dpv:hasEntity/0/schema:address",
    "party contact": "dpv:hasEntity/0/schema:contactPoint/schema:email",
    "party role": "dpv:hasEntity/0/@type/1",
    "authority name": "dpv:hasEntity/1/dpv:hasName",
    "recipient name": "dpv:hasEntity/2/dpv:hasName",
    # events (6.3.7)
    "event time": "dpv:hasRecordOfActivity/dpv:hasConsentStatus/dpv:isIndicatedAtTime",
    "validity duration": "dpv:hasRecordOfActivity/dpv:hasConsentStatus/dpv:hasDuration/rdf:value",
    "entity id": "dpv:hasRecordOfActivity/dpv:hasConsentStatus/dpv:isIndicatedBy",
    "event type and state": "dpv:hasRecordOfActivity/dpv:hasConsentStatus/@type",
}


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
        paths = {path for name, path in MANDATORY.items() if name != "recipient name"}
        missing += [(purpose, path) for path in paths if not at(payload, path)]
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
