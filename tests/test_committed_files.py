"""No committed file knows the machine that it was written on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOMES = re.compile(rb"(?<![\w.$}<>/-])/(?:home|Users|root|work|tmp)/[\w.+-]+")
"""Folders of a person or a machine. What stands under /var/lib, /var/tmp and /etc is where the program is run."""
ALLOWED = {b"/tmp/placet"}


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_committed_file_names_a_folder_of_one_machine() -> None:
    files = committed()
    if not files:
        pytest.skip("not a clone: git lists no files")
    found = {}
    for file in files:
        if file.is_file() and (names := set(HOMES.findall(file.read_bytes())) - ALLOWED):
            found[str(file.relative_to(ROOT))] = sorted(names)
    assert found == {}
