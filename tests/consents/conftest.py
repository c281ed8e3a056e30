"""Decisions with real subjects and a real database; the texts are stand-ins for a catalogue's."""

from __future__ import annotations

from datetime import datetime

import pytest
from consents_support import PlainRulebook

from placet.config import Config
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.master import load as load_master
from placet.subjects.model import Subject


@pytest.fixture
def subjects(database: Database, config: Config) -> Subjects:
    return Subjects(database, load_master(config))


@pytest.fixture
def rulebook(subjects: Subjects) -> PlainRulebook:
    return PlainRulebook(subjects)


@pytest.fixture
def anna(database: Database, subjects: Subjects, now: datetime) -> Subject:
    with database.transaction() as connection:
        return subjects.add(connection, aliases=[], language="lv", now=now)
