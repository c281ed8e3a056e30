"""
Finding a person at the service desk: by number, e-mail, customer number, personal code or name.

The database is asked for keyed hashes only. What comes back shows as little as tells two people apart; who needs more
opens the record (`access.openings`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

import attrs
from psycopg import Connection

from placet.kernel.errors import BadInput
from placet.kernel.ids import Number, SubjectId
from placet.store.queries import queries
from placet.subjects import personal_code, store
from placet.subjects.model import Alias, Contact, Subject
from placet.subjects.names import initials, words_of
from placet.subjects.vault import Vault

By = Literal["alias", "name"]
MOST = 20
"""Results of one search."""
LONGEST = 200

SQL = queries("placet.subjects", "search.sql")


@attrs.frozen(repr=False)
class Found:
    """Somebody who fits. *contacts* are masked, so that a caller can be asked for what is missing."""

    subject: SubjectId
    initials: str
    contacts: tuple[str, ...]
    language: str


@attrs.frozen
class Search:
    """What was found; *more* when others fit too, who are not shown."""

    by: By
    found: tuple[Found, ...]
    more: bool = False


def aliases_in(text: str) -> list[Alias]:
    """What *text* may name besides a name; eleven bare digits can be a personal code and a phone number with 371."""
    if text.partition(":")[0].strip().lower() in {"crm", "msisdn", "email", "personal-code"} and ":" in text:
        return [Alias.parse(text)]
    if "@" in text:
        return [Alias.email(text)]
    if not any(sign.isdigit() for sign in text) or any(sign.isalpha() for sign in text):
        return []
    found = [] if (digits := personal_code.normalised(text)) is None else [Alias("personal-code", digits)]
    try:
        found.append(Alias.msisdn(text))
    except BadInput:
        if not found:
            raise
    return found


def named(connection: Connection, vault: Vault, text: str) -> list[Subject]:
    """Living persons whose name has every word of *text*, at most one more than `MOST`."""
    tokens = [vault.name_hash(word) for word in words_of(text)]
    if not tokens:
        raise BadInput(
            "search for a name, a phone number, an e-mail address or a personal code; nothing was searched",
            code="bad-search",
        )
    values = {"tokens": tokens, "count": len(tokens), "limit": MOST + 1}
    return [store.subject(row) for row in connection.execute(SQL["named"], values).fetchall()]


def masked(contacts: Sequence[Contact]) -> tuple[str, ...]:
    """The present phone numbers and e-mail addresses, mostly dots."""
    return tuple(
        mask(contact.alias)
        for contact in contacts
        if contact.period.end is None and contact.alias.kind in {"msisdn", "email"}
    )


def mask(alias: Alias) -> str:
    """`+371 ··· ·· 001`, `a···@example.lv`: enough to ask about, too little to use."""
    if alias.kind == "email":
        name, _, host = alias.value.partition("@")
        return f"{name[0]}···@{host}"
    return f"{alias.value[:4]} ··· ·· {alias.value[-3:]}"


def found(subject: Subject, name: str | None, contacts: Sequence[Contact]) -> Found:
    return Found(subject.id, initials(name), masked(contacts), subject.language)


def write_name(connection: Connection, vault: Vault, number: Number, name: str | None) -> None:
    """Let the person be found by *name*, and by no earlier one."""
    forget_names(connection, [number])
    tokens = list(_tokens(vault, name))
    if tokens:
        connection.execute(SQL["add_name_tokens"], {"number": number, "tokens": tokens})


def forget_names(connection: Connection, numbers: Collection[Number]) -> None:
    """These persons are found by name no longer."""
    connection.execute(SQL["forget_name_tokens"], {"numbers": list(numbers)})


def copy_names(connection: Connection, vault: Vault, names: Sequence[tuple[Number, str | None]]) -> None:
    """As `write_name`, for many persons who are new."""
    rows = [f"\\\\x{token.hex()}\t{number}\n" for number, name in names for token in _tokens(vault, name)]
    if rows:
        with connection.cursor() as cursor, cursor.copy(SQL["copy_name_tokens"]) as copy:
            copy.write("".join(rows))


def _tokens(vault: Vault, name: str | None) -> Iterator[bytes]:
    return (vault.name_hash(word) for word in (() if name is None else words_of(name)))
