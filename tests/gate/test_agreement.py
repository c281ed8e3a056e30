"""
Three ways to ask, one answer: the replica, a batch, an audience and a purpose role agree with `decide` on the database,
whatever happened before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import psycopg
from gate_clocks import Clocks
from gate_town import ACTIVITIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from placet.gate import audiences, restrictions, roles
from placet.gate.actions import Allowed, answer_json
from placet.gate.audiences import group
from placet.gate.feed import Feed
from placet.gate.memory import Memory
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.gate.roles import under_purpose
from placet.gate.view import CODES
from placet.kernel.ids import SubjectId

NUMBERS = range(1, 7)
PURPOSES = ["offers", "usage", "credit", "profiling", "location", "mobility"]
OTHERS = ["refused", "withdrawn", "objected", "requested", "expired", "invalidated", "suspended"]
WORDS = ["given"] * 3 + OTHERS
ASKED = [
    *PURPOSES,
    "offers/email",
    "offers/sms",
    "location/sms",
    "offers.email",
    "offers.greeting",
    "offers.greeting/sms",
    "credit.care",
    "profiling.best-offer-email",
    "location.nearby-sms",
]

channels = st.sampled_from(["", "", "email", "sms"])
say = st.tuples(
    st.just("say"),
    st.sampled_from(NUMBERS),
    st.sampled_from(["offers", "offers", *PURPOSES]),
    channels,
    st.sampled_from(WORDS),
    st.sampled_from([0, 0, 0, 0, -1, 1000, None]),
    st.sampled_from([None, None, None, -1, 0, 3, 5000]),
)
step = st.one_of(
    *[say] * 8,
    st.tuples(st.just("publish"), st.sampled_from(PURPOSES)),
    st.tuples(st.just("erase"), st.sampled_from(NUMBERS)),
    st.tuples(st.just("merge"), st.sampled_from(NUMBERS)),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 1.5, 3.0, 4000.0])),
    st.tuples(st.just("look")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("restore"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["restrict", "lift"]), st.sampled_from(NUMBERS), st.sampled_from([None, *PURPOSES])),
    st.tuples(st.sampled_from(["close", "reopen"]), st.sampled_from(PURPOSES)),
)
hinder = st.one_of(
    st.tuples(st.just("restrict"), st.sampled_from(NUMBERS), st.sampled_from([None, *PURPOSES])),
    st.tuples(st.sampled_from(["close", "reopen"]), st.sampled_from(PURPOSES)),
)


class Village:
    """A town, its clocks, a replica that may be restarted, and everybody's ids."""

    def __init__(self, town, database, gate, folder) -> None:
        self.town, self.database, self.gate = town, database, gate
        self.file = folder / "snapshot"
        self.clocks = Clocks(datetime(2026, 3, 12, 12, tzinfo=UTC))
        self.majors = dict.fromkeys(PURPOSES, 1)
        self.erased: set[int] = set()
        # The database is shared by the examples of a test: everybody begins again.
        self.file.unlink(missing_ok=True)
        for table in ("consents.state", "gate.restriction", "gate.closure", "gate.stop"):
            town.connection.execute(f"DELETE FROM {table}")
        town.connection.execute(
            "INSERT INTO gate.stop VALUES ('queue/mail', 'queue', '{offers}', '1 hour', %s, 0, 0)", [self.clocks.now]
        )
        town.connection.execute("UPDATE subjects.person SET erased_at = NULL, wrapped_key = '', merged_into = NULL")
        self.ids: dict[int, SubjectId] = {number: town.add(number) for number in NUMBERS}
        self.begin()

    def begin(self) -> None:
        memory = Memory(bound=2.0)
        wall, monotonic = self.clocks.wall, self.clocks.monotonic
        self.replica = Replica(memory, Feed(memory, self.database, self.file, clock=wall, monotonic=monotonic))

    def do(self, kind: str, *values) -> None:
        if kind == "say":
            number, purpose, channel, word, off, seconds = values
            if number in self.erased:
                return
            major = None if off is None else self.majors[purpose] + off
            until = None if seconds is None else self.clocks.now + timedelta(seconds=seconds)
            self.town.say(number, purpose, word, channel=channel, major=major, until=until)
        elif kind == "publish":
            self.majors[values[0]] += 1
            self.town.publish(self.majors)
        elif kind == "erase":
            self.erased.add(values[0])
            self.town.erase(values[0])
        elif kind == "merge":
            self.town.add(values[0], merged_into=self.ids[1] if values[0] != 1 else None)
        elif kind == "wait":
            self.clocks.pass_(values[0])
        elif kind == "look":
            self.replica.catch_up()
        elif kind == "restart":
            self.replica.feed.save()
            self.begin()
        elif kind == "restore":
            self.town.restore(f"{values[0]:08x}")
        else:
            self.hinder(kind, *values)

    def hinder(self, kind: str, *values) -> None:
        """Restrict, lift; close as a silent stop does, and reopen."""
        execute = self.town.connection.execute
        if kind == "close":
            execute(
                "INSERT INTO gate.closure SELECT %s, id, registered_at FROM gate.stop ON CONFLICT DO NOTHING", values
            )
        elif kind == "reopen":
            execute("UPDATE gate.closure SET until = since WHERE purpose = %s", values)
        else:
            with self.database.transaction() as connection:
                getattr(restrictions, kind)(connection, *values, now=self.clocks.now)

    def merged(self) -> set[int]:
        rows = self.town.connection.execute("SELECT number FROM subjects.person WHERE merged_into IS NOT NULL")
        return {number for (number,) in rows}

    def truth(self, number: int, asked: str) -> Reason | None:
        """What `decide` says of the person *number* on the database: None is yes."""
        name, _, channel = asked.partition("/")
        with self.database.transaction() as connection:
            answer = self.gate.check(connection, self.ids[number], name, channel=channel or None, now=self.clocks.now)
        return None if isinstance(answer, Allowed) else group(answer.reason)

    def compare(self) -> None:
        self.replica.catch_up()
        tick = self.clocks.monotonic()
        merged = self.merged()
        asked_about = [number for number in NUMBERS if number not in merged]
        for asked in ASKED:
            truth = {number: self.truth(number, asked) for number in asked_about}
            for number in NUMBERS:
                told = self.replica.check(number, asked, None, tick)
                assert (None if told.allowed else told.reason) == truth.get(number, Reason.NO_DECISION), (number, asked)
            self.compare_words(asked, asked_about)
            codes = self.replica.check_many(np.array(asked_about, np.uint32), asked, None, tick)
            assert [CODES[code] for code in codes] == list(truth.values())
            view, plan, columns = self.replica.memory.columns(asked, audiences.keys)
            drawn = audiences.draw(plan, columns, people=view.people, among=BitMap(asked_about))
            assert drawn.members == BitMap(number for number, why in truth.items() if why is None)
            assert drawn.excluded == {why: list(truth.values()).count(why) for why in audiences.GROUPS}

    def compare_words(self, asked: str, numbers: list[int]) -> None:
        """The answers that are worded in advance are those that are worded one by one, permits and all."""
        self.replica.now = self.clocks.monotonic
        self.replica.meet(self.database, list(self.ids.values()))
        name, _, channel = asked.partition("/")
        for number in numbers:
            id = self.ids[number]
            assert self.replica.number_of(id) == number
            about = {"channel": channel or None, "now": self.clocks.now}
            answer = self.gate.check_quickly(self.replica, id, name, **about)
            words = self.gate.tell_quickly(self.replica, id, str(id).encode(), name, **about)
            assert words == msgspec.json.encode(answer_json(answer))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=st.lists(st.lists(step, min_size=1, max_size=8), min_size=1, max_size=6))
def test_replica_batch_and_audience_answer_as_decide_on_the_database(town, database, gate, tmp_path, histories) -> None:
    village = Village(town, database, gate, tmp_path)
    village.town.publish(village.majors)
    for history in histories:
        for one in history:
            village.do(*one)
        village.compare()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(step, max_size=40), silent=st.integers(0, 40))
def test_replica_without_news_never_says_yes_where_the_database_says_no_for_longer_than_the_bound(
    town, database, gate, tmp_path, history, silent
) -> None:
    village = Village(town, database, gate, tmp_path)
    village.town.publish(village.majors)
    village.replica.catch_up()
    for one in history[:silent]:
        village.do(*one)
    village.clocks.pass_(2)
    tick = village.clocks.monotonic()
    for asked in ASKED:
        for number in NUMBERS:
            assert village.replica.check(number, asked, None, tick).reason == "stale"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.one_of(*[say] * 8, hinder), max_size=60))
def test_purpose_role_shows_whom_decide_allows(town, database, gate, tmp_path, admin_url, clone, history) -> None:
    village = Village(town, database, gate, tmp_path)
    village.clocks.now = datetime.now(UTC)
    village.town.publish(village.majors)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        roles.ensure(connection, clone[1].prefix)
    for one in history:
        if one[0] == "say":
            one = (*one[:-1], None if one[-1] is None else one[-1] * 10_000)
        village.do(*one)
    for asked in (asked for asked in ASKED if "." in asked):
        activity, _, channel = asked.partition("/")
        channel = ACTIVITIES[activity][1] or channel
        view = f"gate.open_{activity.partition('.')[0]}"
        with database.transaction() as connection, under_purpose(connection, activity, channel or None):
            shown = [number for (number,) in connection.execute(f"SELECT number FROM {view} ORDER BY number")]
        assert shown == [number for number in NUMBERS if village.truth(number, asked) is None]
