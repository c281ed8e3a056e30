"""M4: what a person took part in follows from when they consented, and never from their events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from placet.bootstrap import Application
from placet.duties import Person
from placet.purposes.mobility.model import ReleaseId, Window
from placet.purposes.mobility.releasing import store
from placet.purposes.mobility.releasing.model import Release
from sources.event_town import EventTown

MAY = Window("2040-05", date(2040, 5, 1), date(2040, 6, 1))
MADE = datetime(2040, 6, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def town(placet: Application, tmp_path: Path) -> EventTown:
    return EventTown(placet, tmp_path)


def release(town: EventTown, id: str, *, published: bool) -> None:
    """A release of May, made on the third of June."""
    made = Release(
        id=ReleaseId(id), window=MAY, made_at=MADE, made_by=None, products={}, population=None, atlas="0" * 64,
        sha256="0" * 64, position=1,
    )  # type: ignore[arg-type]  # fmt: skip
    with town.placet.database.transaction() as connection:
        store.plan(connection, made.id, MAY, f"{len(id):064x}", by=None, now=MADE)
        store.add(connection, made, audience=None)
        if published:
            store.step(connection, made.id, "published", by=None, now=MADE + DAY)


def took_part(town: EventTown, name: str) -> list[str]:
    with town.placet.database.transaction() as connection:
        return [one.id for one in town.placet.mobility.took_part(connection, town.people[name].number)]


def test_who_consented_in_the_window_and_until_the_release_took_part(town: EventTown) -> None:
    release(town, "2040-05", published=True)
    said = {"always": MADE - 90 * DAY, "half": MADE - 10 * DAY, "too-late": MADE - DAY, "left": MADE - 90 * DAY}
    for name, at in said.items():
        town.add(name, at=at)
    town.add("never", at=None)
    town.say("left", "withdrawn", MADE - timedelta(hours=1))
    town.add("left-later", at=MADE - 90 * DAY)
    town.say("left-later", "withdrawn", MADE + timedelta(hours=1))
    assert {name: took_part(town, name) for name in town.people} == {
        "always": ["2040-05"], "half": ["2040-05"], "too-late": [], "left": [], "never": [], "left-later": ["2040-05"],
    }  # fmt: skip


def test_only_public_releases_are_told_of_and_in_three_languages(town: EventTown) -> None:
    release(town, "2040-05", published=True)
    release(town, "2040-05-2", published=False)
    anna = town.add("anna", at=MADE - 90 * DAY)
    assert took_part(town, "anna") == ["2040-05"]
    with town.placet.database.transaction() as connection:
        (brought,) = town.placet.mobility.duties.brought(connection, Person(anna.id, anna.number), limit=5)
    assert brought.at == MADE + DAY
    assert set(brought.text) == {"lv", "ru", "en"}
    assert all("2040-05-01" in words and "2040-05-31" in words for words in brought.text.values())
