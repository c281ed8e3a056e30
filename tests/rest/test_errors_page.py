"""docs/reference/errors.md lists every code that the sources can answer, with its status, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import placet
from placet.interfaces.rest.problems import status_of
from placet.kernel import errors

SOURCES = Path(placet.__file__).parent
PAGE = SOURCES.parents[1] / "docs" / "reference" / "errors.md"
KINDS = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.PlacetError)
}


def raised() -> Iterator[tuple[str, str | None]]:
    """Every code in the sources, with the kind of error it is raised as, as far as that can be read."""
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield from of_class(node)
            elif isinstance(node, ast.Call):
                yield from of_call(node)


def of_class(node: ast.ClassDef) -> Iterator[tuple[str, str | None]]:
    for line in node.body:
        if isinstance(line, ast.Assign) and [getattr(target, "id", None) for target in line.targets] == ["code"]:
            yield from ((code, None) for code in texts(line.value))


def of_call(node: ast.Call) -> Iterator[tuple[str, str | None]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "Refused" and node.args:
        yield from ((code, None) for code in texts(node.args[0]))
    for keyword in node.keywords:
        if keyword.arg == "code":
            yield from ((code, name) for code in texts(keyword.value))


def texts(node: ast.expr) -> list[str]:
    """The text, or both texts of a choice; a variable has none."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def listed() -> dict[str, str]:
    """Code and status of each row of the page."""
    row = re.compile(r"^\| `(?P<code>[a-z0-9-]+)` \| (?P<status>[0-9]{3}(?: [0-9]{3})*|–) \| \S.* \|$", re.MULTILINE)
    found = row.findall(PAGE.read_text(encoding="utf-8"))
    assert len(found) == len({code for code, _ in found}), "a code is listed twice"
    return dict(found)


def test_the_page_lists_every_code_of_the_sources_and_no_other() -> None:
    codes = {code for code, _ in raised()}
    assert sorted(codes - set(listed())) == []
    assert sorted(set(listed()) - codes) == []


def test_the_page_gives_each_code_the_status_that_it_is_answered_with() -> None:
    page = listed()
    for code, kind in raised():
        if kind in KINDS and page[code] != "–":
            assert str(status_of(KINDS[kind]("", code=code))) in page[code].split(), (code, kind)
