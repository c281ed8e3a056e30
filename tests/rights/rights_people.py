"""People, and a purpose that holds something about them, for the tests of this folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
import psycopg
from psycopg import Connection

from placet.bootstrap import Application
from placet.duties import Brought, Correction, Holding, Person, Withdrawn
from placet.kernel.ids import PurposeId, SubjectId
from placet.subjects.model import Alias, Subject

SAID = {"lv": "teikts", "ru": "сказано", "en": "said"}


def add(placet: Application, phone: str, now: datetime, **more: Any) -> Subject:
    """A person who is reached by *phone*."""
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=[Alias.msisdn(phone)], now=now, **more)


def copy(server_url: str, source: str, name: str) -> None:
    """Copy a database file by file; a connection that is ending is waited for."""
    _insist(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')


def drop(server_url: str, name: str) -> None:
    _insist(server_url, f'DROP DATABASE IF EXISTS "{name}"')


def _insist(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        for _ in range(200):
            try:
                connection.execute(statement.encode())
            except psycopg.errors.ObjectInUse:
                time.sleep(0.05)
            else:
                return
    raise AssertionError("the database is still in use")


@attrs.define
class Shelf:
    """A purpose whose data lies in memory: rows by person, each `name` and `value`; invoices must be kept by law."""

    purpose: PurposeId
    liked: dict[SubjectId, list[dict[str, str]]] = attrs.field(factory=dict)
    invoices: dict[SubjectId, list[dict[str, str]]] = attrs.field(factory=dict)
    forgetful: bool = True

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        return True

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        return [
            Holding(f"{self.purpose}.liked", "consent", SAID, SAID, self.liked.get(person.subject, [])),
            Holding(f"{self.purpose}.invoices", "legal-obligation", SAID, SAID, self.invoices.get(person.subject, [])),
        ]

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:
        changed = 0
        for row in (*self.liked.get(person.subject, []), *self.invoices.get(person.subject, [])):
            if row["name"] == correction.field and row["value"] == correction.old:
                row["value"] = correction.new
                changed += 1
        return changed

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:
        return len(self.liked.pop(person.subject, [])) if self.forgetful else 0

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:
        return []

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        return []
