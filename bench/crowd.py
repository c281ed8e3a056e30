"""
Customers whose pages are measured: each with 500 decisions, made through the rules, and 10,000 uses; around them a
crowd of others with states and a use each, so that what grows with the number of customers shows.
"""

from __future__ import annotations

from datetime import timedelta

from bench.ground import Place
from placet.access import sessions
from placet.bootstrap import Application
from placet.consents import actions
from placet.consents.model import Actor, Provenance, Recorded, Wish
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.subjects.model import Newcomer, Subject

DECISIONS = 500
USES = 10_000
PURPOSES = tuple(map(PurposeId, ("usage", "profiling", "location", "mobility")))

_OTHERS = """
INSERT INTO subjects.person (number, id, language, wrapped_key, created_at)
SELECT n, lpad(to_hex(n), 32, '0')::uuid, 'lv', '\\x00'::bytea, '2026-01-01Z' FROM generate_series(1, {people}) AS n;
INSERT INTO consents.state (number, purpose, channel, decision, position, occurred_at, recorded_at, notice_major)
SELECT n, purpose, '', 'given', 0, '2026-01-02Z', '2026-01-02Z', 1
FROM generate_series(1, {people}) AS n CROSS JOIN unnest(ARRAY['usage', 'profiling', 'location']) AS purpose;
INSERT INTO gate.use (activity, subject, at, outcome)
SELECT 'usage.tariff-advice', lpad(to_hex(n), 32, '0')::uuid, '2026-02-01Z', 'done'
FROM generate_series(1, {people}) AS n;
SELECT setval('subjects.numbering', {people});
"""

_USES = """
INSERT INTO gate.use (activity, subject, at, outcome)
SELECT (ARRAY['usage.tariff-advice', 'usage.device-advice', 'mobility.intensity'])[1 + n %% 3], %(subject)s,
       %(now)s::timestamptz - n * interval '50 minutes', 'done' FROM generate_series(1, %(uses)s) AS n
"""


def fill(place: Place, application: Application, people: int, customers: int) -> list[Subject]:
    """A crowd of *people*, and *customers* with a long past, who are returned."""
    with place.owner() as connection:
        connection.execute(_OTHERS.format(people=people))
    now = clock.now()
    with application.database.transaction() as connection:
        newcomers = [Newcomer((), "lv", f"Anna Bērziņa {index}") for index in range(customers)]
        found = application.subjects.add_many(connection, newcomers, now=now)
    for person in found:
        _decide(application, person)
    with place.owner() as connection:
        for person in found:
            connection.execute(_USES, {"subject": person.id, "now": now, "uses": USES})
        connection.execute("VACUUM ANALYZE")
    return found


def tokens(application: Application, people: list[Subject]) -> list[str]:
    """Each customer signed in: the secret that their browser would hold."""
    with application.database.transaction() as connection:
        return [sessions.open_session(connection, person.id, "lv", now=clock.now()).token for person in people]


def _decide(application: Application, person: Subject) -> None:
    """Yes, no, yes, no … over the years, as an import would bring it."""
    now = clock.now()
    provenance = Provenance("bench", "B", now)
    wishes = [
        Wish(
            person.id,
            PURPOSES[index % len(PURPOSES)],
            "given" if index // len(PURPOSES) % 2 == 0 else "withdrawn",
            "import",
            Actor("subject"),
            notice_version="1.0",
            occurred_at=now - timedelta(days=DECISIONS - index),
            provenance=provenance,
        )
        for index in range(DECISIONS)
    ]
    with application.database.transaction() as connection:
        outcomes = actions.record(connection, wishes, rulebook=application.rulebook, now=now)
    assert all(isinstance(outcome, Recorded) for outcome in outcomes), outcomes
