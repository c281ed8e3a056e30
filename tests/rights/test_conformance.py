"""The examination of purposes: every registered one passes; a broken one fails, and for the reason it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import attrs
import psycopg
import pytest
from conformance import CHECKS, Ground, failing, run
from mobility_ground import MobilityGround
from offers_ground import OffersGround
from psycopg import Connection
from reference_purpose import SCHEMA, WHY, Greetings, GreetingsGround

from placet.bootstrap import Application
from placet.duties import Brought, Holding, Person
from placet.kernel.ids import Number, SubjectId

ANNA = Person(SubjectId(uuid4()), Number(1))
BERTA = Person(SubjectId(uuid4()), Number(2))

GROUNDS: list[Ground] = [GreetingsGround(), OffersGround(), MobilityGround()]
"""Every purpose's ground: a purpose that is registered and not here fails the test below."""


@pytest.fixture
def connection(admin_url: str) -> Iterator[Connection]:
    with psycopg.connect(admin_url) as connection:
        connection.execute(SCHEMA)
        yield connection
        connection.rollback()


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: ground.duties.purpose)
def test_purpose_does_its_duties(connection, now, ground) -> None:
    for check in CHECKS:
        run(check, connection, ground, ANNA, BERTA, now)


def test_every_registered_purpose_is_examined(placet: Application) -> None:
    assert {duties.purpose for duties in placet.duties} <= {ground.duties.purpose for ground in GROUNDS}


class CancelsNothing(Greetings):
    def stop(self, connection, withdrawn, *, now):
        return self.running(connection, withdrawn.person) == 0


class CancelsForEverybody(Greetings):
    def stop(self, connection, withdrawn, *, now):
        connection.execute("UPDATE greetings.message SET state = 'cancelled' WHERE state = 'waiting'")
        return self.running(connection, withdrawn.person) == 0


class CancelsEveryChannel(Greetings):
    def stop(self, connection, withdrawn, *, now):
        return super().stop(connection, attrs.evolve(withdrawn, channel=None), now=now)


class StampsAgain(Greetings):
    def stop(self, connection, withdrawn, *, now):
        values = [now, withdrawn.person.number]
        connection.execute("UPDATE greetings.message SET at = %s WHERE number = %s AND state = 'cancelled'", values)
        return super().stop(connection, withdrawn, now=now)


class NeverWaits(Greetings):
    def stop(self, connection, withdrawn, *, now):
        super().stop(connection, withdrawn, now=now)
        return True


class NeverDone(Greetings):
    def stop(self, connection, withdrawn, *, now):
        super().stop(connection, withdrawn, now=now)
        return False


class ExportsTheNewestOnly(Greetings):
    def rows(self, connection, person, statement):
        return super().rows(connection, person, statement)[-1:]


class ExportsEverybody(Greetings):
    def rows(self, connection, person, statement):
        return super().rows(connection, person, statement.replace("number = %s", "%s > 0"))


class ExportsInTwoLanguages(Greetings):
    def export(self, connection, person):
        why = {language: WHY[language] for language in ("lv", "en")}
        return [attrs.evolve(holding, why=why) for holding in super().export(connection, person)]


class ExportsNested(Greetings):
    def export(self, connection, person):
        nickname, messages = super().export(connection, person)
        return [nickname, attrs.evolve(messages, rows=[{**row, "copies": []} for row in messages.rows])]


class ForgetsACopy(Greetings):
    def rename(self, connection, person, table, correction):
        return 0 if table == "message" else super().rename(connection, person, table, correction)


class CorrectsEverybody(Greetings):
    def rename(self, connection, person, table, correction):
        return connection.execute(f"UPDATE greetings.{table} SET nickname = %s", [correction.new]).rowcount


class ErasesHalf(Greetings):
    def delete(self, connection, person, table):
        return 0 if table == "message" else super().delete(connection, person, table)


class ErasesEverybody(Greetings):
    def delete(self, connection, person, table):
        return connection.execute(f"DELETE FROM greetings.{table}").rowcount


class SpeaksEnglishOnly(Greetings):
    def explain(self, connection, person, language):
        return super().explain(connection, person, "en")


class SaysNothing(Greetings):
    def explain(self, connection, person, language):
        return []


class BringsEverything(Greetings):
    def brought(self, connection, person, *, limit):
        return super().brought(connection, person, limit=1_000)


class BringsTheOldestFirst(Greetings):
    def brought(self, connection, person, *, limit):
        return list(reversed(super().brought(connection, person, limit=limit)))


class BringsInNoLanguage(Greetings):
    def brought(self, connection, person, *, limit):
        return [Brought(one.at, {}) for one in super().brought(connection, person, limit=limit)]


class HoldsNothing(Greetings):
    def export(self, connection, person) -> list[Holding]:
        return []


BROKEN = [
    (CancelsNothing, {"stop_cancels_what_waits", "stop_of_a_channel_leaves_the_others"}),
    (CancelsForEverybody, {"stop_cancels_what_waits", "stop_of_a_channel_leaves_the_others"}),
    (CancelsEveryChannel, {"stop_of_a_channel_leaves_the_others"}),
    (StampsAgain, {"stop_again_changes_nothing"}),
    (NeverWaits, {"stop_waits_for_what_runs"}),
    (NeverDone, {"stop_cancels_what_waits", "stop_again_changes_nothing", "stop_waits_for_what_runs"}),
    (ExportsTheNewestOnly, {"export_is_complete"}),
    (
        ExportsEverybody,
        {
            "export_is_of_that_person_only",
            "rectify_reaches_every_copy",
            "erase_leaves_nothing",
        },
    ),
    (ExportsInTwoLanguages, {"export_can_be_read"}),
    (ExportsNested, {"export_can_be_read"}),
    (ForgetsACopy, {"rectify_reaches_every_copy"}),
    (CorrectsEverybody, {"rectify_reaches_every_copy"}),
    (ErasesHalf, {"erase_leaves_nothing"}),
    (ErasesEverybody, {"erase_leaves_nothing"}),
    (SpeaksEnglishOnly, {"explain_in_three_languages"}),
    (SaysNothing, {"explain_in_three_languages"}),
    (BringsEverything, {"brought_is_bounded_and_newest_first"}),
    (BringsTheOldestFirst, {"brought_is_bounded_and_newest_first"}),
    (BringsInNoLanguage, {"brought_is_bounded_and_newest_first"}),
    (HoldsNothing, {"export_is_complete", "export_can_be_read", "rectify_reaches_every_copy"}),
]


def test_broken_purpose_fails_for_the_reason_it_is_broken(connection, now) -> None:
    for broken, expected in BROKEN:
        found = failing(connection, GreetingsGround(broken()), ANNA, BERTA, now)
        assert set(found) == expected, (broken.__name__, found)


def test_every_check_is_failed_by_some_broken_purpose() -> None:
    assert set().union(*(expected for _, expected in BROKEN)) == {check.__name__ for check in CHECKS}
