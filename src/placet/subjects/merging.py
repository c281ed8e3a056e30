"""
Merging: one person was recorded twice.

The identity that goes on takes over contacts, roles and mandates, each sealed anew under its key. The other keeps its
id, number and key, since ledger records stand under them, and leads to the first from then on.
"""

from __future__ import annotations

from typing import Any

import attrs
from psycopg import Connection

from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import Number, SubjectId
from placet.subjects import postal, search, store
from placet.subjects.vault import Vault, open_field, seal_field


@attrs.frozen(repr=False)
class _Identity:
    id: SubjectId
    number: Number
    key: bytes
    name: bytes | None
    birth_date: bytes | None


def merge(connection: Connection, vault: Vault, survivor: SubjectId, merged: SubjectId) -> None:
    """Let *merged* go on as *survivor*; whoever records states merges those too (`rules.merge`)."""
    to, gone = _lock(connection, vault, survivor, merged)
    row = store.one(connection, "mandates_between", number=gone.number, to=to.number)
    if row != (0,):
        raise Conflict("one of these represents the other, so they are two persons; nothing was changed", code="merge")
    _move_contacts(connection, to, gone)
    _move_roles(connection, to, gone)
    _move_mandates(connection, to, gone)
    _keep_profile(connection, to, gone)
    _keep_name(connection, vault, to, gone)
    lived = postal.residences(connection, vault, [gone.id]).get(gone.id)
    postal.merge(connection, lived, to.number, to.id, to.key, gone.number)
    connection.execute(store.SQL["close_merged"], {"survivor": to.id, "merged": gone.id})


def _lock(connection: Connection, vault: Vault, *ids: SubjectId) -> list[_Identity]:
    """The living identities of *ids*, in that order, locked."""
    if len(set(ids)) < len(ids):
        raise BadInput("an identity cannot be merged with itself; nothing was changed", code="merge")
    found: dict[SubjectId, _Identity] = {}
    for id, number, wrapped, name, birth_date, erased_at, merged_into in store.every(
        connection, "lock_persons", ids=list(ids)
    ):
        if erased_at is not None or merged_into is not None:
            raise Conflict("an erased or merged identity cannot be merged; nothing was changed", code="merge")
        found[SubjectId(id)] = _Identity(id, number, vault.unwrap(wrapped, id), name, birth_date)
    if len(found) < len(ids):
        raise NotFound("no subject is known by this; nothing was changed", code="unknown-subject")
    return [found[id] for id in ids]


def _resealed(to: _Identity, gone: _Identity, field: str, sealed: bytes) -> bytes:
    return seal_field(to.key, to.id, field, open_field(gone.key, gone.id, field, sealed))


def _move_contacts(connection: Connection, to: _Identity, gone: _Identity) -> None:
    for kind, hashed, sealed, valid_from in store.every(connection, "contact_rows", number=gone.number):
        values = {"hash": hashed, "valid_from": valid_from, "sealed": _resealed(to, gone, kind, sealed)}
        _execute(connection, "move_contact", to, gone, values)


def _move_roles(connection: Connection, to: _Identity, gone: _Identity) -> None:
    _execute(connection, "drop_twin_roles", to, gone, {})
    for line, role, sealed, valid_from in store.every(connection, "role_rows", number=gone.number):
        values = {"line": line, "role": role, "valid_from": valid_from, "sealed": _resealed(to, gone, "line", sealed)}
        _execute(connection, "move_role", to, gone, values)


def _move_mandates(connection: Connection, to: _Identity, gone: _Identity) -> None:
    for id, proof in store.every(connection, "mandate_rows", number=gone.number):
        _execute(connection, "move_mandate", to, gone, {"id": id, "proof": _resealed(to, gone, f"mandate:{id}", proof)})
    _execute(connection, "move_representative", to, gone, {})


def _keep_profile(connection: Connection, to: _Identity, gone: _Identity) -> None:
    """What the identity that goes on does not know, it learns from the other."""
    values: dict[str, Any] = {"id": to.id}
    for field in ("name", "birth_date"):
        mine, theirs = getattr(to, field), getattr(gone, field)
        values[field] = _resealed(to, gone, field, theirs) if mine is None and theirs is not None else mine
    connection.execute(store.SQL["set_profile"], values)
    connection.execute(store.SQL["drop_merged_profile"], {"merged": gone.id})


def _keep_name(connection: Connection, vault: Vault, to: _Identity, gone: _Identity) -> None:
    """Whoever goes on is found by their own name, or by the one that was just learnt."""
    search.forget_names(connection, [gone.number])
    if to.name is None and gone.name is not None:
        search.write_name(connection, vault, to.number, open_field(gone.key, gone.id, "name", gone.name))


def _execute(connection: Connection, name: str, to: _Identity, gone: _Identity, values: dict[str, Any]) -> None:
    connection.execute(store.SQL[name], values | {"to": to.number, "number": gone.number})
