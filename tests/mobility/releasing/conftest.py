from __future__ import annotations

from pathlib import Path

import pytest
from release_town import ReleaseTown

from placet.bootstrap import Application
from sources.event_town import EventTown


@pytest.fixture
def town(placet: Application, tmp_path: Path) -> ReleaseTown:
    """Four people who said yes, and a day of their events."""
    folder = tmp_path / "delivered"
    folder.mkdir()
    return ReleaseTown.of(EventTown(placet, folder))
