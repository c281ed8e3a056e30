"""The page on writing a catalogue says what is so."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from catalogue_tables import ACME
from click.testing import CliRunner

from placet.catalogue.files import load
from placet.catalogue.render import render
from placet.interfaces.cli.catalogue import catalogue_group

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/write-a-catalogue.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("yaml"))
def test_a_yaml_block_stands_in_the_sample_catalogue(block: str) -> None:
    assert any(block in file.read_text(encoding="utf-8") for file in ACME.rglob("*.yaml"))


@pytest.mark.parametrize("block", blocks("sh"))
def test_a_command_of_the_page_runs(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    program, group, *arguments = shlex.split(block)
    assert (program, group) == ("placet", "catalogue")
    assert CliRunner().invoke(catalogue_group, arguments).exit_code == 0


def test_every_placeholder_of_the_page_stands_for_something(tmp_path: Path) -> None:
    table = PAGE[PAGE.index("| placeholder |") : PAGE.index("A list inside a sentence")]
    names = re.findall(r"\{(\w+)\}", table)
    wording = (ACME / "wording.yaml").read_text(encoding="utf-8")
    folder = shutil.copytree(ACME, tmp_path / "acme")
    every = " ".join(f"{{{name}}}" for name in names)
    (folder / "wording.yaml").write_text(wording.replace('desk: ["{summary}"', f'desk: ["{every}"'), encoding="utf-8")
    text = render(load(folder), purpose="news", language="en", route="desk").text
    assert len(names) == 28
    assert "{" not in text
