"""The reference pages are complete: settings, commands, purposes, tables, dependencies (errors: tests/rest)."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import attrs
import docs_cli_page
import psycopg
import pytest
from docs_cli_page import PAGE
from docs_runner import ROOT

from placet.catalogue.files import load
from placet.config import PREFIX, Config

DOCS = ROOT / "docs"


def read(path: str) -> str:
    return (DOCS / path).read_text(encoding="utf-8")


def rows(path: str) -> dict[str, list[str]]:
    """The cells of every table row of a page, by the first cell."""
    found = {}
    for line in read(path).splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            first, *others = [cell.strip() for cell in line.strip("|").split("|")]
            found[first] = others
    return found


def test_the_command_line_page_is_what_help_says() -> None:
    # In a process of its own: click keeps the help option of a command that a test has run without its parents.
    command = [sys.executable, docs_cli_page.__file__, "--print"]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    assert made.stdout == PAGE.read_text(encoding="utf-8"), "run `python tests/docs/docs_cli_page.py`"


def test_the_settings_page_has_every_setting_with_its_default_and_no_other() -> None:
    listed = {name.strip("`"): cells[0] for name, cells in rows("reference/settings.md").items() if "`" in name}
    settings = {f"{PREFIX}{field.name.upper()}": field for field in attrs.fields(Config)}
    assert sorted(listed) == sorted(settings)
    for name, field in settings.items():
        if isinstance(field.default, str | int | float):
            assert listed[name] == f"`{field.default}`", name


def test_every_purpose_is_in_the_glossary() -> None:
    purpose = rows("glossary.md")["**purpose**"][0]
    assert [word for word in load("amigo").purposes if f"`{word}`" not in purpose] == []


def test_the_database_page_has_every_role_table_and_view(admin_url: str, clone: object) -> None:
    said = read("reference/database.md")
    with psycopg.connect(admin_url) as connection:
        there = connection.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            " UNION SELECT schemaname || '.' || viewname FROM pg_views"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND viewname NOT LIKE 'open\\_%'"
        ).fetchall()
    relations = {relation for (relation,) in there}
    named = set(re.findall(r"`(\w+\.\w+)`", said))
    assert sorted(relations - named) == []
    assert sorted(named - relations - {"gate.guard", "placet.activity", "placet.channel"}) == []


@pytest.mark.parametrize("name", ["runtime", "dev", "bench"])
def test_every_dependency_has_its_reason(name: str) -> None:
    wanted = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    packages = {re.split(r"[>=\[]", line)[0].lower() for line in wanted if not line.startswith("-r")}
    first_cells = " ".join(rows("dependencies.md"))
    assert sorted(package for package in packages if not re.search(rf"(?<![\w-]){package}(?![\w-])", first_cells)) == []


def test_what_the_program_needs_is_what_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = (ROOT / "requirements" / "runtime.in").read_text(encoding="utf-8").splitlines()
    assert sorted(project["dependencies"]) == sorted(listed)


def test_every_room_has_its_page() -> None:
    rooms = {folder for folder in (ROOT / "src" / "placet").iterdir() if (folder / "__init__.py").exists()}
    assert sorted(str(room.relative_to(ROOT)) for room in rooms if not Path(room / "README.md").exists()) == []
