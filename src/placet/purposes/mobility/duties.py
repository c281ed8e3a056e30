"""
What `mobility` owes a person (placet/duties.py). All that it holds of one is their events in the lake; a release holds
nobody. Once somebody has withdrawn, no reading of events begins with them, and one that runs leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml
from psycopg import Connection

from placet.duties import Brought, Correction, Holding, Person, Withdrawn
from placet.kernel.ids import PurposeId
from placet.kernel.periods import format_instant
from placet.purposes.mobility.releasing.model import Release
from placet.sources import forgetting
from placet.sources.lake import Lake

MOBILITY = PurposeId("mobility")
EVENTS = "mobility.events"

TookPart = Callable[[Connection, Person], Sequence[Release]]
"""The public releases that a person took part in, the newest first."""


@attrs.frozen
class MobilityDuties:
    """Fulfils `duties.Duties`."""

    lake: Lake
    took_part: TookPart
    purpose: PurposeId = MOBILITY

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        """True once nothing that reads events has the person in it; their events are deleted soon after."""
        return forgetting.forget(connection, withdrawn.person.number, before=now, now=now)

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        said = _said()["events"]
        rows = [
            {"at": format_instant(at), "cell": cell, "load": load}
            for at, cell, load in self._events(connection, person)
        ]
        return [
            Holding(
                EVENTS, "consent", said["why"], said["until"], rows,
                title=said["title"], columns=said["columns"], origin="observed",
            )
        ]  # fmt: skip

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:  # noqa: ARG002
        """A cell that the network noted wrongly; it must be one that is known."""
        if (correction.holding, correction.field) != (EVENTS, "cell") or correction.old is None:
            return 0
        from placet.sources import cells

        codes = cells.by_name(cells.read(self.lake.folder))
        right = codes.get(correction.new, [])
        if not right:
            return 0
        epoch = forgetting.epoch_of(connection)
        wrong = codes.get(correction.old, [])
        return sum(self.lake.amend(person.number, code, right[-1], epoch=epoch) for code in wrong)

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:
        """At once; the note keeps what is being taken in at this moment from bringing something back."""
        held = len(self._events(connection, person))
        forgetting.forget(connection, person.number, before=now, now=now)
        self.lake.delete({person.number: forgetting.whole_second(now)})
        return held

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:  # noqa: ARG002
        return [str(sentence) for sentence in _said()["explain"][language]]

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        return [_brought(release) for release in self.took_part(connection, person)[:limit]]

    def _events(self, connection: Connection, person: Person) -> list[tuple[datetime, str, int]]:
        """All that is held and not on its way out: when, the cell's name, and the load."""
        from placet.sources import cells

        forgotten = forgetting.forgotten_before(connection, person.number)
        beyond = 0 if forgotten is None else forgetting.whole_second(forgotten)
        names = cells.read(self.lake.folder)["cell"].to_pylist()
        return [
            (datetime.fromtimestamp(at, UTC), names[code], load)
            for _, table in self.lake.of_person(person.number, epoch=forgetting.epoch_of(connection))
            for at, code, load in zip(*(table[name].to_pylist() for name in ("at", "cell", "load")), strict=True)
            if at >= beyond
        ]


def _brought(release: Release) -> Brought:
    assert release.public_at is not None
    days = {"first": release.window.first.isoformat(), "last": (release.window.until - timedelta(days=1)).isoformat()}
    return Brought(
        release.public_at, {language: words.format(**days) for language, words in _said()["brought"].items()}
    )


@cache
def _said() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(
        files("placet.purposes.mobility").joinpath("words.yaml").read_text("utf-8")
    )
    return found
