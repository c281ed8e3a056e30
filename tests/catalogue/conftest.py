"""The catalogue of a small operator, and copies of it with single lines changed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from catalogue_tables import ACME, Edit

from placet.catalogue.files import load
from placet.catalogue.model import Catalogue


@pytest.fixture(scope="session")
def amigo() -> Catalogue:
    return load("amigo")


@pytest.fixture(scope="session")
def acme() -> Catalogue:
    return load(ACME)


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """A copy of acme's folder with *edits* (file, text to find, text to put) made in it."""

    def copy(edits: list[Mapping[str, str]], *, of: Path = ACME, name: str = "edited") -> Path:
        folder = shutil.copytree(of, tmp_path / name)
        for change in edits:
            file = folder / change["file"]
            text = file.read_text(encoding="utf-8")
            assert change["find"] in text, f"{change['find']!r} does not stand in {change['file']}"
            file.write_text(text.replace(change["find"], change["put"]), encoding="utf-8")
        return folder

    return copy
