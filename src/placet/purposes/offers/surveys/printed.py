"""
Links on paper: an address that is short enough to be typed, and leads to the link of a letter.

    amigo.example/q/k7dm-x2pa-9rtw-4hsn

The code has 80 random bits. What is stored is a keyed hash of it, by which the row is found, and the link sealed under
a key that follows from the code: whoever holds the database and the operator's key, but not the paper, opens none.
"""

from __future__ import annotations

import os

from psycopg import Connection

from placet.kernel.errors import NotFound, Tampered
from placet.kernel.seal import MasterKey, keyed_hash, seal, unseal
from placet.purposes.offers.surveys import store
from placet.purposes.offers.surveys.model import SurveyId

FIND_LABEL = "placet/survey-codes/v1"
OPEN_LABEL = "placet/survey-printed/v1"

_SYMBOLS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is mistaken for a digit."""
_MISTAKEN = str.maketrans("oil", "011", "- ")
_LENGTH, _GROUP = 16, 4


class Codes:
    """Makes and reads codes under the operator's key. Thread-safe."""

    def __init__(self, master: MasterKey) -> None:
        self._find, self._open = master.derive(FIND_LABEL), master.derive(OPEN_LABEL)

    def make(self, connection: Connection, survey: SurveyId, token: str) -> str:
        """A new code that leads to *token*."""
        code = "".join(_SYMBOLS[byte % len(_SYMBOLS)] for byte in os.urandom(_LENGTH))
        row = keyed_hash(self._find, code.encode())
        sealed = seal(keyed_hash(self._open, code.encode()), token.encode(), context=row)
        store.keep_printed(connection, survey, row, sealed)
        return "-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))

    def read(self, connection: Connection, typed: str) -> str:
        """The token that a code leads to, as people type it; `NotFound` for one that leads nowhere (any more)."""
        code = typed.casefold().translate(_MISTAKEN)
        if len(code) != _LENGTH or not set(code) <= set(_SYMBOLS):
            raise _unknown()
        row = keyed_hash(self._find, code.encode())
        sealed = store.printed(connection, row)
        if sealed is None:
            raise _unknown()
        try:
            return unseal(keyed_hash(self._open, code.encode()), sealed, context=row).decode()
        except Tampered:
            raise _unknown() from None


def _unknown() -> NotFound:
    return NotFound("this address leads nowhere; type it from the letter again", code="unknown-survey")
