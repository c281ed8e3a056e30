"""Statements for DuckDB that give what a step's expression gives, faster: `quick.sql`, by the name of the step."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from placet.store.queries import queries


@cache
def statements() -> Mapping[str, str]:
    return {name: sql.decode() for name, sql in queries(__package__, "quick.sql").items()}
