from __future__ import annotations

import re

from placet.store.database import Database
from placet.store.queries import queries


def test_every_statement_of_the_ledger_is_accepted_by_the_database(database: Database) -> None:
    """COPY cannot be prepared; the other tests run it."""
    with database.transaction() as connection:
        for name, statement in {**queries("placet.ledger"), **queries("placet.ledger", "append.sql")}.items():
            text = statement.decode()
            if text.partition("\n")[2].startswith("COPY"):
                continue
            for place, parameter in enumerate(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)), start=1):
                text = text.replace(f"%({parameter})s", f"${place}")
            connection.execute(f"PREPARE ledger_{name} AS {text}".encode())
