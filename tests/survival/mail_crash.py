"""
Kill -9 of the sender, again and again, while people withdraw: who got a mail twice, who got one after their withdrawal,
and what of those that nobody can know of.

The relay's journal is the truth about the wire. Nothing here waits for the lease of a message: it ends when it is said.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import attrs
from addressees import consenting, daytime, email, plan, slices, started, withdraw
from mail_sink import MailSink, mail_sink
from sender import sending

from placet.bootstrap import Application
from placet.config import Config
from placet.delivery.model import Sent
from placet.kernel.ids import ChannelId, Number
from placet.subjects.model import Subject

EMAIL = ChannelId("email")
PATIENCE = 300.0
_OPEN = "state IN ('planned', 'deferred', 'sending') OR state = 'unknown' AND closed_at IS NULL"


@attrs.frozen
class Plan:
    messages: int
    kills: int
    withdrawals: int
    connections: int


@attrs.frozen
class Verdict:
    """What became of all messages, counted."""

    taken: int
    """By the relay."""
    twice: int
    late: int
    """Taken, though they had not started when their withdrawal was committed."""
    unknown: int
    """Whose sender was killed while they were on its hands."""
    reconciled: int
    """Of these, found at the relay by their reference."""
    closed: int
    """Of these, looked for in vain."""
    open: int
    """Neither ended nor looked for any more: there is none."""
    wrong: int
    """Whose row says another thing than the relay's journal."""


@attrs.define
class _Run:
    application: Application
    sink: MailSink
    plan: Plan
    people: Sequence[Subject]
    at: datetime
    had_started: set[int] = attrs.field(factory=set)
    withdrawn: list[Subject] = attrs.field(factory=list)

    def progress(self) -> float:
        """The part of all messages that has ended, about."""
        return (self.sink.count() + len(self.withdrawn) - len(self.had_started)) / self.plan.messages

    def live(self, config: Config, *, until: float, quitting: Sequence[Subject]) -> None:
        """One life of a sender, killed when the *until*th part has ended; *quitting* withdraw meanwhile."""
        with sending(config, self.at) as sender:
            waiting = list(slices(quitting, 5))
            end = time.monotonic() + PATIENCE
            while self.progress() < until or waiting:
                assert time.monotonic() < end, "the sender does not go on"
                if waiting:
                    self._withdraw(waiting.pop())
                time.sleep(0.002)
            sender.kill()

    def finish(self, config: Config) -> None:
        """The last life: until nothing is left that could start."""
        with sending(config, self.at):
            end = time.monotonic() + PATIENCE
            while self._count("state IN ('planned', 'deferred')"):
                assert time.monotonic() < end, "the sender does not end"
                time.sleep(0.05)
        self.sink.count()

    def verdict(self) -> Verdict:
        delivery, database = self.application.delivery, self.application.database
        references = {taken.reference for taken in self.sink.taken}
        lost = at = self.at + timedelta(days=1)
        with database.transaction() as connection:
            while delivery.expire(connection, now=lost):
                pass
            found = delivery.unknown(connection, EMAIL, limit=self.plan.messages)
            for message in found:
                if message.reference in references:
                    assert delivery.report(connection, message.reference, Sent(), now=at)
        with database.transaction() as connection:
            closed = delivery.close(connection, now=lost + delivery.policy.reconcile)
        recipients = [taken.recipient for taken in self.sink.taken]
        late = {person.number for person in self.withdrawn} - self.had_started
        return Verdict(
            taken=len(recipients),
            twice=len(recipients) - len(set(recipients)),
            late=len(late & set(map(self._number, recipients))),
            unknown=len(found),
            reconciled=len(found) - closed,
            closed=closed,
            open=self._count(
                "state IN ('planned', 'deferred', 'sending') OR (state = 'unknown' AND closed_at IS NULL)"
            ),
            wrong=len({self._number(recipient) for recipient in recipients} ^ self._numbers("state = 'sent'")),
        )

    def _withdraw(self, some: Sequence[Subject]) -> None:
        """Whoever has not started when this is committed must never start."""
        with self.application.database.transaction() as connection:
            withdraw(self.application, connection, some)
        self.had_started |= started(self.application, some)
        self.withdrawn += some

    def _number(self, recipient: str) -> Number:
        return self.people[int(recipient.partition("@")[0][1:])].number

    def _count(self, which: str) -> int:
        return len(self._numbers(which))

    def _numbers(self, which: str) -> set[Number]:
        with self.application.database.transaction() as connection:
            return {number for (number,) in connection.execute(f"SELECT number FROM delivery.message WHERE {which}")}


def crash(application: Application, folder: Path, plan_of: Plan) -> Verdict:
    """Run it, in a database that sends nothing else."""
    people, at = consenting(application, plan_of.messages, "email", alias=email), daytime()
    plan(application, people, "email", at, key="campaign/crash")
    dice = random.Random(7)
    quitters = dice.sample(people, plan_of.withdrawals)
    each = -(-plan_of.withdrawals // plan_of.kills)
    with mail_sink(folder) as sink:
        config = to_sink(application.config, sink, connections=plan_of.connections)
        run = _Run(application, sink, plan_of, people, at)
        for life in range(plan_of.kills):
            until = (life + dice.uniform(0.3, 0.9)) / (plan_of.kills + 1)
            run.live(config, until=until, quitting=quitters[life * each : (life + 1) * each])
        run.finish(config)
        return run.verdict()


def to_sink(config: Config, sink: MailSink, *, connections: int) -> Config:
    """The settings of a sender whose relay is *sink*."""
    return attrs.evolve(
        config,
        smtp_host="127.0.0.1",
        smtp_port=sink.port,
        smtp_security="none",
        smtp_from="jaunumi@amigo.lv",
        smtp_return_domain="r.amigo.lv",
        smtp_connections=connections,
    )
