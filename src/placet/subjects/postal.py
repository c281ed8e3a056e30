"""Where a person's post goes: one address at a time, sealed under their key. The old one is overwritten."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import attrs
import msgspec
from psycopg import Connection

from placet.kernel.errors import BadInput
from placet.kernel.ids import Number, SubjectId
from placet.store.queries import queries
from placet.subjects.vault import Vault, open_field, seal_field

SQL = queries("placet.subjects", "postal.sql")

HOME = "LV"
_FIELD = "address"
_LONGEST = 80
"""Characters of a line: more do not fit into the window of an envelope."""
_POSTCODE = re.compile(r"(?:LV)?[\s-]*(\d{4})", re.IGNORECASE | re.ASCII)
_FOREIGN_POSTCODE = re.compile(r"[A-Z0-9][A-Z0-9 -]{1,10}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@attrs.frozen(repr=False)
class PostalAddress:
    """An address as `address` reads it: *street* with house and flat, or the name of a farm; *country* ISO 3166-1."""

    street: str
    place: str
    """Town, or village, parish and municipality."""
    postcode: str
    country: str = HOME

    @property
    def lines(self) -> tuple[str, ...]:
        """As it stands on an envelope, without the name (UPU S42; Latvijas Pasts: the postcode follows the place)."""
        home = (self.street, f"{self.place}, {self.postcode}")
        return home if self.country == HOME else (*home, self.country)

    @property
    def kind(self) -> Literal["address"]:
        """What it is found by beside the other contacts (`Vault.alias_hash`)."""
        return "address"

    @property
    def value(self) -> str:
        return "\n".join(self.lines)


@attrs.frozen(repr=False)
class Residence:
    """An address, and since when it is known."""

    address: PostalAddress
    since: datetime


def address(street: str, place: str, postcode: str, country: str = HOME) -> PostalAddress:
    """Read an address as people write it. It is personal data: no error repeats it."""
    country = country.strip().upper() or HOME
    if _COUNTRY.fullmatch(country) is None:
        raise BadInput("a country has two letters, for instance LV; nothing was changed", code="bad-postal-address")
    return PostalAddress(_line(street), _line(place), _postcode(postcode, country), country)


def write(
    connection: Connection, number: Number, subject: SubjectId, key: bytes, moved: PostalAddress, now: datetime
) -> None:
    sealed = seal_field(key, subject, _FIELD, msgspec.json.encode(attrs.astuple(moved)).decode())
    connection.execute(SQL["set_address"], {"number": number, "sealed": sealed, "now": now})


def forget(connection: Connection, numbers: Sequence[Number]) -> None:
    connection.execute(SQL["drop_addresses"], {"numbers": list(numbers)})


def residences(connection: Connection, vault: Vault, ids: Sequence[SubjectId]) -> dict[SubjectId, Residence]:
    """Where the post of *ids* goes, of those whose address is known."""
    rows = connection.execute(SQL["addresses"], {"ids": list(ids)})
    return {
        SubjectId(id): Residence(_opened(vault.unwrap(wrapped, SubjectId(id)), SubjectId(id), sealed), since)
        for id, wrapped, sealed, since in rows
    }


def merge(
    connection: Connection, known: Residence | None, number: Number, subject: SubjectId, key: bytes, gone: Number
) -> None:
    """Let the identity that goes on keep its address, or learn the one of the identity that is *gone*."""
    if known is not None:
        sealed = seal_field(key, subject, _FIELD, msgspec.json.encode(attrs.astuple(known.address)).decode())
        connection.execute(SQL["move_address"], {"to": number, "sealed": sealed, "since": known.since})
    forget(connection, [gone])


def _opened(key: bytes, subject: SubjectId, sealed: bytes) -> PostalAddress:
    text = open_field(key, subject, _FIELD, sealed)
    return PostalAddress(*msgspec.json.decode(text, type=tuple[str, str, str, str]))


def _line(text: str) -> str:
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(line) <= _LONGEST or any(unicodedata.category(sign)[0] == "C" for sign in line):
        raise BadInput(
            f"a line of an address has 1 to {_LONGEST} characters; nothing was changed", code="bad-postal-address"
        )
    return line


def _postcode(text: str, country: str) -> str:
    text = text.strip().upper()
    if country != HOME:
        if _FOREIGN_POSTCODE.fullmatch(text) is None:
            raise BadInput("a postcode has letters and digits; nothing was changed", code="bad-postal-address")
        return text
    if (match := _POSTCODE.fullmatch(text)) is None:
        raise BadInput("a Latvian postcode looks like LV-1010; nothing was changed", code="bad-postal-address")
    return f"LV-{match[1]}"
