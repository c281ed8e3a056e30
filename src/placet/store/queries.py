"""
SQL lives in `queries.sql` beside the code that uses it; every statement is named and described.

    -- name: lock_head
    -- Lock the head row and read where the ledger ends.
    SELECT position, recorded_at FROM ledger.head FOR UPDATE;

`queries("placet.ledger")["lock_head"]` is that statement. A test PREPAREs every statement of every folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (?P<name>\w+)\n", re.MULTILINE)


@cache
def queries(package: str, file: str = "queries.sql") -> Mapping[str, bytes]:
    """The statements of *package*'s *file* by name."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    found: dict[str, bytes] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"{package}/{file}: two statements are named {name}")
        if not body.startswith("-- "):
            raise ValueError(f"{package}/{file}: {name} has no description")
        found[name] = body.strip().rstrip(";").encode()
    return MappingProxyType(found)
