"""An operator's log in memory, with its keys, a witness and one customer: what receipts need, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from placet.catalogue import model as catalogue
from placet.catalogue.model import Catalogue
from placet.consents import receipt_form
from placet.consents.model import Actor, Decision, Notice, Record
from placet.consents.receipt_file import Proof, ReceiptFile, format_file
from placet.consents.receipt_form import Evidence, Place
from placet.kernel.ids import ChannelId, Position, PurposeId, RecordId, SubjectId
from placet.ledger import entries, merkle
from placet.ledger.keys import LogSigner, receipt_verifier
from placet.ledger.notes import COSIGNATURE, Note, Signer, TreeHead, VerifierKey, join, sign_checkpoint

BASE = "log.amigo.example"
EPOCH = "00c0ffee"
URL = "https://consents.amigo.example"
NOW = datetime(2026, 3, 12, 12, 0, 1, tzinfo=UTC)
SUBJECT = SubjectId(UUID("3f8a1c2e-0000-4000-8000-000000000001"))
SUBJECT_KEY = b"k" * 32
TEXT = b'{"blocks":["the text that was shown"]}'
TEXT_SHA256 = sha256(TEXT).hexdigest()


def private(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


CHECKPOINT, RECEIPT, WITNESS = private(1), private(2), Signer("witness.example", private(3))


def purposes() -> Catalogue:
    """One purpose with one channel, in three languages."""
    titles = {"lv": "Piedāvājumi", "ru": "Предложения", "en": "Offers"}
    notices = {language: catalogue.Notice(title, "", (), (), (), "", "", "") for language, title in titles.items()}
    return Catalogue(
        id="sample",
        version=catalogue.Version(1, 0),
        languages=("lv", "ru", "en"),
        controller=catalogue.Controller(
            name="SIA “Sample”",
            brand="Sample",
            registration="LV40000000000",
            address={"lv": "Iela 1, Rīga", "en": "Street 1, Riga"},
            email="info@sample.example",
            phone="80000000",
            website="https://sample.example",
            privacy_policy={"lv": "https://sample.example/lv"},
            authority={"lv": "Datu valsts inspekcija", "en": "Data State Inspectorate"},
            authority_website="https://www.dvi.gov.lv",
        ),
        variables={},
        channels={ChannelId("sms"): catalogue.Channel(ChannelId("sms"), True, {"lv": "SMS", "ru": "SMS", "en": "SMS"})},
        data={"contact": catalogue.DataCategory("contact", "pd:Contact", {"lv": "kontakti", "en": "contacts"})},
        recipients={"printer": catalogue.Recipient("printer", {"lv": "tipogrāfija", "en": "a printing house"})},
        purposes={
            PurposeId("offers"): catalogue.Purpose(
                id=PurposeId("offers"),
                version=catalogue.Version(1, 0),
                channels=(ChannelId("sms"),),
                line_tied=False,
                valid_for=timedelta(days=730),
                dpv=("dpv:DirectMarketing",),
                data=("contact",),
                recipients=("printer",),
                retention=catalogue.Retention(30, "withdrawal"),
                automated=False,
                notices=notices,
            )
        },
        activities={},
        wording={},
        document=b"{}",
    )


def record(number: int = 1, decision: Decision = Decision.GIVEN, **changes: Any) -> Record:
    """The customer's record at position *number*."""
    said = Record(
        id=RecordId(UUID(int=number)),
        subject=SUBJECT,
        purpose=PurposeId("offers"),
        channel=ChannelId("sms"),
        decision=decision,
        route="portal",
        actor=Actor("subject", str(SUBJECT)),
        occurred_at=NOW,
        recorded_at=NOW,
        language="lv",
        notice=Notice("1.0", TEXT_SHA256),
        position=Position(number),
    )
    return attrs.evolve(said, **changes)


@attrs.frozen
class Desk:
    """The operator: *records* stand in its log in this order, from position 1."""

    records: Sequence[Record]
    base: str = BASE
    checkpoint_key: Ed25519PrivateKey = CHECKPOINT
    receipt_key: Ed25519PrivateKey = RECEIPT

    @property
    def log(self) -> LogSigner:
        return LogSigner(self.base, self.checkpoint_key)

    @property
    def keys(self) -> list[VerifierKey]:
        return [
            *self.log.verifiers(EPOCH),
            receipt_verifier(self.base, self.receipt_key),
            WITNESS.verifier(COSIGNATURE),
        ]

    @property
    def published(self) -> str:
        """The file of keys, the witness's among them."""
        return "".join(f"{key}\n" for key in self.keys)

    def evidence(self, record: Record) -> Evidence:
        assert record.position is not None
        salt = entries.salt(SUBJECT_KEY, record.id)
        return Evidence(Place(self.base, EPOCH, record.position), record.body, salt, entries.commit(salt, record.body))

    def payload(self, position: int) -> dict[str, Any]:
        said = self.records[position - 1]
        return receipt_form.payload(said, self.evidence(said), catalogue=purposes(), url=URL)

    def leaves(self) -> list[bytes]:
        return [entries.leaf_hash(self.evidence(said).entry) for said in self.records]

    def checkpoint(self, size: int | None = None) -> str:
        leaves = self.leaves()[:size]
        head = TreeHead(self.log.origin(EPOCH), len(leaves), merkle.root(leaves))
        note = Note.parse(sign_checkpoint(head, self.log.signer(EPOCH), NOW))
        return join(note.text, [*(line.line for line in note.signatures), WITNESS.cosign(note.text, NOW)])

    def proof(self, position: int, size: int | None = None) -> Proof:
        leaves = self.leaves()[:size]
        path = merkle.inclusion_proof(
            lambda height, index: merkle.root(leaves[index << height : (index + 1) << height]),
            position - 1,
            len(leaves),
        )
        return Proof(position - 1, len(leaves), leaves[position - 1], tuple(path), self.checkpoint(size))

    def file(self, position: int, payload: dict[str, Any] | None = None) -> ReceiptFile:
        """The receipt at *position*; *payload* replaces what is signed, as a lying operator could."""
        signed = receipt_form.sign(payload or self.payload(position), self.base, self.receipt_key)
        return ReceiptFile(signed, self.proof(position), proof_pending=False)

    def receipt(self, position: int) -> bytes:
        return format_file(self.file(position))


def desk(size: int = 11, decision: Decision = Decision.GIVEN) -> Desk:
    return Desk([record(number, decision) for number in range(1, size + 1)])
