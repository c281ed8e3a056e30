"""
What the learner does: takes in what people tell, sorts offers, ends topics that do not interest, and is judged.

Everything about people is read under the purpose's own role in the database, so only of those who consent at that
moment. Sorting by what was learned needs an evaluation that this very model has passed; ending a topic does not: it
can only lead to fewer messages, the person is told, and one press brings the topic back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import reduce
from uuid import UUID

import attrs
import msgspec
import numpy as np
import structlog
from psycopg import Connection
from pyroaring import BitMap

from placet.delivery.model import Filling, MessageId
from placet.gate import uses
from placet.gate.actions import Allowed, Audience, Gate
from placet.gate.roles import under_purpose
from placet.kernel.errors import BadInput, Denied
from placet.kernel.ids import ActivityId, ChannelId, Number, SubjectId, new_record_id
from placet.kernel.seal import MasterKey, keyed_hash
from placet.purposes.offers.learning import rules, store, telling
from placet.purposes.offers.learning import trials as files
from placet.purposes.offers.learning.evaluation import Evaluation, evaluate
from placet.purposes.offers.learning.model import (
    Known,
    ModelVersion,
    Passed,
    Policy,
    Sign,
    Source,
    Stopped,
    Whole,
)
from placet.purposes.offers.learning.policy import standard, version
from placet.purposes.offers.learning.population import Population, fit
from placet.purposes.offers.learning.sorting import Offer, People, eligible, sort
from placet.purposes.offers.learning.store import SQL, Doubt
from placet.purposes.offers.topics import TopicId
from placet.purposes.offers.wishes import Wishes
from placet.store.database import Database

SMART = ActivityId("offers.smart-email")
EMAIL = ChannelId("email")
KEY_LABEL = "placet/offers-sorting/v1"
NOT_INTERESTED = "not-interested"
"""Why the learner ended a topic (`Wish.reason`)."""
EVERY = timedelta(days=1)
"""How often the population is fitted anew, and everybody's topics are looked at."""
_LATE = timedelta(days=2)
"""How long after it started it may become known that a message was sent."""
_UNDER_WAY = timedelta(days=31)
"""How long after it was picked a message may start."""

log = structlog.get_logger()


@attrs.frozen(eq=False)
class Sorted:
    """Whom each campaign is for; how many are sent nothing; which evaluation the model had passed, if any."""

    id: UUID
    numbers: Mapping[UUID, BitMap]
    nothing: int
    passed: Passed | None


@attrs.frozen
class Learning:
    """Methods with a connection join its transaction. Thread-safe."""

    database: Database
    gate: Gate
    wishes: Wishes
    key: bytes = attrs.field(repr=False)
    policy: Policy = attrs.field(factory=standard, repr=False)

    @classmethod
    def of(cls, database: Database, master: MasterKey, gate: Gate, wishes: Wishes) -> Learning:
        return cls(database, gate, wishes, master.derive(KEY_LABEL))

    @property
    def model(self) -> ModelVersion:
        return version(self.policy)

    # Sorting

    def sort(self, connection: Connection, offers: Sequence[Offer], audience: Audience, *, now: datetime) -> Sorted:
        """
        Of *offers*, which compete, pick at most one for each person of *audience*, and write down why.

        *audience* was drawn for `offers.smart-email`; whoever is not in it is picked nothing for.
        """
        _demand_smart(audience, now)
        passed = self.passed(connection)
        may = reduce(BitMap.union, (offer.numbers for offer in offers), BitMap()) & BitMap(audience.members)
        people = self._people(connection, offers, may, now=now)
        population = store.believed(connection, self.model, self.policy.prior)
        id = UUID(int=new_record_id(now).int)
        key = keyed_hash(self.key, id.bytes)
        picks = sort(offers, people, population, self.policy, key=key, learned=passed is not None)
        connection.execute(
            SQL["keep_sorting"],
            {"id": id, "now": now, "model": self.model, "evaluation": passed and passed.id, "audience": audience.id,
             "needs": list(audience.needs), "campaigns": [offer.campaign for offer in offers]},
        )  # fmt: skip
        store.keep_picks(connection, id, picks.columns(), now=now)
        return Sorted(id, picks.numbers(), int((picks.chosen == len(offers)).sum()), passed)

    def compete(
        self, connection: Connection, competing: Sequence[tuple[UUID, str, BitMap]], audience: Audience, now: datetime
    ) -> Mapping[UUID, BitMap]:
        """`sort`, as campaigns ask for it: whom each of them is for."""
        return self.sort(connection, [Offer(*one) for one in competing], audience, now=now).numbers

    def passed(self, connection: Connection) -> Passed | None:
        """The evaluation that this model may sort on; None: it has shown none yet, or its newest failed."""
        row = connection.execute(SQL["evaluation"], {"model": self.model}).fetchone()
        if row is None or not row[2]:
            return None
        gain = row[3]["gain"]
        return Passed(id=row[0], model=self.model, at=row[1], gain=gain["value"], low=gain["low"])

    # What people tell

    def tell(self, connection: Connection, message: MessageId, sign: Sign, *, now: datetime) -> bool:
        """What the person of *message* told of its topic. False: it was about no topic, or is held no more."""
        row = connection.execute(SQL["tell"], {"message": message, "sign": sign, "now": now}).fetchone()
        if row is None:
            return False
        if sign is Sign.LESS:
            self.end(connection, Number(row[0]), now=now)
        return True

    def untell(self, connection: Connection, message: MessageId) -> None:
        """The person takes back what they told of *message*."""
        connection.execute(SQL["untell"], {"message": message})

    def end(self, connection: Connection, number: Number | None, *, now: datetime) -> list[Stopped]:
        """End every topic that credibly does not interest its person: of one, or of all."""
        population = store.believed(connection, self.model, self.policy.prior)
        with self._reading(connection):
            doubts = store.doubtful(connection, self.policy, number, now=now)
        sure = [(doubt, sure) for doubt in doubts if (sure := self._sure(population, doubt)) is not None]
        whose = store.subjects(connection, sorted({doubt.number for doubt, _ in sure}))
        answers = self.gate.check_each(connection, list(whose.values()), SMART, channel=EMAIL, now=now)
        ended, told = [], []
        for doubt, certainty in sure:
            answer = answers.get(whose[doubt.number]) if doubt.number in whose else None
            if not isinstance(answer, Allowed) or answer.permit is None:
                continue
            stopped = Stopped(
                whose[doubt.number], doubt.number, doubt.topic, doubt.seen.sends, certainty, doubt.sources
            )
            if self._end(connection, stopped, now):
                ended.append(stopped)
                # The use names its permit: what was done with the person's data, they see (B7).
                told.append(uses.under_permit(answer.permit, outcome=f"topic ended: {doubt.topic}", at=now))
        if told:
            uses.record_uses(connection, told)
        return ended

    def knows(self, connection: Connection, filling: Filling, tells: bool) -> Mapping[SubjectId, Known]:  # noqa: FBT001
        """
        Of whose messages start now: which topics ended without their having been told, as a line each in their
        language, if this message *tells* them; and who allows us to count links. The others are left out.
        """
        lines: dict[SubjectId, list[str]] = {}
        counts = set()
        values = {"subjects": list(filling.messages), "template": filling.template, "tells": tells}
        for id, language, topic, sources in connection.execute(SQL["knows"], values):
            if topic is None:
                counts.add(SubjectId(id))
            else:
                said = telling.ended(topic, language or telling.LANGUAGES[0], sources)
                lines.setdefault(SubjectId(id), []).append(said)
        return {id: Known(" ".join(lines.get(id, ())), id in counts) for id in lines.keys() | counts}

    def ended_by(self, connection: Connection, subject: SubjectId) -> Mapping[str, tuple[Source, ...]]:
        """By what each topic ended that is ended for a person; nothing of what they had forgotten."""
        rows = connection.execute(SQL["ended_of"], {"subject": subject})
        return {topic: tuple(map(Source, sources)) for topic, sources in rows}

    # Once a day

    def round(self, now: datetime) -> None:
        """Take in what was sent, fit the population anew, end what does not interest, forget what is old."""
        with self.database.transaction() as connection:
            ours, last = store.last_round(connection, self.model)
            if not ours or (last is not None and now - last < EVERY):
                return
            since = now - store.HALF_LIVES * self.policy.half_life if last is None else last - _LATE
            connection.execute(SQL["take_in"], {"since": since, "now": now})
            connection.execute(SQL["take_in_calls"], {"since": since, "now": now})
            with self._reading(connection):
                told = store.groups(connection, self.policy, now=now)
            store.keep_population(connection, self.model, fit(told, self.policy.prior), now=now)
            ended = self.end(connection, None, now=now)
            store.forget(connection, self.policy, now=now)
        if ended:
            log.info("offers.topics-ended", count=len(ended))

    # Being judged

    def evaluate(self, connection: Connection, *, now: datetime) -> Evaluation:
        """Judge this model on what was picked, and keep the verdict: sorting stands on it from now on."""
        with self._reading(connection):
            ripe = now - self.policy.silence - _UNDER_WAY
            rows = store.trials(connection, self.policy, ripe=ripe)
        if not rows:
            raise BadInput(
                "nothing can be judged yet: picks are ripe 45 days after they were made; let smart campaigns run",
                code="no-trials",
            )
        made = evaluate(files.of_rows(rows), self.policy)
        connection.execute(
            SQL["keep_evaluation"],
            {"id": new_record_id(now), "now": now, "model": made.model, "passed": made.passed,
             "body": msgspec.json.encode(attrs.asdict(made)).decode()},
        )  # fmt: skip
        return made

    def inherit(self, connection: Connection, number: Number, merged: Number) -> None:
        """Two identities were one person: what either told and got is that person's."""
        for name in ("inherit_heard", "inherit_picks", "inherit_ended", "erase_picks", "erase_ended"):
            connection.execute(SQL[name], {"number": merged if name.startswith("erase") else number, "merged": merged})

    # Inside

    @contextmanager
    def _reading(self, connection: Connection) -> Iterator[None]:
        with under_purpose(connection, SMART, EMAIL):
            yield

    def _people(self, connection: Connection, offers: Sequence[Offer], may: BitMap, *, now: datetime) -> People:
        """Those of *may* who are there, with what they wish and what they told of the topics of *offers*."""
        rows = connection.execute(SQL["people"], {"numbers": list(may)}).fetchall()
        numbers = np.array([number for number, _ in rows], np.int64)
        with self._reading(connection):
            wishes = connection.execute(SQL["wishes"], {"numbers": numbers.tolist()}).fetchall()
            told = store.seen(connection, numbers, self.policy, now=now)
        asked, never = _by_topic(wishes, "want"), _by_topic(wishes, "never")
        shape = (len(numbers), len(offers))
        wished, wanted, unwanted = np.zeros(shape, bool), np.zeros(shape), np.zeros(shape)
        liked = np.zeros(shape, np.int64)
        for column, offer in enumerate(offers):
            wished[:, column] = np.isin(numbers, np.array(asked.get(offer.topic, BitMap()), np.int64))
            own = [(number, seen) for number, topic, seen in told if topic == offer.topic]
            at = _places(numbers, [number for number, _ in own])
            wanted[at, column] = [seen.wanted for _, seen in own]
            unwanted[at, column] = [seen.unwanted for _, seen in own]
            liked[at, column] = [rules.LIKED_BY.index(seen.liked_by) for _, seen in own]
        segments = [language or "" for _, language in rows]
        return People(numbers, segments, eligible(offers, numbers, never), wished, wanted, unwanted, liked)

    def _sure(self, population: Population, doubt: Doubt) -> float | None:
        """How sure it is that the topic does not interest them; None: not sure enough. Wishes were left out before."""
        held = rules.belief(population, doubt.topic, doubt.segment, doubt.seen, wished=False, policy=self.policy)
        stop = self.policy.stop
        return rules.certainty(held, stop.below) if rules.stops(held, doubt.seen, wished=False, stop=stop) else None

    def _end(self, connection: Connection, stopped: Stopped, now: datetime) -> bool:
        """False: the person has spoken of the topic meanwhile, and that stands."""
        topic, subject = TopicId(stopped.topic), stopped.subject
        if not self.wishes.set(connection, subject, topic, "never", by="learner", now=now, reason=NOT_INTERESTED):
            return False
        values = attrs.asdict(stopped) | {"now": now, "sources": list(stopped.sources)}
        connection.execute(SQL["end_topic"], values)
        return True


def _demand_smart(audience: Audience, now: datetime) -> None:
    if audience.activity != SMART:
        raise Denied(f"offers are sorted for an audience of {SMART}, and of nothing else", code="other-activity")
    if not audience.holds(now):
        raise Denied("this audience holds no longer; draw it again", code="audience-expired")


def _by_topic(wishes: Sequence[tuple[int, str, str]], state: str) -> Mapping[str, BitMap]:
    found: dict[str, BitMap] = {}
    for number, topic, said in wishes:
        if said == state:
            found.setdefault(topic, BitMap()).add(number)
    return found


def _places(numbers: Whole, these: Sequence[int]) -> Whole:
    """Where *these* stand in *numbers*, which are in ascending order and have them all."""
    return np.searchsorted(numbers, np.array(these, np.int64))
