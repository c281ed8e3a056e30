"""Every statement of the gate is understood by the database as it is."""

from __future__ import annotations

import re

import pytest

from placet.store.database import Database
from placet.store.queries import queries

FILES = [
    *("queries.sql", "roles.sql", "feed.sql", "files.sql", "past.sql", "uses.sql"),
    *("stops.sql", "restrictions.sql", "audit.sql", "audited.sql"),
]
STATEMENTS = [(file, name) for file in FILES for name in queries("placet.gate", file)]
# Statements of the owner, and those that PREPARE does not take.
NOT_OURS = {
    *(("roles.sql", name) for name in ("remember", "guard", "guarded")),
    *(("feed.sql", name) for name in ("listen", "listen_gate")),
}


@pytest.mark.parametrize(("file", "name"), [one for one in STATEMENTS if one not in NOT_OURS])
def test_statement_is_prepared(database: Database, file: str, name: str) -> None:
    text = queries("placet.gate", file)[name].decode()
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    for place, parameter in enumerate(names, start=1):
        text = text.replace(f"%({parameter})s", f"${place}")
    with database.transaction() as connection:
        connection.execute(f"PREPARE statement AS {text.replace('%%', '%')}".encode())
