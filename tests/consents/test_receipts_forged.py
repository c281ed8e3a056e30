"""Every way to forge a receipt that we could think of, and every single character: caught, and named."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from receipt_desk import BASE, CHECKPOINT, EPOCH, NOW, RECEIPT, TEXT, WITNESS, Desk, desk, private, record

from placet.consents import jws, receipt_form
from placet.consents.model import Decision
from placet.consents.receipt_check import Fault, Genuine, NotGenuine, Verdict, read_keys, verify
from placet.consents.receipt_file import Proof, ReceiptFile, format_file
from placet.kernel import jcs
from placet.kernel.errors import BadInput
from placet.ledger import entries
from placet.ledger.notes import COSIGNATURE, NOTE, Signer, TreeHead, join, sign_checkpoint

OURS = desk()
KEYS = OURS.keys
AT = 5
GENUINE = OURS.receipt(AT)
PAYLOAD = OURS.payload(AT)


def fault(verdict: Verdict) -> Fault | None:
    return verdict.fault if isinstance(verdict, NotGenuine) else None


def judged(file: ReceiptFile) -> Fault | None:
    return fault(verify(format_file(file), KEYS))


def with_proof(**changes: Any) -> ReceiptFile:
    return attrs.evolve(OURS.file(AT), proof=attrs.evolve(OURS.proof(AT), **changes))


def leaves_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths to every plain value inside *value*."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves_of(inner, (*path, key))
    else:
        yield path


def changed(path: tuple[str | int, ...], value: Any = None) -> dict[str, Any]:
    """The payload with the plain value at *path* replaced, or altered when no value is given."""
    forged = copy.deepcopy(PAYLOAD)
    inner: Any = forged
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    inner[path[-1]] = value if value is not None else (old + 1 if isinstance(old, int) else f"{old}x")
    return forged


def bound_paths() -> list[tuple[str | int, ...]]:
    return list(leaves_of(receipt_form.bound(OURS.records[AT - 1])))


# What holds.


@pytest.mark.parametrize("decision", list(Decision))
def test_a_receipt_of_every_outcome_is_genuine(decision: Decision) -> None:
    log = desk(decision=decision)
    verdict = verify(log.receipt(AT), log.keys)
    assert isinstance(verdict, Genuine)
    assert (verdict.record, verdict.place.position) == (log.records[AT - 1], AT)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 33])
def test_every_position_of_a_tree_is_proved(size: int) -> None:
    log = desk(size)
    assert [fault(verify(log.receipt(position), log.keys)) for position in range(1, size + 1)] == [None] * size


def test_a_genuine_receipt_tells_the_tree_and_who_saw_it() -> None:
    verdict = verify(GENUINE, KEYS, text=TEXT)
    assert isinstance(verdict, Genuine)
    assert verdict.inclusion is not None
    assert verdict.text_checked
    assert (verdict.inclusion.size, verdict.inclusion.signed_at) == (11, NOW.replace(microsecond=0))
    assert verdict.inclusion.witnesses == ((WITNESS.name, NOW.replace(microsecond=0)),)


def test_a_witness_whose_key_the_reader_does_not_have_is_not_counted() -> None:
    verdict = verify(GENUINE, KEYS[:-1])
    assert isinstance(verdict, Genuine)
    assert verdict.inclusion is not None
    assert verdict.inclusion.witnesses == ()


def test_a_pending_receipt_is_genuine_and_claims_no_place() -> None:
    verdict = verify(format_file(ReceiptFile(OURS.file(AT).signed, None, proof_pending=True)), KEYS)
    assert isinstance(verdict, Genuine)
    assert verdict.inclusion is None


def test_any_jws_reader_can_read_the_file() -> None:
    members = json.loads(GENUINE)
    signing_input = f"{members['protected']}.{members['payload']}".encode()
    RECEIPT.public_key().verify(jws.decode(members["signature"]), signing_input)
    assert json.loads(jws.decode(members["protected"]))["alg"] == "EdDSA"


# A forger without our key.


@pytest.mark.parametrize("path", list(leaves_of(PAYLOAD)), ids=lambda path: "/".join(map(str, path)))
def test_changing_any_field_breaks_the_signature(path: tuple[str | int, ...]) -> None:
    file = OURS.file(AT)
    forged = attrs.evolve(file.signed, payload=jws.encode(jcs.canonical(changed(path))))
    assert judged(attrs.evolve(file, signed=forged)) is Fault.BAD_SIGNATURE


def test_a_stranger_who_uses_our_name_is_unknown() -> None:
    stranger = Desk(OURS.records, receipt_key=private(9))
    assert fault(verify(stranger.receipt(AT), KEYS)) is Fault.UNKNOWN_KEY


def test_a_stranger_who_copies_our_key_id_does_not_verify() -> None:
    file = OURS.file(AT)
    forged = jws.sign(jws.decode(file.signed.payload), jws.read_header(file.signed), private(9).sign)
    assert judged(attrs.evolve(file, signed=forged)) is Fault.BAD_SIGNATURE


@pytest.mark.parametrize("type", [NOTE, COSIGNATURE])
def test_the_checkpoint_key_cannot_sign_receipts(type: Any) -> None:
    key = OURS.log.signer(EPOCH).verifier(type)
    header = jws.Header(receipt_form.key_id(key), receipt_form.MEDIA_TYPE)
    forged = jws.sign(jcs.canonical(PAYLOAD), header, CHECKPOINT.sign)
    assert judged(attrs.evolve(OURS.file(AT), signed=forged)) is Fault.WRONG_KEY_USE


def test_something_else_that_the_receipts_key_signed_is_no_receipt() -> None:
    header = jws.Header(jws.read_header(OURS.file(AT).signed).kid, "JWT")
    forged = jws.sign(jcs.canonical(PAYLOAD), header, RECEIPT.sign)
    assert judged(attrs.evolve(OURS.file(AT), signed=forged)) is Fault.NOT_A_RECEIPT


@settings(max_examples=400, deadline=None)
@given(place=st.integers(0, len(GENUINE) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_makes_it_say_anything_else(place: int, byte: int) -> None:
    forged = GENUINE[:place] + bytes([byte]) + GENUINE[place + 1 :]
    verdict = verify(forged, KEYS)
    if isinstance(verdict, Genuine):  # white space, or a line on the checkpoint that now names an unknown key
        original = verify(GENUINE, KEYS)
        assert isinstance(original, Genuine)
        assert verdict.inclusion is not None
        assert original.inclusion is not None
        assert attrs.evolve(verdict, inclusion=original.inclusion) == original
        assert set(verdict.inclusion.witnesses) <= set(original.inclusion.witnesses)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400))
def test_rubbish_is_not_a_receipt(data: bytes) -> None:
    assert fault(verify(data, KEYS)) in {Fault.NOT_A_RECEIPT, Fault.TRUNCATED}


# A damaged file.


def test_a_truncated_file_is_called_truncated_wherever_it_ends() -> None:
    whole = len(GENUINE.rstrip())
    assert {fault(verify(GENUINE[:end], KEYS)) for end in range(whole)} == {Fault.TRUNCATED}


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"null",
        b"{}",
        b'"text"',
        b"\xff\xfe{}",
        b"\x00" * 100,
        b"%PDF-1.7",
        b"[" * 100_000,
        b'{"payload":1,"protected":"","signature":"","proof_pending":true}',
        b'{"payload":"","protected":"","signature":"","proof_pending":1}',
        b'{"payload":"","payload":"","protected":"","signature":"","proof_pending":true}',
        b'{"payload":"","protected":"","signature":"","proof_pending":false,"proof":[]}',
        GENUINE.replace(b'"proof_pending"', b'"extra": 1, "proof_pending"'),
        GENUINE.replace(b'"index": 4', b'"index": -4'),
        GENUINE.replace(b'"index": 4', b'"index": 4.0'),
        GENUINE.replace(b'"index": 4', b'"index": true'),
        GENUINE.replace(b'"leaf": "', b'"leaf": "A'),
        b" " * 1_000_001,
    ],
    ids=range(18),
)
def test_any_other_file_is_not_a_receipt(data: bytes) -> None:
    assert fault(verify(data, KEYS)) in {Fault.NOT_A_RECEIPT, Fault.TRUNCATED}


def test_hiding_the_proof_is_noticed() -> None:
    assert judged(attrs.evolve(OURS.file(AT), proof=None)) is Fault.PROOF_MISSING


def test_calling_a_proof_pending_is_noticed() -> None:
    assert judged(attrs.evolve(OURS.file(AT), proof_pending=True)) is Fault.PROOF_MISSING


# A forged proof.


def flipped(hash: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(hash))


@settings(deadline=None)
@given(step=st.integers(0, len(OURS.proof(AT).path) - 1), bit=st.integers(0, 255))
def test_any_flipped_bit_of_the_path_is_a_wrong_path(step: int, bit: int) -> None:
    path = list(OURS.proof(AT).path)
    path[step] = flipped(path[step], bit)
    assert judged(with_proof(path=tuple(path))) is Fault.WRONG_PATH


@given(bit=st.integers(0, 255))
def test_any_flipped_bit_of_the_leaf_is_a_wrong_leaf(bit: int) -> None:
    assert judged(with_proof(leaf=flipped(OURS.proof(AT).leaf, bit))) is Fault.WRONG_LEAF


def test_a_shorter_or_longer_path_is_a_wrong_path() -> None:
    path = OURS.proof(AT).path
    found = {judged(with_proof(path=other)) for other in ((), path[1:], path[:-1], (*path, path[0]), path[::-1])}
    assert found == {Fault.WRONG_PATH}


def test_the_proof_of_another_record_is_a_wrong_index() -> None:
    assert judged(attrs.evolve(OURS.file(AT), proof=OURS.proof(AT + 1))) is Fault.WRONG_INDEX


def test_the_proof_of_another_record_at_our_index_is_a_wrong_leaf() -> None:
    other = attrs.evolve(OURS.proof(AT + 1), index=AT - 1)
    assert judged(attrs.evolve(OURS.file(AT), proof=other)) is Fault.WRONG_LEAF


def test_a_checkpoint_from_before_the_record_is_a_smaller_tree() -> None:
    assert judged(with_proof(checkpoint=OURS.checkpoint(AT - 1))) is Fault.SMALLER_TREE


@pytest.mark.parametrize("size", [AT, AT + 2])
def test_a_proof_of_a_smaller_tree_than_the_checkpoint_is_named(size: int) -> None:
    smaller = attrs.evolve(OURS.proof(AT, size), checkpoint=OURS.checkpoint())
    assert judged(attrs.evolve(OURS.file(AT), proof=smaller)) is Fault.SMALLER_TREE


def test_a_proof_that_lies_about_its_size_is_a_wrong_path() -> None:
    smaller = attrs.evolve(OURS.proof(AT, AT + 1), size=11, checkpoint=OURS.checkpoint())
    assert judged(attrs.evolve(OURS.file(AT), proof=smaller)) is Fault.WRONG_PATH


def test_an_older_proof_with_its_own_checkpoint_holds() -> None:
    assert judged(attrs.evolve(OURS.file(AT), proof=OURS.proof(AT, AT + 1))) is None


# A forged checkpoint.


def checkpoint(key_seed: int = 1, *, origin: str | None = None, signed_as: str | None = None) -> str:
    """Our tree's head, signed by a key of the test's choice under a name of its choice."""
    origin = origin or f"{BASE}/{EPOCH}"
    proof = OURS.proof(AT)
    root = TreeHead.parse(proof.checkpoint.partition("\n\n")[0] + "\n").root
    return sign_checkpoint(TreeHead(origin, proof.size, root), Signer(signed_as or origin, private(key_seed)), NOW)


def test_a_checkpoint_by_an_unknown_key_is_named() -> None:
    assert judged(with_proof(checkpoint=checkpoint(9))) is Fault.UNKNOWN_LOG_KEY


def test_a_checkpoint_that_only_the_witness_signed_is_not_enough() -> None:
    text = OURS.checkpoint().partition("\n\n")[0] + "\n"
    assert judged(with_proof(checkpoint=join(text, [WITNESS.cosign(text, NOW)]))) is Fault.UNKNOWN_LOG_KEY


def test_a_checkpoint_by_the_receipts_key_is_not_the_logs() -> None:
    assert judged(with_proof(checkpoint=checkpoint(2, signed_as=f"{BASE}/receipts"))) is Fault.UNKNOWN_LOG_KEY


def test_a_checkpoint_of_another_log_with_its_own_key_is_named() -> None:
    other = Desk(OURS.records, base="log.other.example")
    proof = other.proof(AT)
    verdict = verify(format_file(attrs.evolve(OURS.file(AT), proof=proof)), [*KEYS, *other.keys])
    assert fault(verdict) is Fault.OTHER_LOG


def test_a_receipt_signed_by_another_operators_key_is_of_another_log() -> None:
    other = Desk(OURS.records, base="log.other.example", receipt_key=private(8))
    signed = receipt_form.sign(PAYLOAD, other.base, other.receipt_key)
    verdict = verify(format_file(attrs.evolve(OURS.file(AT), signed=signed)), [*KEYS, *other.keys])
    assert fault(verdict) is Fault.OTHER_LOG


@given(place=st.integers(0), character=st.sampled_from("A0z+/="))
def test_a_changed_signature_on_the_checkpoint_is_never_taken(place: int, character: str) -> None:
    text, _, lines = OURS.checkpoint().partition("\n\n")
    first, *others = lines.splitlines(keepends=True)
    name, _, signature = first.rpartition(" ")
    at = 6 + place % (len(signature) - 7)  # after the key's four bytes
    forged = signature[:at] + character + signature[at + 1 :]
    note = f"{text}\n\n{name} {forged}{''.join(others)}"
    expected = {None} if forged == signature else {Fault.BAD_CHECKPOINT_SIGNATURE, Fault.BAD_CHECKPOINT}
    assert judged(with_proof(checkpoint=note)) in expected


@pytest.mark.parametrize(
    "forge",
    [
        lambda note: note.replace("\n11\n", "\n12\n"),
        lambda note: note.replace("\n11\n", "\n9\n"),
    ],
)
def test_a_checkpoint_with_another_size_has_a_bad_signature(forge: Any) -> None:
    assert judged(with_proof(checkpoint=forge(OURS.checkpoint()))) is Fault.BAD_CHECKPOINT_SIGNATURE


@pytest.mark.parametrize("note", ["", "text", f"{BASE}/{EPOCH}\n11\n", OURS.checkpoint().replace("\n11\n", "\n011\n")])
def test_a_checkpoint_of_another_form_is_named(note: str) -> None:
    assert judged(with_proof(checkpoint=note)) is Fault.BAD_CHECKPOINT


def test_a_known_witness_whose_cosignature_is_wrong_is_named() -> None:
    text, _, lines = OURS.checkpoint().partition("\n\n")
    ours = [line for line in lines.splitlines(keepends=True) if WITNESS.name not in line]
    note = join(text + "\n", [*ours, WITNESS.cosign("another text\n", NOW)])
    assert judged(with_proof(checkpoint=note)) is Fault.BAD_CHECKPOINT_SIGNATURE


# An operator who signs what is not so.


@pytest.mark.parametrize("path", bound_paths(), ids=lambda path: "/".join(map(str, path)))
def test_the_operator_cannot_say_in_dpv_what_the_record_does_not_say(path: tuple[str | int, ...]) -> None:
    assert judged(OURS.file(AT, changed(path, "something else"))) is Fault.STATEMENT_DIFFERS


@pytest.mark.parametrize("path", list(leaves_of(json.loads(PAYLOAD["evidence"]["record"]))), ids=str)
def test_the_operator_cannot_change_any_field_of_the_record(path: tuple[str | int, ...]) -> None:
    body = json.loads(PAYLOAD["evidence"]["record"])
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = f"{inner[path[-1]]}x"
    forged = changed(("evidence", "record"), jcs.canonical(body).decode())
    assert judged(OURS.file(AT, forged)) in {Fault.RECORD_DIFFERS, Fault.BAD_PAYLOAD}


@pytest.mark.parametrize("decision", [decision for decision in Decision if decision is not Decision.GIVEN])
def test_a_receipt_for_another_decision_than_was_logged_is_named(decision: Decision) -> None:
    """The lie is told in the record, in DPV and in the entry: the tree still holds what was logged."""
    lie = Desk([attrs.evolve(said, decision=decision) for said in OURS.records])
    forged = ReceiptFile(lie.file(AT).signed, OURS.proof(AT), proof_pending=False)
    assert judged(forged) is Fault.WRONG_LEAF
    proof = attrs.evolve(OURS.proof(AT), leaf=entries.leaf_hash(lie.evidence(lie.records[AT - 1]).entry))
    assert judged(attrs.evolve(forged, proof=proof)) is Fault.WRONG_PATH


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("salt", "00" * 32, Fault.RECORD_DIFFERS),
        ("salt", "zz", Fault.BAD_PAYLOAD),
        ("entry", "01" + "00" * 32, Fault.RECORD_DIFFERS),
        ("entry", "02" + PAYLOAD["evidence"]["entry"][2:], Fault.RECORD_DIFFERS),
        ("record", PAYLOAD["evidence"]["record"] + " ", Fault.BAD_PAYLOAD),
        ("record", "{}", Fault.BAD_PAYLOAD),
        ("record", PAYLOAD["evidence"]["record"].replace("{", '{"decision":"refused",', 1), Fault.BAD_PAYLOAD),
        ("record", "[", Fault.BAD_PAYLOAD),
        ("position", AT + 1, Fault.WRONG_INDEX),
        ("position", 12, Fault.SMALLER_TREE),
        ("position", 0, Fault.BAD_PAYLOAD),
        ("position", "5", Fault.BAD_PAYLOAD),
        ("epoch", "deadbeef", Fault.OTHER_LOG),
        ("log", "log.other.example", Fault.OTHER_LOG),
    ],
)
def test_the_operator_cannot_change_the_evidence(field: str, value: Any, expected: Fault) -> None:
    assert judged(OURS.file(AT, changed(("evidence", field), value))) is expected


def test_a_record_from_after_the_checkpoint_contradicts_it() -> None:
    """The log signs whole seconds: a record of the same second is not later."""
    moments = [NOW + timedelta(microseconds=999_999), NOW + timedelta(seconds=1)]
    logs = [Desk([record(1, recorded_at=moment)]) for moment in moments]
    assert [fault(verify(log.receipt(1), log.keys)) for log in logs] == [None, Fault.TIME_CONTRADICTS]


@pytest.mark.parametrize("section", ["dpv:hasEntity", "dpv:hasRecordOfActivity", "evidence"])
def test_a_payload_without_a_section_is_named(section: str) -> None:
    forged = {name: value for name, value in PAYLOAD.items() if name != section}
    assert judged(OURS.file(AT, forged)) is Fault.BAD_PAYLOAD


@pytest.mark.parametrize("payload", [b"", b"not json", b"[]", b"\xff"])
def test_a_payload_of_another_form_is_named(payload: bytes) -> None:
    header = jws.read_header(OURS.file(AT).signed)
    forged = jws.sign(payload, header, RECEIPT.sign)
    assert judged(attrs.evolve(OURS.file(AT), signed=forged)) is Fault.BAD_PAYLOAD


# The text.


def test_another_text_is_named() -> None:
    assert fault(verify(GENUINE, KEYS, text=TEXT + b"\n")) is Fault.TEXT_DIFFERS


def test_no_text_fits_a_record_that_names_none() -> None:
    log = Desk([record(1, notice=None)])
    assert fault(verify(log.receipt(1), log.keys, text=b"")) is Fault.TEXT_DIFFERS


# The keys.


def test_keys_are_read_as_they_are_published() -> None:
    assert list(read_keys(OURS.published + "\n")) == KEYS


@pytest.mark.parametrize(
    "text", ["", "\n\n", "<html>", "a+b+c", OURS.published[:-8], OURS.published.replace("+", "-", 1)]
)
def test_a_damaged_file_of_keys_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_keys(text)


def test_proof_shape_survives_the_file() -> None:
    proof: Proof = OURS.proof(AT)
    assert json.loads(GENUINE)["proof"]["path"] == [hash.hex() for hash in proof.path]
