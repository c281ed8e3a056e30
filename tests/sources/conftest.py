from __future__ import annotations

from pathlib import Path

import pytest
from event_town import EventTown

from placet.bootstrap import Application


@pytest.fixture
def town(placet: Application, tmp_path: Path) -> EventTown:
    """Anna has said yes; Berta has never been asked. The cells are known."""
    folder = tmp_path / "delivered"
    folder.mkdir()
    town = EventTown(placet, folder)
    town.add("anna")
    town.add("berta", at=None)
    town.cells()
    return town
