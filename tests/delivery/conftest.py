"""The house of this folder's tests."""

from __future__ import annotations

from datetime import datetime

import pytest
from delivery_house import House

from placet.bootstrap import Application


@pytest.fixture
def house(placet: Application, now: datetime) -> House:
    """A Thursday, two in the afternoon in Riga."""
    return House(placet, now)
