"""What the pages show is what happens."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from docs_house import House
from docs_runner import ROOT, Block, blocks, fits

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("README.md")])
ELSEWHERE = {
    ("docs/how-to/verify-a-receipt.md", "python"): "tests/consents/test_receipts_page.py",
    ("docs/how-to/write-a-catalogue.md", "sh"): "tests/catalogue/test_catalogue_guide.py",
    ("docs/reference/rest.md", "sh"): "tests/rest/test_rest_page.py",
}
"""Blocks that a test beside their subject runs."""
PREPARED = {
    "docs/how-to/verify-a-receipt.md": (
        "placet subjects add --msisdn +37120000061 --lang en",
        "placet record msisdn:+37120000061 usage given --route desk",
        "placet witness --log http://127.0.0.1:8000 --state witness --once > seen",
        "placet receipt msisdn:+37120000061 --out receipt.json --text-out text.json",
        "curl -s http://127.0.0.1:8000/log/keys -o keys",
        "sed -n 's/^witness key: //p' seen > witness-keys",
    ),
}
"""What a page takes for granted: the receipt that its reader has, the keys that somebody fetched."""
PLAIN = {"text", "json", "yaml"}
TYPED = {"console", "python", "bash", "sh"}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def played(page: Path) -> list[Block]:
    """The blocks of *page* that are run here."""
    return [
        block
        for block in blocks(page)
        if block.language in TYPED and not block.left_out and (name(page), block.language) not in ELSEWHERE
    ]


def tutorials_first(page: Path) -> tuple[bool, str]:
    """They count everybody; the other pages bring people of their own."""
    return page.parent.name != "tutorial", name(page)


@pytest.mark.parametrize("page", sorted(filter(played, PAGES), key=tutorials_first), ids=name)
def test_what_a_page_types_is_answered_as_it_shows(page: Path, house: House, tmp_path: Path) -> None:
    shell = house.shell(tmp_path)
    try:
        for command in PREPARED.get(name(page), ()):
            shell.type(command)
        for block in played(page):
            if block.language == "console":
                shell.play(block)
            else:
                program = {"python": "python -"}.get(block.language, "bash -e")
                said = shell.type(f"{program} <<'END-OF-BLOCK' && echo done\n{block.text}END-OF-BLOCK")
                assert said[-1:] == ["done"], "\n".join([str(block), *said])
    finally:
        shell.close()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_run_or_says_what_it_is(page: Path) -> None:
    for block in blocks(page):
        assert block.language in TYPED | PLAIN, f"{block}: {block.language}"
        if block.language == "console":
            assert block.text.startswith("$ "), f"{block} types nothing"
        if (test := ELSEWHERE.get((name(page), block.language))) is not None:
            assert page.name in (ROOT / test).read_text(encoding="utf-8"), f"{test} does not read {page.name}"


def test_the_server_greets_as_the_quickstart_shows(house: House) -> None:
    first = blocks(ROOT / "docs" / "tutorial" / "quickstart.md")[0]
    *_, (command, shown) = first.exchanges()
    assert command == "make run"
    assert fits(["…", *shown], list(house.greeting))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        found = page if path == "" else (page.parent / path).resolve()
        if not found.exists() or (anchor and anchor not in _anchors(found)):
            lost.append(target)
    assert lost == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = {(ROOT / "docs" / path).resolve() for path in re.findall(r"\]\(([^)#\s]+)\)", index)}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "decisions"}
    assert sorted(map(name, pages - listed - {ROOT / "docs" / "README.md"})) == []


def test_commands_are_split_as_they_are_typed() -> None:
    # A page that shows a command which no shell can read would hang the test above.
    for page in PAGES:
        for block in played(page):
            if block.language == "console":
                for command, _answer in block.exchanges():
                    if "<<" not in command and "() {" not in command:
                        assert shlex.split(command.replace("\\\n", " "), comments=True), f"{block}: {command}"


def _prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as they are made on the web."""
    headings = re.findall(r"^#+ (.*)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
