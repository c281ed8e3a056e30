"""
The file a receipt is kept in: one JSON object, a flattened JWS (RFC 7515 §7.2.2) with the proof beside it.

    {"payload": …, "protected": …, "signature": …, "proof_pending": false,
     "proof": {"index": 1203, "leaf": hex, "path": [hex, …], "size": 8391, "checkpoint": "a signed note"}}

Any JWS library reads it: members it does not know are ignored there (§7.2.1). The proof stands outside the signature
because it comes later, and because it needs none: the checkpoint in it carries its own.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
import msgspec

from placet.consents.jws import Flattened
from placet.ledger.merkle import Hash

MOST_BYTES = 1_000_000
_SIGNED = {"payload": str, "protected": str, "signature": str, "proof_pending": bool}
_PROOF = {"checkpoint": str, "index": int, "leaf": str, "path": list, "size": int}
_LARGEST = 2**63


class Damaged(ValueError):
    """Not a receipt file; the message says what is wrong with it."""


class Truncated(Damaged):
    """The beginning of a receipt file: the rest is missing."""


@attrs.frozen
class Proof:
    """That *leaf* stands at *index* in the tree of *size* whose root the *checkpoint*, a signed note, names."""

    index: int
    size: int
    leaf: Hash
    path: tuple[Hash, ...]
    checkpoint: str


@attrs.frozen
class ReceiptFile:
    """What the file holds; nothing of it is verified yet."""

    signed: Flattened
    proof: Proof | None
    proof_pending: bool


def format_file(file: ReceiptFile) -> bytes:
    """The bytes of the file: indented, so that a person sees what is in it."""
    members: dict[str, Any] = {
        "payload": file.signed.payload,
        "protected": file.signed.protected,
        "signature": file.signed.signature,
        "proof_pending": file.proof_pending,
    }
    if (proof := file.proof) is not None:
        members["proof"] = {
            "index": proof.index,
            "size": proof.size,
            "leaf": proof.leaf.hex(),
            "path": [hash.hex() for hash in proof.path],
            "checkpoint": proof.checkpoint,
        }
    return msgspec.json.format(msgspec.json.encode(members), indent=2) + b"\n"


def parse_file(data: bytes) -> ReceiptFile:
    """Take a receipt file apart; raises `Truncated` or another `Damaged`."""
    members = _members(data)
    proof = members.pop("proof", None)
    _shaped(members, _SIGNED, what="the file")
    signed = Flattened(members["protected"], members["payload"], members["signature"])
    return ReceiptFile(signed, None if proof is None else _proof(proof), members["proof_pending"])


def _members(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise Damaged(f"the file has {len(data)} bytes; a receipt has a few thousand")
    if not data.strip():
        raise Truncated("the file is empty")
    try:
        msgspec.json.decode(data)
        members = json.loads(data.decode(), object_pairs_hook=_once)
    except msgspec.DecodeError as error:
        if "truncated" in str(error):
            raise Truncated(f"the file ends in the middle, after {len(data)} bytes; fetch it again") from None
        raise Damaged(f"the file is not JSON: {error}") from None
    except (UnicodeDecodeError, RecursionError):
        raise Damaged("the file is not the JSON of a receipt") from None
    if not isinstance(members, dict):
        raise Damaged("the file is not a JSON object")
    return members


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice could be read by two programs in two ways (RFC 8259 §4)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Damaged("a member stands twice in the file")
    return members


def _shaped(members: dict[str, Any], shape: dict[str, type], *, what: str) -> None:
    if missing := [name for name in shape if name not in members]:
        raise Damaged(f"{what} lacks {missing[0]!r}")
    if unknown := [name for name in members if name not in shape]:
        raise Damaged(f"{what} has a member {unknown[0]!r} that no receipt has")
    if wrong := [name for name, kind in shape.items() if type(members[name]) is not kind]:
        raise Damaged(f"{what} has something else than {shape[wrong[0]].__name__} in {wrong[0]!r}")


def _proof(proof: object) -> Proof:
    if not isinstance(proof, dict):
        raise Damaged("the proof is not an object")
    _shaped(proof, _PROOF, what="the proof")
    if not (0 <= proof["index"] < _LARGEST and 0 <= proof["size"] < _LARGEST):
        raise Damaged("the proof has an index or a size that no log has")
    path = tuple(_hash(hash) for hash in proof["path"])
    return Proof(proof["index"], proof["size"], _hash(proof["leaf"]), path, proof["checkpoint"])


def _hash(text: object) -> Hash:
    """32 bytes in lower-case hex: one value has one spelling."""
    try:
        hash = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        hash = b""
    if len(hash) != 32 or hash.hex() != text:
        raise Damaged("the proof has a hash that is not 32 bytes in lower-case hex")
    return hash
