"""
What a receipt says: the fields of ISO/IEC TS 27560 in terms of the W3C Data Privacy Vocabulary, as JSON-LD.

The four sections of the standard are here by these names (DPV guide *consent-27560*, profile `receipt-eu-gdpr`):

* header: the receipt itself, `dpv:hasIdentifier`, `dct:conformsTo`, `dct:created`;
* parties: `dpv:hasEntity`, the controller, the authority one complains to, who else receives data;
* processing: `dpv:hasProcess` of the one record, as its notice told it (GDPR 13);
* events: `dpv:hasConsentStatus`, what was decided, when, by whom and by which means (GDPR 7(1)).

Beside them stands `evidence`: the record's exact bytes, its salt and its place, from which anyone can recompute the
log's entry. `bound` is what the record alone determines; a reader recomputes it, so that a receipt cannot say in the
words of the standard what its record does not say. No contact and no name of the subject is in here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from placet.catalogue.model import Catalogue, Purpose, Retention
from placet.consents import jws
from placet.consents.model import Decision, Record
from placet.kernel import jcs
from placet.kernel.ids import ChannelId, Position
from placet.kernel.periods import format_instant
from placet.ledger.keys import receipt_verifier
from placet.ledger.notes import VerifierKey

MEDIA_TYPE = "vnd.placet.receipt.v1+json"
"""
What a receipt is signed as (`typ`, RFC 7515 §4.1.9): nothing else that the key signs can pass for one.

Receipts are kept for decades. Whoever changes `bound` takes a new version and leaves the old one readable.
"""
RECEIPT_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
RECORD_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
_RECEIPTS = UUID("4d5a9c0e-52a1-5b0f-9d3e-6f6c61636574")
"""Namespace of receipt identifiers (RFC 9562 §5.5): one record has one receipt, however often it is printed."""

_NAMES = (
    "dct:audience",
    "dct:conformsTo",
    "dct:creator",
    "dpv:hasApplicableLaw",
    "dpv:hasAuthority",
    "dpv:hasAutomationLevel",
    "dpv:hasDataController",
    "dpv:hasJurisdiction",
    "dpv:hasLegalBasis",
    "dpv:hasLocation",
    "dpv:hasNecessity",
    "dpv:hasRecipient",
    "dpv:isExercisedAt",
    "dpv:isIndicatedBy",
    "skos:broader",
)
_TIMES = ("dct:created", "dpv:isIndicatedAtTime")
_CONTEXT: Mapping[str, Any] = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "placet": "urn:placet:receipt:1:",
    "evidence": {"@id": "placet:evidence", "@type": "@json"},
    **{name: {"@id": name, "@type": "@id"} for name in _NAMES},
    **{name: {"@id": name, "@type": "xsd:dateTime"} for name in _TIMES},
}
"""JSON-LD 1.1: the values of these properties are names, not text; the evidence is one JSON literal."""
STATUS: Mapping[Decision, tuple[str, ...]] = {
    Decision.GIVEN: ("dpv:ConsentGiven", "dpv:ExpressedConsent"),
    Decision.REFUSED: ("dpv:ConsentRefused",),
    Decision.WITHDRAWN: ("dpv:ConsentWithdrawn",),
    Decision.OBJECTED: ("dpv:ConsentStatusInvalidForProcessing", "dpv:ObjectingToProcess"),
    Decision.REQUESTED: ("dpv:ConsentRequested",),
    Decision.EXPIRED: ("dpv:ConsentExpired",),
    Decision.INVALIDATED: ("dpv:ConsentInvalidated",),
    Decision.SUSPENDED: ("dpv:ConsentStatusInvalidForProcessing", "placet:ConsentSuspended"),
}
"""DPV has no status for an objection (GDPR 21) or a suspension: both are named under its word for *not valid*."""
_SPEAKER: Mapping[str, str] = {
    "subject": "dpv:DataSubject",
    "representative": "dpv:Representative",
    "agent": "dpv:DataSubject",  # the agent writes down what the person says; the actor's id is in the record
    "client": "dpv:DataSubject",
    "system": "dpv:DataController",
}
_RIGHTS = ("A7-3", "A15", "A16", "A17", "A18", "A20", "A21", "A22", "A77")


@attrs.frozen
class Place:
    """Where a record stands: *base* names the operator's logs, each epoch is one of them; positions are from 1."""

    base: str
    epoch: str
    position: Position

    @property
    def origin(self) -> str:
        """The log's name, as its checkpoints carry it."""
        return f"{self.base}/{self.epoch}"


@attrs.frozen
class Evidence:
    """What proves the record's place: its exact bytes, the salt of its commitment, the 33 bytes in the log."""

    place: Place
    record: bytes
    salt: bytes
    entry: bytes


def payload(record: Record, evidence: Evidence, *, catalogue: Catalogue, url: str) -> dict[str, Any]:
    """The receipt of *record*, to be signed; *url* is where the subject withdraws and exercises rights."""
    purpose = catalogue.purposes.get(record.purpose)
    language = record.language or catalogue.languages[0]
    must = bound(record)
    told, status = must["dpv:hasRecordOfActivity"], must["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"]
    return {
        **must,
        "@context": _CONTEXT,
        "dct:audience": "dpv:DataSubject",
        "dct:creator": _controller_id(catalogue),
        "dct:language": language,
        "dpv:hasEntity": _parties(catalogue, purpose, language),
        "dpv:hasRecordOfActivity": {
            **told,
            "dpv:hasConsentStatus": {**status, "dpv:hasDuration": _validity(record.decision, purpose)},
            "dpv:hasProcess": _process(catalogue, record, language, url) | _described(catalogue, purpose),
        },
        "evidence": {
            "entry": evidence.entry.hex(),
            "epoch": evidence.place.epoch,
            "log": evidence.place.base,
            "position": evidence.place.position,
            "record": evidence.record.decode(),
            "salt": evidence.salt.hex(),
        },
    }


def sign(payload: Mapping[str, Any], base: str, key: Ed25519PrivateKey) -> jws.Flattened:
    """The JWS over the canonical *payload* by the receipts *key* of the operator whose logs are under *base*."""
    header = jws.Header(kid=key_id(receipt_verifier(base, key)), typ=MEDIA_TYPE)
    return jws.sign(jcs.canonical(payload), header, key.sign)


def key_id(key: VerifierKey) -> str:
    """How a receipt names its key: the verifier key without the key itself."""
    return f"{key.name}+{key.id.hex()}"


def bound(record: Record) -> dict[str, Any]:
    """What the receipt of *record* must say, whoever the operator is and whatever the catalogue holds."""
    receipt = str(uuid5(_RECEIPTS, str(record.id)))
    return {
        "@id": f"urn:uuid:{receipt}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": RECEIPT_PROFILE,
        "dct:created": format_instant(record.recorded_at),
        "dpv:hasIdentifier": receipt,
        "dpv:hasRecordOfActivity": {
            "@id": f"urn:uuid:{record.id}",
            "@type": "dpv:ConsentRecord",
            "dct:conformsTo": RECORD_PROFILE,
            "dct:identifier": str(record.id),
            "dpv:hasDataSubject": {
                "@id": f"urn:uuid:{record.subject}",
                "@type": "dpv:DataSubject",
                "dct:identifier": str(record.subject),
            },
            "dpv:hasNotice": _notice(record),
            "placet:purpose": record.purpose,
            "placet:channel": record.channel,
            "dpv:hasConsentStatus": {
                "@type": list(STATUS[record.decision]),
                "dpv:hasIndicationMethod": record.route,
                "dpv:isIndicatedAtTime": format_instant(record.occurred_at),
                "dpv:isIndicatedBy": _SPEAKER.get(record.actor.kind, "dpv:Entity"),
                "placet:decision": record.decision.value,
            },
        },
    }


def difference(must: Mapping[str, Any], says: object, *, path: str = "") -> str | None:
    """The first field of *must* that *says* does not have with the same value, as a path; None when all agree."""
    if not isinstance(says, dict):
        return path or "the receipt"
    for key, value in must.items():
        place = f"{path}/{key}"
        if isinstance(value, dict):
            if (found := difference(value, says.get(key), path=place)) is not None:
                return found
        elif key not in says or not _same(value, says[key]):
            return place
    return None


def _same(value: object, other: object) -> bool:
    """Equality in which 1, 1.0 and true differ."""
    return json.dumps(value) == json.dumps(other)


def _notice(record: Record) -> dict[str, Any]:
    """Which text the decision was said on; `placet:sha256` commits to what was rendered."""
    return {
        "@type": "dpv:ConsentNotice",
        "dct:hasVersion": None if record.notice is None else record.notice.version,
        "dct:language": record.language,
        "placet:sha256": None if record.notice is None else record.notice.sha256,
    }


def _parties(catalogue: Catalogue, purpose: Purpose | None, language: str) -> list[dict[str, Any]]:
    """Controller, authority and recipients, reached through the controller; of the subject there is the id alone."""
    controller = catalogue.controller
    return [
        {
            "@id": _controller_id(catalogue),
            "@type": ["dpv:Organisation", "dpv:DataController"],
            "dpv:hasIdentifier": controller.registration,
            "dpv:hasName": controller.name,
            "schema:alternateName": controller.brand,
            "schema:address": {
                "@type": "schema:PostalAddress",
                "schema:streetAddress": _in(controller.address, language),
            },
            "schema:contactPoint": {
                "@type": "schema:ContactPoint",
                "schema:email": controller.email,
                "schema:telephone": controller.phone,
                "schema:url": controller.website,
            },
        },
        {
            "@id": controller.authority_website,
            "@type": "dpv:DataProtectionAuthority",
            "dpv:hasIdentifier": controller.authority_website,
            "dpv:hasName": _in(controller.authority, language),
            "schema:contactPoint": {"@type": "schema:ContactPoint", "schema:url": controller.authority_website},
        },
        *(
            {
                "@id": f"placet:recipient:{id}",
                "@type": "dpv:Recipient",
                "dpv:hasIdentifier": id,
                "dpv:hasName": _in(catalogue.recipients[id].titles, language),
                "schema:contactPoint": {"@id": _controller_id(catalogue)},
            }
            for id in (() if purpose is None else purpose.recipients)
        ),
    ]


def _process(catalogue: Catalogue, record: Record, language: str, url: str) -> dict[str, Any]:
    """Who processes, on which basis, under whose law, and what the subject can do about it (GDPR 13(1) and (2))."""
    controller = catalogue.controller
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {"@id": f"placet:purpose:{record.purpose}", "@type": "dpv:Purpose"},
        "dpv:hasNotice": {"@id": _in(controller.privacy_policy, language), "@type": "dpv:PrivacyNotice"},
        "dpv:hasLegalBasis": "eu-gdpr:A6-1-a",
        "dpv:hasDataController": _controller_id(catalogue),
        "dpv:hasJurisdiction": _country(catalogue),
        "dpv:hasApplicableLaw": "eu-gdpr:GDPR",
        "dpv:hasAuthority": controller.authority_website,
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": url,
        },
        "dpv:hasRight": [
            {"@type": ["dpv:DataSubjectRight", f"eu-gdpr:{right}"], "dpv:isExercisedAt": url} for right in _RIGHTS
        ],
        **_channel(catalogue, record.channel),
    }


def _channel(catalogue: Catalogue, channel: ChannelId | None) -> dict[str, Any]:
    """The one channel that a decision is about, where it is about one."""
    if channel is None:
        return {}
    known = catalogue.channels.get(channel)
    titles = {} if known is None else {"dct:title": _titles(known.titles)}
    return {"placet:overChannel": {"@id": f"placet:channel:{channel}", **titles}}


def _described(catalogue: Catalogue, purpose: Purpose | None) -> dict[str, Any]:
    """What the catalogue tells of the purpose; nothing when the operator has given it up since."""
    if purpose is None:
        return {}
    automation = {"dpv:hasAutomationLevel": "dpv:FullAutomation"} if purpose.automated else {}
    return {
        **automation,
        "dct:hasVersion": str(purpose.version),
        "dpv:hasPurpose": {
            "@id": f"placet:purpose:{purpose.id}",
            "@type": "dpv:Purpose",
            "dct:title": _titles({name: notice.title for name, notice in purpose.notices.items()}),
            "skos:broader": list(purpose.dpv),
        },
        "dpv:hasPersonalData": [
            {
                "@type": "dpv:PersonalData",
                "dct:title": _titles(catalogue.data[id].titles),
                "dpv:hasNecessity": "dpv:Optional",
                "skos:broader": catalogue.data[id].dpv,
            }
            for id in purpose.data
        ],
        "dpv:hasRecipient": [_controller_id(catalogue), *(f"placet:recipient:{id}" for id in purpose.recipients)],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": _country(catalogue)},
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": _kept(purpose.retention)},
        ],
    }


def _validity(decision: Decision, purpose: Purpose | None) -> dict[str, str]:
    """How long the event holds: a yes for its term or until taken back, anything else until a new decision."""
    if decision is not Decision.GIVEN:
        return {"@type": "dpv:UntilEventDuration", "rdf:value": "a new decision"}
    if purpose is None or purpose.valid_for is None:
        return {"@type": "dpv:UntilEventDuration", "rdf:value": "withdrawal"}
    return {"@type": "dpv:TemporalDuration", "rdf:value": f"P{purpose.valid_for.days}D"}


def _kept(retention: Retention) -> dict[str, str]:
    return {
        "@type": "dpv:TemporalDuration",
        "rdf:value": f"P{retention.days}D",
        "placet:countedFrom": retention.after,
    }


def _country(catalogue: Catalogue) -> str:
    """Where the controller is established, by the country code its registration number begins with."""
    return f"loc:{catalogue.controller.registration[:2]}"


def _controller_id(catalogue: Catalogue) -> str:
    return catalogue.controller.website


def _titles(by_language: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@language": language, "@value": title} for language, title in by_language.items()]


def _in(by_language: Mapping[str, str], language: str) -> str:
    """The words in *language*, or in the first language there is: a party must have a name."""
    return by_language.get(language) or next(iter(by_language.values()))
