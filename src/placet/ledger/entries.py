"""
Log bytes (docs/reference/log.md).

A record's entry is a salted commitment: it tells nothing without the salt, and the salt is derived from a key that is
destroyed when the person is erased. One salt a record, so that the holder of one disclosed receipt cannot test guesses
about the same person's other records.
"""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from placet.kernel.columns import Column, Stencil, keyed_hashes
from placet.kernel.seal import keyed_hash

RECORD = b"\x01"
EVENT = b"\x02"
_SALT = b"placet/salt/v1\x00"
_RECORD = b"placet/record/v1\x00"


def salt(subject_key: bytes, record_id: UUID) -> bytes:
    """HMAC-SHA256(k_subject, label ‖ record id): 32 bytes, derived whenever needed and stored nowhere."""
    return _salt(subject_key, record_id.bytes)


def commit(salt: bytes, body: bytes) -> bytes:
    """The 33-byte entry for the canonical bytes *body* of a record."""
    return RECORD + keyed_hash(salt, _RECORD + body)


def commitment(subject_key: bytes, record_id: UUID, body: bytes) -> bytes:
    """`commit` under the salt that belongs to *record_id*."""
    return commit(salt(subject_key, record_id), body)


def commitment_of(subject_key: bytes, record_id: bytes, body: bytes) -> bytes:
    """`commitment` for an id as its 16 bytes: making ten million UUIDs costs verification ten seconds."""
    return commit(_salt(subject_key, record_id), body)


def commitments(subject_keys: Column, record_ids: Column, bodies: Column) -> Column:
    """`commitment` line by line, for bodies of one length."""
    salts = keyed_hashes(subject_keys, _SALT, record_ids)
    return Stencil([RECORD, 32]).fill(len(bodies), keyed_hashes(salts, _RECORD, bodies))


def event_entry(body: bytes) -> bytes:
    """Catalogue, key, epoch and erasure events stand in the log in clear."""
    return EVENT + body


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def _salt(subject_key: bytes, record_id: bytes) -> bytes:
    return keyed_hash(subject_key, _SALT + record_id)
