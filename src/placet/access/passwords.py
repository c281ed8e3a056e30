"""
Passwords of staff: how they are kept (argon2id, RFC 9106) and which are refused (OWASP ASVS 5.0 V6.2).

Any characters, twelve or more, nothing prescribed. Refused is what guessers try first: common passwords and what is put
together from few of them, from years and runs, from the login or the firm's name.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cache, cached_property
from importlib.resources import files
from itertools import groupby

import attrs
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from placet.kernel.errors import BadInput

SHORTEST, LONGEST = 12, 200
FEWEST_PIECES = 5
"""A password is as strong as the number of pieces it is made of; a common word, however long, is one."""

_DIGITS_IN_A_PIECE = 4  # a year, a PIN
_LOOKS_LIKE = str.maketrans("@4310$5!7", "aaelossit")
_AT_ONCE = 4


@attrs.frozen
class Verdict:
    """Did a password fit, and was it kept under parameters that are no longer ours?"""

    fits: bool
    outdated: bool = False


class Passwords:
    """Hashes and verifies; at most four at once, since each takes 64 MiB. Thread-safe."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.Semaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """*password* with its salt and parameters, as it is kept."""
        with self._turns:
            return self._hasher.hash(_normal(password))

    def verify(self, kept: str | None, password: str) -> Verdict:
        """Does *password* fit? With nothing kept the same work is done, so that time tells nothing."""
        with self._turns:
            nobody = self._nobody
            try:
                self._hasher.verify(kept or nobody, _normal(password)[:LONGEST])
            except VerifyMismatchError:
                return Verdict(fits=False)
        if kept is None:
            return Verdict(fits=False)
        return Verdict(fits=True, outdated=self._hasher.check_needs_rehash(kept))

    @cached_property
    def _nobody(self) -> str:
        """What an unknown login is checked against, under the present parameters."""
        return self._hasher.hash("nobody")


def demand_good(password: str, *, names: tuple[str, ...]) -> None:
    """Raise `BadInput` for a password that is too short, too long, or among the first that a guesser tries."""
    password = _normal(password)
    if len(password) < SHORTEST:
        raise BadInput(f"a password has {SHORTEST} characters or more; nothing was changed", code="password-short")
    if len(password) > LONGEST:
        raise BadInput(f"a password has up to {LONGEST} characters; nothing was changed", code="password-long")
    if pieces(password, names) < FEWEST_PIECES:
        raise BadInput("this password is easy to guess; take a few unrelated words", code="password-common")


def pieces(password: str, names: tuple[str, ...] = ()) -> int:
    """
    Of how few pieces *password* can be made: a common password, a name, a run of one character, or up to four
    digits are one piece each, as is every other character.
    """
    text = password.casefold().translate(_LOOKS_LIKE) if password.isascii() else password.casefold()
    return min(_fewest(password.casefold(), names), _fewest(text, names))


def _fewest(text: str, names: tuple[str, ...]) -> int:
    known = _common() | {part for name in names for part in name.casefold().replace(".", " ").split() if len(part) > 2}
    longest = max(map(len, known))
    fewest = [0]
    for end in range(1, len(text) + 1):
        starts = range(max(0, end - longest), end)
        fewest.append(min(fewest[start] + 1 for start in starts if _is_piece(text[start:end], known)))
    return fewest[-1]


def _is_piece(part: str, known: frozenset[str]) -> bool:
    if len(part) == 1 or part in known or part[::-1] in known:
        return True
    return len(list(groupby(part))) == 1 or (part.isdigit() and len(part) <= _DIGITS_IN_A_PIECE)


@cache
def _common() -> frozenset[str]:
    text = files("placet.access").joinpath("common_passwords.txt").read_text(encoding="ascii")
    return frozenset(text.split()) | {"placet", "latvija", "parole", "parole123", "пароль", "йцукен", "amigo"}


def _normal(password: str) -> str:
    """The same password from every keyboard (RFC 8265 §4.1)."""
    return unicodedata.normalize("NFC", password)
