from __future__ import annotations

import pytest

from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.subjects.actions import Subjects


@pytest.fixture
def subjects(database: Database) -> Subjects:
    return Subjects(database, MasterKey(bytes(32)))
