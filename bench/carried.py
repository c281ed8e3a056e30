"""Offers from the moment they are planned until all are carried, by a sender in a process of its own that is warm."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import attrs

from bench.borrowed import addressees, sender
from bench.harness import Sample
from bench.serving import Server
from placet.bootstrap import Application
from placet.config import Config
from placet.subjects.model import Alias

_WARMING = 100
_PATIENCE = 300.0


@attrs.define
class Carried:
    """Of one channel, in a database of its own."""

    application: Application
    config: Config
    """Of the sender: where the carrier is."""
    channel: str
    alias: Callable[[int], Alias]
    state: str
    """That a message ends in."""
    people: int = 0

    def measured(self, messages: int) -> Sample:
        """The CPU is that of the sender and of the processes that it started."""
        at = addressees.daytime()
        with sender.sending(self.config, at) as ours:
            self._ended(_WARMING, at)
            process = Server(ours.process, 0)  # type: ignore[arg-type]
            before = process.cpu()
            seconds = self._ended(messages, at)
            return Sample(messages, seconds, process.cpu() - before)

    def _ended(self, count: int, at: datetime) -> float:
        """Plan so many; seconds from the commit until all have ended."""
        people = addressees.consenting(self.application, count, self.channel, alias=self.alias, first=self.people)
        self.people += count
        addressees.plan(self.application, people, self.channel, at, key="campaign/bench")
        # As after every campaign that is planned and every import: these rows, too, were written in one go.
        self.application.database.look_again("subjects", "consents", "delivery")
        start = time.perf_counter()
        while self._count(people[0].number) < count:
            assert time.perf_counter() - start < _PATIENCE, "the sender does not go on"
            time.sleep(0.05)
        return time.perf_counter() - start

    def _count(self, first: int) -> int:
        """Of those whose numbers are *first* or more: of the newest."""
        statement = "SELECT count(*) FROM delivery.message WHERE number >= %s AND state = %s"
        with self.application.database.transaction() as connection:
            row = connection.execute(statement, [first, self.state]).fetchone()
        assert row is not None
        return int(row[0])
