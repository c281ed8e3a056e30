"""Many asked about at once are answered as each would be alone."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest
from gate_town import ACTIVITIES, NOW

from placet.gate import restrictions
from placet.kernel.ids import Number, PurposeId, SubjectId

DECISIONS = ("given", "given", "given", "refused", "withdrawn", "objected", "suspended")


@pytest.fixture
def people(town, database) -> list[SubjectId]:
    """Persons with any mixture of states; one merged, one erased, one restricted, one unknown, one silent."""
    draw = random.Random(11)
    for number in range(1, 41):
        town.add(number)
        for purpose in ("offers", "usage", "credit", "profiling", "location", "mobility"):
            for channel in ("", "email", "sms"):
                if draw.random() < 0.7:
                    until = draw.choice([None, NOW - timedelta(days=1), NOW + timedelta(seconds=9)])
                    town.say(number, purpose, draw.choice(DECISIONS), channel=channel, until=until,
                             major=draw.choice([1, 1, 1, 2]))  # fmt: skip
    found = [town.add(number) for number in range(1, 43)]
    town.connection.execute(
        "UPDATE subjects.person SET erased_at = %s, wrapped_key = NULL, language = 'und' WHERE number = 2", [NOW]
    )
    town.connection.execute("UPDATE subjects.person SET merged_into = %s WHERE number = 3", [found[3]])
    with database.transaction() as connection:
        restrictions.restrict(connection, Number(5), PurposeId("offers"), now=NOW)
    return [*found, SubjectId(uuid4())]


def test_each_of_many_is_answered_as_alone(town, people, database, gate, now) -> None:
    for asked, channel in product([*ACTIVITIES, "offers", "nothing.known"], [None, "email"]):
        with database.transaction() as connection:
            alone = {one: gate.check(connection, one, asked, channel=channel, now=now) for one in people}
            assert gate.check_each(connection, people, asked, channel=channel, now=now) == alone


def test_nobody_asked_about_is_nobody_answered(town, database, gate, now) -> None:
    with database.transaction() as connection:
        assert gate.check_each(connection, [], "offers", now=now) == {}
