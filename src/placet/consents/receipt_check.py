"""
Is this receipt genuine? The file, the published keys and nothing else: no database, no network, no clock.

The steps are numbered as in docs/how-to/verify-a-receipt.md; the first that fails is named, because what follows a
failed step would be said about bytes nobody vouches for:

0. the file is whole and is a receipt;
1. it names a published key that signs receipts;
2. that key signed it (RFC 7515 §5.2, RFC 8037);
3. its payload has the sections of ISO/IEC TS 27560 and the evidence;
4. record and salt give the entry: the commitment of the log;
5. what it says in the words of the standard is what the record says;
6. it has a proof, or says that the proof is pending;
7. the checkpoint is of this log, signed by its key, and no known witness's cosignature on it is wrong;
8. the tree is large enough, index and leaf are the record's, the path leads to the root (RFC 6962 §2.1.1), and the
   record does not date itself after the log signed a tree that holds it;
9. the text, when it is given, is the one the decision was said on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

import attrs
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from placet.consents import jws, receipt_form
from placet.consents.model import Record, from_json
from placet.consents.receipt_file import Damaged, Proof, ReceiptFile, Truncated, parse_file
from placet.consents.receipt_form import Place
from placet.kernel import jcs
from placet.kernel.errors import BadInput, Tampered
from placet.kernel.ids import Position
from placet.ledger import entries
from placet.ledger.merkle import BadProof, root_from_inclusion
from placet.ledger.notes import NOTE, Note, TreeHead, VerifierKey

RECEIPT_KEY_SUFFIX = "/receipts"
_EVIDENCE = {"entry": str, "epoch": str, "log": str, "position": int, "record": str, "salt": str}
_SECTIONS = ("dpv:hasEntity", "dpv:hasRecordOfActivity", "evidence")


class Fault(StrEnum):
    """What is wrong with a receipt that is not genuine; docs/how-to/verify-a-receipt.md explains each."""

    TRUNCATED = "truncated"
    NOT_A_RECEIPT = "not-a-receipt"
    UNKNOWN_KEY = "unknown-key"
    WRONG_KEY_USE = "wrong-key-use"
    BAD_SIGNATURE = "bad-signature"
    BAD_PAYLOAD = "bad-payload"
    RECORD_DIFFERS = "record-differs"
    STATEMENT_DIFFERS = "statement-differs"
    PROOF_MISSING = "proof-missing"
    BAD_CHECKPOINT = "bad-checkpoint"
    OTHER_LOG = "other-log"
    UNKNOWN_LOG_KEY = "unknown-log-key"
    BAD_CHECKPOINT_SIGNATURE = "bad-checkpoint-signature"
    SMALLER_TREE = "smaller-tree"
    WRONG_INDEX = "wrong-index"
    WRONG_LEAF = "wrong-leaf"
    WRONG_PATH = "wrong-path"
    TIME_CONTRADICTS = "time-contradicts"
    TEXT_DIFFERS = "text-differs"


@attrs.frozen
class Inclusion:
    """The log's promise that is kept: the record stands in a tree of *size*; *witnesses* saw that tree, and when."""

    size: int
    signed_at: datetime | None
    witnesses: tuple[tuple[str, datetime | None], ...]


@attrs.frozen
class Genuine:
    """Nothing is wrong. *inclusion* None: signed by the operator, not yet shown to be in the log."""

    record: Record
    place: Place
    payload: dict[str, Any]
    inclusion: Inclusion | None
    text_checked: bool


@attrs.frozen
class NotGenuine:
    """Something is wrong; *message* says what, and what to do."""

    fault: Fault
    message: str


Verdict = Genuine | NotGenuine


def read_keys(text: str) -> tuple[VerifierKey, ...]:
    """The verifier keys of a file as `/log/keys` serves it, one a line; `BadInput` names a bad line."""
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            keys.append(VerifierKey.parse(line.strip()))
        except BadInput as error:
            raise BadInput(f"line {number} of the keys: {error.message}", code=error.code) from None
    if not keys:
        raise BadInput("the file of keys is empty; fetch it again from /log/keys", code="bad-verifier-key")
    return tuple(keys)


def verify(data: bytes, keys: Sequence[VerifierKey], *, text: bytes | None = None) -> Verdict:
    """Judge the receipt in *data* by *keys* (the operator's, and any witness's); *text* is the document shown."""
    try:
        return _verify(data, keys, text)
    except _Wrong as wrong:
        return NotGenuine(wrong.fault, wrong.message)


class _Wrong(Exception):
    """Ends the verification at the step that failed; never leaves this module."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


def _verify(data: bytes, keys: Sequence[VerifierKey], text: bytes | None) -> Genuine:
    # Step 0.
    file = _read(data)
    # Steps 1 and 2.
    signer, content = _signed(file.signed, keys)
    # Step 3.
    payload, evidence = _parse(content)
    # Steps 4 and 5.
    record = _committed(evidence)
    _same_statement(record, payload)
    place = _place(evidence, signer)
    # Steps 6 to 8.
    entry = bytes.fromhex(evidence["entry"])
    inclusion = None if (proof := _proof(file)) is None else _included(proof, place, entry, keys)
    _not_later(record, inclusion)
    # Step 9.
    if text is not None:
        _same_text(record, text)
    return Genuine(record, place, payload, inclusion, text_checked=text is not None)


def _read(data: bytes) -> ReceiptFile:
    try:
        return parse_file(data)
    except Truncated as error:
        raise _Wrong(Fault.TRUNCATED, str(error)) from None
    except Damaged as error:
        raise _Wrong(Fault.NOT_A_RECEIPT, str(error)) from None


def _signed(signed: jws.Flattened, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, bytes]:
    try:
        header = jws.read_header(signed)
        if header.typ != receipt_form.MEDIA_TYPE:
            raise _Wrong(Fault.NOT_A_RECEIPT, f"it was signed as {header.typ!r}, not as a receipt")
        key = _receipt_key(header.kid, keys)
        content = jws.verified(signed, Ed25519PublicKey.from_public_bytes(key.public))
    except jws.Malformed as error:
        raise _Wrong(Fault.NOT_A_RECEIPT, f"the signature cannot be read: {error}") from None
    if content is None:
        raise _Wrong(Fault.BAD_SIGNATURE, f"{key.name} did not sign this: the receipt was changed or made up")
    return key, content


def _receipt_key(kid: str, keys: Iterable[VerifierKey]) -> VerifierKey:
    for key in keys:
        if receipt_form.key_id(key) != kid:
            continue
        if key.type == NOTE and key.name.endswith(RECEIPT_KEY_SUFFIX):
            return key
        raise _Wrong(Fault.WRONG_KEY_USE, f"{key.name} is published for checkpoints, not for receipts")
    raise _Wrong(
        Fault.UNKNOWN_KEY, f"the key {kid!r} is not among the published keys; is this file of keys the operator's?"
    )


def _parse(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        payload = jcs.parse(content)
    except msgspec.DecodeError:
        raise _Wrong(Fault.BAD_PAYLOAD, "what was signed is not JSON") from None
    if not isinstance(payload, dict):
        raise _Wrong(Fault.BAD_PAYLOAD, "what was signed is not a JSON object")
    if missing := [section for section in _SECTIONS if section not in payload]:
        raise _Wrong(Fault.BAD_PAYLOAD, f"what was signed lacks {missing[0]!r}")
    evidence = payload["evidence"]
    if not isinstance(evidence, dict) or {name: type(value) for name, value in evidence.items()} != _EVIDENCE:
        raise _Wrong(Fault.BAD_PAYLOAD, "the evidence must hold entry, epoch, log, position, record and salt")
    if not 1 <= evidence["position"] < 2**63:
        raise _Wrong(Fault.BAD_PAYLOAD, "a position counts from 1")
    return payload, evidence


def _committed(evidence: dict[str, Any]) -> Record:
    """Step 4: the record, once record and salt have given the entry."""
    body = evidence["record"].encode()
    try:
        salt, entry = bytes.fromhex(evidence["salt"]), bytes.fromhex(evidence["entry"])
        parsed = jcs.parse(body)
        record = from_json(parsed, Position(evidence["position"]))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, msgspec.DecodeError, BadInput):
        raise _Wrong(Fault.BAD_PAYLOAD, "the record, its salt or its entry cannot be read") from None
    if jcs.canonical(parsed) != body:
        raise _Wrong(Fault.BAD_PAYLOAD, "the record is not in its canonical form (RFC 8785)")
    if entries.commit(salt, body) != entry:
        raise _Wrong(Fault.RECORD_DIFFERS, "record and salt do not give the entry: the record is not what was logged")
    return record


def _same_statement(record: Record, payload: dict[str, Any]) -> None:
    if (place := receipt_form.difference(receipt_form.bound(record), payload)) is not None:
        raise _Wrong(Fault.STATEMENT_DIFFERS, f"{place} does not say what the record says")


def _place(evidence: dict[str, Any], signer: VerifierKey) -> Place:
    """Step 1 again, now that the log is known: an operator's receipts key vouches for that operator's logs alone."""
    place = Place(evidence["log"], evidence["epoch"], Position(evidence["position"]))
    if signer.name != place.base + RECEIPT_KEY_SUFFIX:
        raise _Wrong(Fault.OTHER_LOG, f"the receipt is of the log {place.base!r}, but {signer.name!r} signed it")
    return place


def _proof(file: ReceiptFile) -> Proof | None:
    if file.proof is None and not file.proof_pending:
        raise _Wrong(Fault.PROOF_MISSING, "the file says that it has a proof, and has none; ask for the receipt again")
    if file.proof is not None and file.proof_pending:
        raise _Wrong(Fault.PROOF_MISSING, "the file has a proof and says that it is pending; ask for the receipt again")
    return file.proof


def _included(proof: Proof, place: Place, entry: bytes, keys: Sequence[VerifierKey]) -> Inclusion:
    # Step 7.
    note, head = _checkpoint(proof.checkpoint)
    if head.origin != place.origin:
        raise _Wrong(Fault.OTHER_LOG, f"the checkpoint is of the log {head.origin!r}, the record of {place.origin!r}")
    signers = _signers(note, keys)
    own = [key for key in signers if key.name == head.origin]
    if not any(key.type == NOTE for key in own):
        raise _Wrong(Fault.UNKNOWN_LOG_KEY, f"no published key of {head.origin!r} signed the checkpoint")
    # Step 8.
    _in_tree(proof, place, entry, head)
    witnesses = tuple((key.name, moment) for key, moment in signers.items() if key.name != head.origin)
    return Inclusion(head.size, max((moment for key in own if (moment := signers[key])), default=None), witnesses)


def _checkpoint(text: str) -> tuple[Note, TreeHead]:
    try:
        note = Note.parse(text)
        return note, TreeHead.parse(note.text)
    except BadInput as error:
        raise _Wrong(Fault.BAD_CHECKPOINT, f"the checkpoint cannot be read: {error.message}") from None


def _signers(note: Note, keys: Sequence[VerifierKey]) -> dict[VerifierKey, datetime | None]:
    try:
        return note.verified_by(keys)
    except BadInput as error:
        raise _Wrong(Fault.BAD_CHECKPOINT, f"the checkpoint cannot be read: {error.message}") from None
    except Tampered as error:
        raise _Wrong(Fault.BAD_CHECKPOINT_SIGNATURE, f"on the checkpoint {error.message}") from None


def _in_tree(proof: Proof, place: Place, entry: bytes, head: TreeHead) -> None:
    index = place.position - 1
    if head.size <= index:
        raise _Wrong(Fault.SMALLER_TREE, f"the checkpoint's tree of {head.size} does not reach record {place.position}")
    if proof.size != head.size:
        raise _Wrong(Fault.SMALLER_TREE, f"the proof is for a tree of {proof.size}, the checkpoint of {head.size}")
    if proof.index != index:
        raise _Wrong(Fault.WRONG_INDEX, f"the proof is for leaf {proof.index}; record {place.position} is leaf {index}")
    leaf = entries.leaf_hash(entry)
    if proof.leaf != leaf:
        raise _Wrong(Fault.WRONG_LEAF, "the proof is for another record: its leaf is not this record's")
    try:
        root = root_from_inclusion(leaf, index, head.size, proof.path)
    except BadProof as error:
        raise _Wrong(Fault.WRONG_PATH, str(error)) from None
    if root != head.root:
        raise _Wrong(Fault.WRONG_PATH, "the path does not lead from the record to the root of the checkpoint")


def _not_later(record: Record, inclusion: Inclusion | None) -> None:
    """The log's own clock on the checkpoint, which counts whole seconds; witnesses' clocks may differ."""
    if inclusion is None or inclusion.signed_at is None:
        return
    if inclusion.signed_at < record.recorded_at.replace(microsecond=0):
        message = f"the record says {record.recorded_at}, but the log had it when it signed at {inclusion.signed_at}"
        raise _Wrong(Fault.TIME_CONTRADICTS, message)


def _same_text(record: Record, text: bytes) -> None:
    stated = None if record.notice is None else record.notice.sha256
    found = sha256(text).hexdigest()
    if stated is None:
        raise _Wrong(Fault.TEXT_DIFFERS, "the record names no text, so no text can be the one it was said on")
    if found != stated:
        raise _Wrong(Fault.TEXT_DIFFERS, f"the text has the hash {found}, the record names {stated}")
