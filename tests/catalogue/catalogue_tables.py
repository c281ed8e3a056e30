"""Where the small operator's catalogue and the tables of cases stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ACME = Path(__file__).parent / "acme"

Edit = Callable[..., Path]
"""Copies a catalogue's folder and replaces text in it."""


def table(name: str) -> list[dict[str, Any]]:
    """The cases of a YAML table beside the tests."""
    cases: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return cases
