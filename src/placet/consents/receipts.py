"""
The receipt of a record: signed on demand, with the proof of its place as soon as the tree has one (GDPR 7(1)).

There is one for every outcome, a no as well as a yes. A copy made later has the same identifier, time and evidence; the
proof is newer, and so is the description of the processing, which names its version. Nothing here runs while a decision
is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
from psycopg import Connection

from placet.catalogue.model import Catalogue
from placet.config import Config
from placet.consents import receipt_form
from placet.consents.model import Record, from_json
from placet.consents.receipt_file import Proof, ReceiptFile, format_file
from placet.consents.receipt_form import Evidence, Place
from placet.kernel import jcs
from placet.kernel.errors import NotFound, Tampered
from placet.kernel.ids import Position, RecordId, SubjectId
from placet.ledger import entries
from placet.ledger.keys import Keys
from placet.ledger.proof import Prover
from placet.ledger.reader import TileReader
from placet.store.queries import queries

_SQL = queries("placet.consents", "receipts.sql")
UnwrapKey = Callable[[bytes, SubjectId], bytes]
"""Opens a subject's wrapped key."""
CatalogueAt = Callable[[Connection, Position], Catalogue]
"""The catalogue that was in force at a position of the ledger."""


@attrs.frozen
class Receipt:
    """A signed receipt: what it says (`record`, `place`, `payload`), and the file that is handed out."""

    record: Record
    place: Place
    payload: dict[str, Any] = attrs.field(repr=False)
    file: ReceiptFile = attrs.field(repr=False)

    media_type = "application/jose+json"
    """RFC 7515 §9.2.1."""

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return format_file(self.file)

    @property
    def filename(self) -> str:
        """Tells a reader what the file is, and a stranger nothing about the person."""
        return f"receipt-{self.place.position}.json"

    @property
    def proof_pending(self) -> bool:
        return self.file.proof_pending


def make(
    connection: Connection,
    record_id: RecordId,
    *,
    catalogue_at: CatalogueAt,
    keys: Keys,
    subject_key: UnwrapKey,
    config: Config,
    reader: TileReader | None = None,
) -> Receipt:
    """
    The receipt of *record_id*; one *reader* for all calls of a process spares it the tiles it has read.

    Raises `NotFound`, with the code `erased` when the subject's key is destroyed, and `Tampered` when the stored
    record is not the one that was logged: nothing is signed then.
    """
    row = connection.execute(_SQL["receipt"], {"id": record_id}).fetchone()
    if row is None:
        raise NotFound("no record has this id; `placet history` lists a subject's records", code="unknown-record")
    position, body, entry, epoch, subject, wrapped_key = row
    if wrapped_key is None:
        raise NotFound(
            "this person was erased and the key to the record's commitment destroyed, so no receipt can be made;"
            " receipts handed out before stay genuine",
            code="erased",
        )
    salt = entries.salt(subject_key(bytes(wrapped_key), subject), record_id)
    evidence = _evidence(Place(config.log_origin, epoch, Position(position)), bytes(body), salt, bytes(entry))
    prover = Prover.begin(connection, reader=reader)
    return _signed(connection, evidence, catalogue_at(connection, evidence.place.position), keys, config, prover)


def every(
    connection: Connection,
    subject: SubjectId,
    key: bytes,
    *,
    catalogue_at: CatalogueAt,
    keys: Keys,
    config: Config,
    prover: Prover,
) -> Iterator[Receipt]:
    """The receipts of all records of *subject*, whose own *key* is given, oldest first; see `make`."""
    rows = connection.execute(_SQL["receipts_of"], {"subject": subject}).fetchall()
    for id, position, body, entry, epoch in rows:
        place = Place(config.log_origin, epoch, Position(position))
        evidence = _evidence(place, bytes(body), entries.salt(key, id), bytes(entry))
        yield _signed(connection, evidence, catalogue_at(connection, place.position), keys, config, prover)


def _evidence(place: Place, body: bytes, salt: bytes, entry: bytes) -> Evidence:
    evidence = Evidence(place, body, salt, entries.commit(salt, body))
    if evidence.entry != entry:
        raise Tampered(
            "the stored record is not the one that was logged; run `placet ledger verify`", code="record-changed"
        )
    return evidence


def _signed(
    connection: Connection, evidence: Evidence, catalogue: Catalogue, keys: Keys, config: Config, prover: Prover
) -> Receipt:
    """The words and the processing are those of *catalogue*, the edition the decision was made under."""
    record = from_json(jcs.parse(evidence.record), evidence.place.position)
    payload = receipt_form.payload(record, evidence, catalogue=catalogue, url=config.url)
    signed = receipt_form.sign(payload, evidence.place.base, keys.receipt)
    found = _proof(connection, evidence, prover)
    return Receipt(record, evidence.place, payload, ReceiptFile(signed, found, found is None))


def _proof(connection: Connection, evidence: Evidence, prover: Prover) -> Proof | None:
    """The proof under the best checkpoint there is; None until the tree has grown over the record."""
    proved = prover.prove(connection, evidence.place.position)
    if proved is None:
        return None
    inclusion, checkpoint = proved
    if inclusion.leaf != entries.leaf_hash(evidence.entry):
        raise Tampered("the tree holds another record at this place; run `placet ledger verify`", code="record-changed")
    return Proof(inclusion.index, inclusion.size, inclusion.leaf, inclusion.path, checkpoint.note)
