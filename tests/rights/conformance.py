"""
What every purpose owes a person, as an examination (placet/duties.py). A purpose brings a `Ground` and passes every
check of `CHECKS`, or is not merged; `test_conformance.py` runs them over all that are registered.

Each check gets a transaction that is rolled back after it, and two persons: what is done for Anna must not touch Berta.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from psycopg import Connection

from placet.duties import Correction, Duties, Holding, Person, Withdrawn
from placet.kernel.ids import ChannelId, Position

LANGUAGES = {"lv", "ru", "en"}
BASES = {"consent", "contract", "legal-obligation", "legitimate-interest"}
KEPT_BY_LAW = {"legal-obligation", "contract"}
POSITION = Position(1_000)


class Ground(Protocol):
    """A purpose under examination, and the ways to give it something to do."""

    @property
    def duties(self) -> Duties: ...

    @property
    def channels(self) -> Sequence[ChannelId]:
        """What it sends through; none if it does not send."""
        ...

    def plant(self, connection: Connection, person: Person, word: str, *, now: datetime) -> int:
        """Hold everything that may be held about *person*, with *word* in each row; returns how many rows."""
        ...

    def queue(self, connection: Connection, person: Person, channel: ChannelId | None, *, now: datetime) -> None:
        """Let one piece of work for *person* wait."""
        ...

    def waiting(self, connection: Connection, person: Person) -> int:
        """How many pieces of work would still be done for *person*."""
        ...

    def begin(self, connection: Connection, person: Person, *, now: datetime) -> Callable[[], None]:
        """Let one piece of work for *person* run; calling the result lets it end."""
        ...

    def bring(self, connection: Connection, person: Person, *, at: datetime) -> None:
        """Bring *person* something."""
        ...

    def correction(self, word: str, new: str) -> Correction:
        """A field that `plant` filled with *word*, in more than one place if the purpose keeps copies."""
        ...


class NotConformant(AssertionError):
    """A purpose does not do its duty; `rule` is the check's name."""


Check = Callable[[Connection, Ground, Person, Person, datetime], None]


def failing(connection: Connection, ground: Ground, anna: Person, berta: Person, now: datetime) -> dict[str, str]:
    """The checks that *ground* does not pass, with why."""
    found = {}
    for check in CHECKS:
        try:
            run(check, connection, ground, anna, berta, now)
        except NotConformant as error:
            found[check.__name__] = str(error)
    return found


def run(check: Check, connection: Connection, ground: Ground, anna: Person, berta: Person, now: datetime) -> None:
    """One check, in a transaction that leaves nothing behind."""
    with connection.transaction(force_rollback=True):
        check(connection, ground, anna, berta, now)


def stop_cancels_what_waits(c: Connection, ground: Ground, anna: Person, berta: Person, now: datetime) -> None:
    """After a withdrawal nothing that waited is done, and nobody else's work is cancelled."""
    for person in (anna, berta):
        for channel in ground.channels or [None]:
            ground.queue(c, person, channel, now=now)
    others = ground.waiting(c, berta)
    demand(_stop(c, ground, anna, now), "nothing ran, so the answer is True")
    demand(ground.waiting(c, anna) == 0, "work for the person still waits")
    demand(ground.waiting(c, berta) == others, "another person's work was cancelled")


def stop_of_a_channel_leaves_the_others(c: Connection, ground: Ground, anna: Person, _: Person, now: datetime) -> None:
    """A channel that was withdrawn stops; what goes through the others goes on."""
    for channel in ground.channels:
        ground.queue(c, anna, channel, now=now)
    for place, channel in enumerate(ground.channels, start=1):
        _stop(c, ground, anna, now, channel)
        demand(ground.waiting(c, anna) == len(ground.channels) - place, f"not exactly {channel} was cancelled")


def stop_again_changes_nothing(c: Connection, ground: Ground, anna: Person, _: Person, now: datetime) -> None:
    """The stop clock may ask twice after a crash."""
    ground.plant(c, anna, "kaija", now=now)
    ground.queue(c, anna, None, now=now)
    _stop(c, ground, anna, now)
    before = _export(c, ground, anna)
    demand(_stop(c, ground, anna, now + timedelta(seconds=1)), "the second answer is True as well")
    demand(_export(c, ground, anna) == before, "the second call changed what is held")


def stop_waits_for_what_runs(c: Connection, ground: Ground, anna: Person, berta: Person, now: datetime) -> None:
    """While something runs the answer is False; once it has ended, True."""
    end_other = ground.begin(c, berta, now=now)
    demand(_stop(c, ground, anna, now), "what runs for another person is no reason to be asked again")
    end = ground.begin(c, anna, now=now)
    demand(not _stop(c, ground, anna, now), "something ran, and the answer was True")
    end()
    demand(_stop(c, ground, anna, now), "it had ended, and the answer was False")
    end_other()


def export_is_complete(c: Connection, ground: Ground, anna: Person, _: Person, now: datetime) -> None:
    """Everything that was planted is in the export."""
    planted = ground.plant(c, anna, "kaija", now=now)
    rows = [row for holding in ground.duties.export(c, anna) for row in holding.rows if "kaija" in _text(row)]
    demand(len(rows) == planted, f"{planted} rows are held and {len(rows)} exported")


def export_is_of_that_person_only(c: Connection, ground: Ground, anna: Person, berta: Person, now: datetime) -> None:
    """Nothing of anybody else, neither what is held of them nor who they are."""
    ground.plant(c, anna, "kaija", now=now)
    ground.plant(c, berta, "zīlīte", now=now)
    exported = _export(c, ground, anna)
    demand("zīlīte" not in exported, "another person's data is in the export")
    demand(str(berta.subject) not in exported, "another person's id is in the export")


def export_can_be_read(c: Connection, ground: Ground, anna: Person, _: Person, now: datetime) -> None:
    """Names, bases and words of each holding are there in three languages; rows are flat and alike."""
    ground.plant(c, anna, "kaija", now=now)
    holdings = ground.duties.export(c, anna)
    demand(bool(holdings), "a purpose says what it holds, even if that is nothing")
    for holding in holdings:
        demand(holding.name.startswith(f"{ground.duties.purpose}."), f"{holding.name} is not named after its purpose")
        demand(holding.basis in BASES, f"{holding.name} has no legal basis that we know")
        for words in (holding.why, holding.until):
            demand(set(words) == LANGUAGES and all(words.values()), f"{holding.name} lacks words in a language")
        demand(len({tuple(row) for row in holding.rows}) <= 1, f"{holding.name} has rows with different keys")
        demand(all(_flat(row) for row in holding.rows), f"{holding.name} has rows that are not flat")


def rectify_reaches_every_copy(c: Connection, ground: Ground, anna: Person, berta: Person, now: datetime) -> None:
    """The old value is nowhere any more, and stays another person's."""
    for person in (anna, berta):
        ground.plant(c, person, "kaija", now=now)
    correction = ground.correction("kaija", "gulbis")
    changed = ground.duties.rectify(c, anna, correction, now=now)
    demand(changed > 0, "the field is held, and no row was changed")
    values = _values(ground.duties.export(c, anna), correction.field)
    demand("kaija" not in values, "a copy still has the old value")
    demand("gulbis" in values, "no copy has the new value")
    demand("gulbis" not in _export(c, ground, berta), "another person's data was corrected")
    unknown = Correction(f"{ground.duties.purpose}.nothing", "nothing", None, "x")
    demand(ground.duties.rectify(c, anna, unknown, now=now) == 0, "what is not held here was changed")


def erase_leaves_nothing(c: Connection, ground: Ground, anna: Person, berta: Person, now: datetime) -> None:
    """Only what a law demands to keep is left; erasing again finds nothing; others keep everything."""
    for person, word in ((anna, "kaija"), (berta, "zīlīte")):
        ground.plant(c, person, word, now=now)
        ground.queue(c, person, None, now=now)
    before = _export(c, ground, berta)
    demand(ground.duties.erase(c, anna, now=now) > 0, "something was held, and no row went")
    left = [one for one in ground.duties.export(c, anna) if one.rows and one.basis not in KEPT_BY_LAW]
    demand(not left, "the export still holds what no law demands to keep")
    demand(ground.waiting(c, anna) == 0, "work for an erased person still waits")
    demand(ground.duties.erase(c, anna, now=now) == 0, "erasing again erased something more")
    demand(_export(c, ground, berta) == before, "another person's data went too")


def explain_in_three_languages(c: Connection, ground: Ground, anna: Person, _: Person, now: datetime) -> None:
    """Plain sentences, other ones in each language."""
    ground.plant(c, anna, "kaija", now=now)
    told = {language: tuple(ground.duties.explain(c, anna, language)) for language in LANGUAGES}
    demand(all(told.values()) and all(map(all, told.values())), "a language has no words")
    demand(len(set(told.values())) == len(LANGUAGES), "two languages say the same")


def brought_is_bounded_and_newest_first(c: Connection, ground: Ground, anna: Person, _: Person, now: datetime) -> None:
    """The newest things, as many as asked for, in three languages."""
    instants = [now - timedelta(hours=hours) for hours in (3, 1, 2)]
    for at in instants:
        ground.bring(c, anna, at=at)
    found = ground.duties.brought(c, anna, limit=2)
    demand(len(found) <= 2, "more was told than was asked for")
    demand([one.at for one in found] == sorted(instants, reverse=True)[:2], "it is not the newest first")
    demand(all(set(one.text) == LANGUAGES and all(one.text.values()) for one in found), "a language has no words")


CHECKS: tuple[Check, ...] = (
    stop_cancels_what_waits,
    stop_of_a_channel_leaves_the_others,
    stop_again_changes_nothing,
    stop_waits_for_what_runs,
    export_is_complete,
    export_is_of_that_person_only,
    export_can_be_read,
    rectify_reaches_every_copy,
    erase_leaves_nothing,
    explain_in_three_languages,
    brought_is_bounded_and_newest_first,
)


def demand(kept: bool, why: str) -> None:
    if not kept:
        raise NotConformant(why)


def _stop(c: Connection, ground: Ground, person: Person, now: datetime, channel: ChannelId | None = None) -> bool:
    return ground.duties.stop(c, Withdrawn(person, ground.duties.purpose, channel, POSITION), now=now)


def _export(c: Connection, ground: Ground, person: Person) -> str:
    """All rows as text, in an order that says nothing."""
    return "\n".join(sorted(_text(row) for holding in ground.duties.export(c, person) for row in holding.rows))


def _text(row: object) -> str:
    return msgspec.json.encode(row, order="deterministic").decode()


def _values(holdings: Sequence[Holding], field: str) -> set[object]:
    return {row[field] for holding in holdings for row in holding.rows if field in row}


def _flat(row: object) -> bool:
    scalars = (str, int, float, bool, datetime, type(None))
    return isinstance(row, dict) and all(isinstance(value, scalars) for value in row.values())
