"""What counting left out is kept for the operator, a release at a time, and readable by nobody else."""

from __future__ import annotations

from pathlib import Path

from placet.purposes.mobility import quality
from placet.purposes.mobility.model import ReleaseId


def test_what_counting_left_out_is_kept_by_release(tmp_path: Path) -> None:
    may, june = {"read": 10, "jumps": 1, "kept": 9}, {"read": 7, "ping_pong": 2, "kept": 5}
    quality.note(tmp_path, ReleaseId("2040-05"), {"read": 1})
    quality.note(tmp_path, ReleaseId("2040-05"), may)
    quality.note(tmp_path, ReleaseId("2040-06"), june)
    assert list(quality.noted(tmp_path).items()) == [("2040-06", june), ("2040-05", may)]
    assert [file.stat().st_mode & 0o777 for file in (tmp_path / "quality").iterdir()] == [0o600, 0o600]
    assert quality.noted(tmp_path / "nowhere") == {}
