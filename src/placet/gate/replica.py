"""The in-memory gate of one process: a memory, the feed that keeps it up, and the numbers of those asked about."""

from __future__ import annotations

import time
from collections.abc import Sequence

from placet.config import Config
from placet.gate import store
from placet.gate.acknowledging import Acknowledger
from placet.gate.audiences import given_keys
from placet.gate.feed import Feed
from placet.gate.memory import Memory
from placet.kernel import clock
from placet.kernel.ids import Number, SubjectId
from placet.store.database import Database

_MOST_NUMBERS = 1_000_000


class Replica:
    """Start it once in a process; it answers `stale` until it has caught up. Thread-safe."""

    def __init__(self, memory: Memory, feed: Feed, acknowledger: Acknowledger | None = None) -> None:
        self.memory = memory
        self.feed = feed
        self.acknowledger = acknowledger
        self.check = memory.check
        self.check_many = memory.check_many
        self._numbers: dict[SubjectId, tuple[int, Number]] = {}

    @classmethod
    def of(cls, database: Database, config: Config) -> Replica:
        memory = Memory(bound=config.staleness_bound)
        file = config.data_dir / "replica" / "snapshot"
        acknowledger = Acknowledger(database, bound=config.staleness_bound, clock=clock.now)
        feed = Feed(memory, database, file, hang=2 * config.staleness_bound, swapped=acknowledger.swapped)
        return cls(memory, feed, acknowledger)

    def start(self) -> None:
        if self.acknowledger is not None:
            self.acknowledger.start()
        self.feed.start()

    def stop(self) -> None:
        """For the end of the process: follow no more, and be no stop any more."""
        self.feed.stop()
        if self.acknowledger is not None:
            self.acknowledger.stop()

    def catch_up(self) -> None:
        """For a command that runs once: look at the database, without following it."""
        self.feed.look_once()

    def count(self, asked: str, now: float) -> int | None:
        """
        For how many people *asked* (a purpose, or `purpose/channel`) is open; None: not known, or not freshly.

        *now* is monotonic seconds.
        """
        found = self.memory.columns(asked, given_keys)
        if found is None or not found[0].answers(None, now):
            return None
        first, *others = found[2]
        return len(first.intersection(*others))

    def number_of(self, subject: SubjectId) -> Number | None:
        """The number of a person asked about before. Numbers never change, but a merged identity leads elsewhere."""
        found = self._numbers.get(subject)
        return found[1] if found is not None and found[0] == self.memory.merges else None

    def meet(self, database: Database, subjects: Sequence[SubjectId]) -> None:
        """Learn the numbers of those never asked about before, all at once."""
        merges = self.memory.merges
        unmet = [subject for subject in subjects if self.number_of(subject) is None]
        if not unmet:
            return
        with database.transaction() as connection:
            found = store.numbers(connection, unmet)
        if merges == self.memory.merges:  # else some of them may lead elsewhere by now
            for subject, number in found.items():
                self.remember(subject, number)

    def remember(self, subject: SubjectId, number: Number) -> None:
        if len(self._numbers) >= _MOST_NUMBERS:
            self._numbers = {}
        self._numbers[subject] = (self.memory.merges, number)

    @staticmethod
    def now() -> float:
        """The clock of the staleness bound: it never jumps, whatever the wall clock does."""
        return time.monotonic()
