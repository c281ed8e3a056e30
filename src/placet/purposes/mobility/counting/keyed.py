"""
A secret order that is the same on every engine, and the secret names that people have while they are counted.

Engines hash differently, so nothing here is an engine's `hash()`. Over whole numbers modulo the prime p = 2^31 - 1:

1. a row's columns c1 … cn are each reduced modulo p;
2. h = b + a1·c1 + … + an·cn mod p, with secret b and ai;
3. the order is d·h² + e·h mod p: not linear, so rows that lie in line are not kept in line.

Every product stays below 2^62. Ties are broken by the columns themselves. Coefficients are drawn from the run's key, a
new one for each release, so nobody can aim at the rows that are kept, and not the same are kept every time.
A person's name is a·number + b mod p, one to one for numbers below p: nothing but the key leads back.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

P = 2**31 - 1
_MOST = 5


def numbers(key: bytes) -> Mapping[str, int]:
    """The coefficients that *key* stands for: `name_a`, `name_b` for people, `a1` …, `b`, `d`, `e` for the order."""
    names = ["name_a", "name_b", "b", "d", "e", *(f"a{n}" for n in range(1, _MOST + 1))]
    return {name: 1 + _drawn(key, name) % (P - 1) for name in names}


def names(key: bytes, people: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The names of *people* (by number) in this run: one to one, the same as long as its key is."""
    known = numbers(key)
    return ((known["name_a"] * people.astype(np.int64) + known["name_b"]) % P).astype(np.int32)


def order(known: Mapping[str, int], *columns: Any) -> Any:
    """The secret order of rows by their whole, non-negative *columns* (steps 1 to 3), as an expression."""
    h: Any = known["b"]
    for n, column in enumerate(columns, 1):
        h = (h + column.cast("int64") % P * known[f"a{n}"]) % P
    return (h * h % P * known["d"] + h * known["e"]) % P


def seal(key: bytes) -> str:
    """What tells one key from another and nothing more."""
    return hmac.digest(key, b"placet/counting/seal/v1\0", hashlib.sha256).hex()


def _drawn(key: bytes, name: str) -> int:
    return int.from_bytes(hmac.digest(key, b"placet/counting/v1\0" + name.encode(), hashlib.sha256), "big")
