"""
A small world to check the promises W1-W6 in: real PostgreSQL behind a proxy that breaks things, and a reference.

The reference is a list of what was acknowledged and one function over it, written from the plan's words and not from
the program: a yes is open unless a no of its reach stands after it, or stands before it and was not said earlier.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import attrs

from faults import Proxy, proxied
from placet.bootstrap import Application, build, erase
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.config import Config
from placet.consents.model import Actor, Outcome, Recorded, Refused, Wish
from placet.gate.actions import Allowed
from placet.gate.model import Reason, Token
from placet.gate.replica import Replica
from placet.kernel import clock
from placet.kernel.errors import Unavailable
from placet.kernel.ids import ChannelId, PurposeId
from placet.subjects.model import Subject

T = TypeVar("T")
OFFERS = PurposeId("offers")
NOES = frozenset({"refused", "withdrawn", "objected"})


@attrs.frozen
class Said:
    """One acknowledged decision on offers."""

    position: int
    decision: str
    channel: str | None
    occurred_at: datetime


def is_open(said: list[Said], channel: str | None, *, upto: int) -> bool:
    """Whether offers (or one of its channels, by itself) is open after position *upto*."""
    mine = [one for one in said if one.position <= upto]
    noes = [one for one in mine if one.decision in NOES and one.channel in {None, channel}]
    return any(
        not any(no.position > yes.position or no.occurred_at >= yes.occurred_at for no in noes)
        for yes in mine
        if yes.decision == "given" and yes.channel == channel
    )


@attrs.define
class Person:
    """A customer of the world, what they said, and the newest token they hold."""

    subject: Subject
    said: list[Said] = attrs.field(factory=list)
    token: Token | None = None
    erased: bool = False

    def allows(self, channel: str | None, *, upto: int) -> bool:
        """Sending needs the purpose and the channel."""
        opened = is_open(self.said, None, upto=upto)
        return not self.erased and opened and (channel is None or is_open(self.said, channel, upto=upto))


@attrs.define
class World:
    """The application behind the proxy, its replica, and how many questions and decisions it has seen."""

    placet: Application
    replica: Replica
    proxy: Proxy
    shown: bytes
    operations: int = 0
    answers: int = 0
    faults: int = 0
    key: int = 0

    def person(self) -> Person:
        """Somebody new; the database is healed first."""
        return self._insist(self._add)

    def _add(self) -> Person:
        with self.placet.database.transaction() as connection:
            return Person(self.placet.subjects.add(connection, aliases=[], language="lv", now=clock.now()))

    def say(self, person: Person, decision: str, channel: str | None, *, days_ago: int) -> None:
        """Record it, however often the network breaks; the same key makes sure it is there once."""
        self.operations += 1
        self.key += 1
        late = {"route": "post", "occurred_at": clock.now() - timedelta(days=days_ago)} if days_ago else {}
        wish = Wish(
            person.subject.id,
            OFFERS,
            decision,
            actor=Actor("subject", str(person.subject.id)),
            channel=None if channel is None else ChannelId(channel),
            shown=self.shown if decision == "given" else None,
            idempotency_key=b"model/%d" % self.key,
            **({"route": "portal"} | late),  # type: ignore[arg-type]
        )
        outcome = self._insist(lambda: self.placet.sequencer.record([wish]))[0]
        again = self._insist(lambda: self.placet.sequencer.record([wish]))[0]
        self._note(person, wish, outcome, again)

    def _note(self, person: Person, wish: Wish, outcome: Outcome, again: Outcome) -> None:
        if person.erased:
            assert isinstance(outcome, Refused), "an erased person spoke"
            return
        assert isinstance(outcome, Recorded), outcome
        assert isinstance(again, Recorded), again
        assert (again.position, again.record, again.replayed) == (outcome.position, outcome.record, True), (
            "recorded twice"
        )
        occurred_at = wish.occurred_at or self._recorded_at(outcome)
        person.said.append(Said(outcome.position, wish.decision, wish.channel, occurred_at))
        person.token = Token.parse(outcome.token)

    def _recorded_at(self, outcome: Recorded) -> datetime:
        def read() -> datetime:
            with self.placet.database.transaction() as connection:
                row = connection.execute(
                    "SELECT occurred_at FROM ledger.entered WHERE id = %s", [outcome.record]
                ).fetchone()
            assert row is not None, "an acknowledged record is not there"
            return row[0]  # type: ignore[no-any-return]

        return self._insist(read)

    def erase(self, person: Person) -> None:
        self.operations += 1

        def destroy() -> None:
            with self.placet.database.transaction() as connection:
                erase(self.placet, connection, person.subject.id, now=clock.now())

        self._insist(destroy)
        person.erased = True
        person.token = None

    def ask_database(self, person: Person, channel: str | None) -> None:
        """W1, W3, W4: with the person's token the answer is exactly the reference's, or there is none."""
        self.operations += 1
        try:
            with self.placet.database.transaction() as connection:
                answer = self.placet.gate.check(
                    connection,
                    person.subject.id,
                    OFFERS,
                    channel=None if channel is None else ChannelId(channel),
                    token=person.token,
                    now=clock.now(),
                )
        except Unavailable:
            return
        self.answers += 1
        allowed = isinstance(answer, Allowed)
        assert allowed == person.allows(channel, upto=answer.token.position), f"database: wrong {allowed}: {person}"
        assert person.token is None or answer.token.position >= person.token.position

    def ask_replica(self, person: Person, channel: str | None, *, with_token: bool) -> None:
        """W1, W2: behind the token or past the bound it is stale; else exactly the reference at its own position."""
        self.operations += 1
        asked = OFFERS if channel is None else f"{OFFERS}/{channel}"
        token = person.token if with_token else None
        told = self.replica.check(person.subject.number, asked, token, self.replica.now())
        if told.reason == Reason.STALE:
            assert not told.allowed
            return
        self.answers += 1
        position = told.token.position
        if person.erased:
            # The replica may be behind the erasure, never past the staleness bound; what it then says is the past's.
            return
        assert told.allowed == person.allows(channel, upto=position), f"replica: wrong {told.allowed}: {person}"
        assert token is None or position >= token.position

    def break_(self, fault: str) -> None:
        """Break the network for a moment."""
        self.faults += 1
        if fault == "cut":
            self.proxy.cut()
        elif fault == "delay":
            self.proxy.delay(0.02)
            self._heal_in(0.1)
        else:
            getattr(self.proxy, fault)()
            self._heal_in(0.05)

    def _heal_in(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self.proxy.heal)
        timer.daemon = True
        timer.start()

    def _insist(self, action: Callable[[], T]) -> T:
        """Do it again until the network has let it through; a minute is more than every fault lasts."""
        end = time.monotonic() + 60
        while True:
            try:
                return action()
            except Unavailable:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)


@contextmanager
def world(config: Config, folder: Path) -> Iterator[World]:
    """A world on the database of *config*, which must be on a Unix socket."""
    assert config.database_url is not None
    with proxied(config.database_url, folder) as (url, proxy):
        placet = build(attrs.evolve(config, database_url=url))
        replica = Replica.of(placet.database, placet.config)
        placet.sequencer.start()
        replica.start()
        try:
            yield World(placet, replica, proxy, _text(placet))
        finally:
            proxy.heal()
            replica.stop()
            placet.close()


def _text(placet: Application) -> bytes:
    with placet.database.transaction() as connection:
        rendered = render(placet.catalogue(connection), purpose=OFFERS, language="lv", route="portal")
        catalogue_store.remember_shown(connection, rendered, clock.now())
    return rendered.sha256
