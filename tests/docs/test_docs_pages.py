"""What the pages show is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs_house import House
from docs_runner import ROOT, blocks, fits

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("README.md")])
CONSOLE = [page for page in PAGES if any(block.language == "console" and not block.left_out for block in blocks(page))]


@pytest.mark.parametrize("page", CONSOLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_types_is_answered_as_it_shows(page: Path, house: House, tmp_path: Path) -> None:
    shell = house.shell(ROOT if page.name == "quickstart.md" else tmp_path)
    try:
        for block in blocks(page):
            if block.language == "console" and not block.left_out:
                shell.play(block)
    finally:
        shell.close()


def test_the_server_greets_as_the_quickstart_shows(house: House) -> None:
    first = blocks(ROOT / "docs" / "tutorial" / "quickstart.md")[0]
    *_, (command, shown) = first.exchanges()
    assert command == "make run"
    assert fits(["…", *shown], list(house.greeting))
