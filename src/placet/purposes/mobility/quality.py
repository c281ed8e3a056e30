"""
What the operator sees of its own data: what stands of each day, and what counting found wrong with events.

Exact counts, for nobody else's eyes: they lie in the data folder, readable by the program's own user, and go into no
release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import attrs
import msgspec

from placet.ledger.files import write_durably
from placet.purposes.mobility.model import ReleaseId
from placet.sources.model import Manifest

Cleaned = Mapping[str, int]
"""How many events were read, kept, and left out for which reason (`counting.model.Cleaning`)."""


@attrs.frozen
class Quality:
    """What stands of each delivered day between two days, and of which days between nothing was delivered."""

    days: Sequence[Manifest]
    missing: Sequence[date]
    releases: Mapping[ReleaseId, Cleaned] = attrs.field(factory=dict)
    """What counting found in the events of each release, the newest first."""


def note(folder: Path, release: ReleaseId, cleaned: Cleaned) -> None:
    """Keep what the counting of *release* has found so far."""
    write_durably(_file(folder, release), msgspec.json.encode(cleaned))


def noted(folder: Path) -> Mapping[ReleaseId, Cleaned]:
    """What was found, by release, the newest first."""
    files = sorted(_folder(folder).glob("*.json"), reverse=True)
    return {ReleaseId(file.stem): msgspec.json.decode(file.read_bytes(), type=dict[str, int]) for file in files}


def _folder(folder: Path) -> Path:
    return folder / "quality"


def _file(folder: Path, release: ReleaseId) -> Path:
    return _folder(folder) / f"{release}.json"
