"""Sealed evidence, opened for the person it is about (GDPR 15): references of recordings, letters, signatures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import attrs
from psycopg import Connection

from placet.kernel.ids import Number, SubjectId
from placet.kernel.seal import unseal
from placet.store.queries import queries

_SQL = queries("placet.consents", "evidence.sql")
CONTEXT = b"evidence"


@attrs.frozen
class Evidence:
    """What shows that somebody said so; *hash* (hex) is what their record names."""

    hash: str
    content: bytes = attrs.field(repr=False)
    created_at: datetime


def of_person(connection: Connection, number: Number, id: SubjectId, key: bytes) -> Iterator[Evidence]:
    """Everything sealed for one identity under its *key*; after an erasure there is nothing."""
    for hash, sealed, created_at in connection.execute(_SQL["of_person"], {"number": number}).fetchall():
        content = unseal(key, bytes(sealed), context=id.bytes + CONTEXT)
        yield Evidence(bytes(hash).hex(), content, created_at)
