"""Whom the subjects of a delivery mean: ids, aliases or dense numbers, looked up many at a time and remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg import Connection

from placet.gate import store as gate
from placet.gate.periods import OPEN
from placet.kernel.errors import BadInput
from placet.kernel.ids import SubjectId
from placet.sources.forgetting import SQL
from placet.store.copying import array
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias

_MANY = 10_000
_NOBODY = (0, OPEN)
Integers = npt.NDArray[np.int64]
Meant = tuple[int, int]
"""A dense number (0: nobody), and since when (UTC seconds) the name is that person's."""


@attrs.frozen
class People:
    """For one delivery, in one thread. A telephone number means whoever has it, and since they have it."""

    database: Database
    subjects: Subjects
    _known: dict[str, Meant] = attrs.field(init=False, factory=dict, repr=False)

    def meant(self, names: pa.Array) -> tuple[Integers, Integers]:
        """The number that each of *names* means, and since when."""
        encoded = names.dictionary_encode()
        texts = [str(name).strip() for name in encoded.dictionary.to_pylist()]
        self._learn([text for text in dict.fromkeys(texts) if text not in self._known])
        table = np.array([self._known[text] for text in texts], np.int64).reshape(-1, 2)
        found = table[encoded.indices.to_numpy(zero_copy_only=False)]
        return found[:, 0], found[:, 1]

    def _learn(self, texts: Sequence[str]) -> None:
        for first in range(0, len(texts), _MANY):
            some = texts[first : first + _MANY]
            self._known.update(dict.fromkeys(some, _NOBODY))
            with self.database.transaction() as connection:
                self._known.update(self._looked_up(connection, some))

    def _looked_up(self, connection: Connection, texts: Sequence[str]) -> Mapping[str, Meant]:
        numbers = {text: int(text) for text in texts if text.isdecimal() and text.isascii() and len(text) < 10}
        ids = {text: id for text in texts if (id := _id(text)) is not None}
        aliases = {text: alias for text in texts if (alias := _alias(text)) is not None}
        return {
            **_by_number(connection, numbers),
            **_by_id(connection, ids),
            **self._by_alias(connection, aliases),
        }

    def _by_alias(self, connection: Connection, aliases: Mapping[str, Alias]) -> Mapping[str, Meant]:
        if not aliases:
            return {}
        hashes = {text: self.subjects.vault.alias_hash(alias) for text, alias in aliases.items()}
        said = {"hashes": array("\\\\x" + hashed.hex() for hashed in set(hashes.values()))}
        rows = {bytes(hashed): (number, since) for hashed, number, since in connection.execute(SQL["by_hash"], said)}
        return {text: rows[hashed] for text, hashed in hashes.items() if hashed in rows}


def _by_number(connection: Connection, numbers: Mapping[str, int]) -> Mapping[str, Meant]:
    if not numbers:
        return {}
    rows = connection.execute(SQL["by_number"], {"numbers": array(map(str, numbers.values()))})
    living = {number for (number,) in rows}
    return {text: (number, 0) for text, number in numbers.items() if number in living}


def _by_id(connection: Connection, ids: Mapping[str, SubjectId]) -> Mapping[str, Meant]:
    if not ids:
        return {}
    found = gate.numbers(connection, list(ids.values()))
    return {text: (found[id], 0) for text, id in ids.items() if id in found}


def _id(text: str) -> SubjectId | None:
    try:
        return SubjectId(UUID(text)) if text.count("-") == 4 else None
    except ValueError:
        return None


def _alias(text: str) -> Alias | None:
    try:
        return Alias.parse(text) if ":" in text else None
    except BadInput:
        return None
