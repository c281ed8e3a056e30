"""Every statement that the program may say is one that the migrated database understands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import placet
from placet.store.queries import queries

SOURCES = Path(placet.__file__).parent
_PARAMETER = re.compile(r"%\((\w+)\)s")


def statements() -> Iterator[tuple[str, str]]:
    """Every named statement of every folder, with where it stands."""
    for file in sorted(SOURCES.rglob("*.sql")):
        if file.parent.name == "migrations":
            continue
        package = ".".join(file.relative_to(SOURCES.parent).parent.parts)
        for name, text in queries(package, file.name).items():
            yield f"{package}/{file.name}: {name}", text.decode()


def numbered(statement: str) -> bytes:
    """The statement as it goes over the wire: `%(name)s` becomes `$1`, `%%` becomes `%`."""
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    wired = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", statement)
    return wired.replace("%%", "%").encode()


def make_temporary_tables(connection: psycopg.Connection) -> None:
    """What a statement makes for the statements after it, until the transaction ends."""
    for _place, statement in statements():
        made = re.sub(r"\A(--[^\n]*\n)+", "", statement)
        if made.startswith("CREATE TEMPORARY TABLE"):
            connection.execute(made)


def test_every_folder_with_statements_is_looked_at() -> None:
    folders = {place.partition("/")[0] for place, _ in statements()}
    assert {"placet.ledger", "placet.subjects", "placet.access", "placet.catalogue", "placet.consents"} <= folders
    assert {"placet.gate", "placet.subscribers"} <= folders


def test_every_statement_is_understood_by_the_migrated_database(admin_url: str) -> None:
    misunderstood = {}
    with psycopg.connect(admin_url) as connection:
        make_temporary_tables(connection)
        for place, statement in statements():
            if re.search(r"^COPY\b", statement, re.MULTILINE):
                continue
            said = connection.pgconn.prepare(b"", numbered(statement))
            if said.status != psycopg.pq.ExecStatus.COMMAND_OK:
                misunderstood[place] = said.error_message.decode()
    assert misunderstood == {}


@pytest.mark.parametrize("folder", sorted({place.partition("/")[0] for place, _ in statements()}))
def test_no_statement_names_another_folders_table(folder: str, admin_url: str) -> None:
    # A room inside another has its tables in the same schema.
    own = folder.split(".")
    with psycopg.connect(admin_url) as connection:
        foreign = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "SELECT schemaname, tablename FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
            if schema not in own
        }
    found = {
        (place, table)
        for place, statement in statements()
        if place.startswith(f"{folder}/")
        for table in foreign
        if re.search(rf"\b{re.escape(table)}\b(?!\.)", re.sub(r"--[^\n]*", "", statement))
    }
    assert found == set()
