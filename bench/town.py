"""
A town of persons with states, written by the server itself: what the gate answers about.

The states are those of the activity that is asked about, and two more; each person has spoken on some of them. The
head of the ledger moves as if as many decisions had been recorded; of the records themselves only the last is here.
"""

from __future__ import annotations

from bench.ground import Place

ACTIVITY = "profiling.email-offer"
"""Needs two purposes, `profiling` and `offers`, and the channel `email` of the latter."""

_DROP = """
ALTER TABLE consents.state DROP CONSTRAINT state_pkey;
DROP INDEX consents.state_given;
DROP INDEX consents.state_expiry;
"""

_PERSONS = """
INSERT INTO subjects.person (number, id, language, wrapped_key, created_at)
SELECT n, lpad(to_hex(n), 32, '0')::uuid, 'lv', '\\x00'::bytea, '2026-01-01Z' FROM generate_series(1, {people}) AS n;
"""

# Of those who have spoken `given` say yes; the others are, in turn, a no or a yes that has lapsed.
_STATES = """
INSERT INTO consents.state (number, purpose, channel, decision, position, occurred_at, recorded_at, notice_major)
SELECT n, spoken.purpose, spoken.channel,
       CASE WHEN draw < given THEN 'given'
            WHEN draw < closed THEN (ARRAY['refused', 'withdrawn', 'objected'])[1 + n % 3]
            ELSE (ARRAY['expired', 'suspended'])[1 + n % 2] END,
       n, '2026-01-02Z', '2026-01-02Z', 1
FROM generate_series(1, {people}) AS n
CROSS JOIN (VALUES (1, 'offers', '', 600, 800, 850), (2, 'offers', 'email', 450, 550, 550),
                   (3, 'profiling', '', 400, 600, 650)) AS spoken (seed, purpose, channel, given, closed, lapsed)
CROSS JOIN LATERAL (SELECT (hashint8extended(n, seed) & 1048575) * 1000 / 1048576 AS draw) AS drawn
WHERE draw < lapsed;
"""

_FINISH = """
ALTER TABLE consents.state ADD PRIMARY KEY (number, purpose, channel);
CREATE INDEX state_given ON consents.state (purpose, channel, number) WHERE decision = 'given';
CREATE INDEX state_expiry ON consents.state (expires_at) WHERE decision = 'given' AND expires_at IS NOT NULL;
UPDATE ledger.head SET position = position + {people}, recorded_at = recorded_at + interval '1 hour';
INSERT INTO ledger.record (position, id, recorded_at, body)
SELECT position, gen_random_uuid(), recorded_at, '{{}}' FROM ledger.head;
"""


def fill(place: Place, people: int) -> None:
    """Put *people* persons with their states into *place*."""
    with place.owner() as connection:
        for script in (_DROP, _PERSONS, _STATES, _FINISH):
            connection.execute(script.format(people=people))
        connection.execute("SELECT setval('subjects.numbering', %s)", [people])
        connection.execute("ANALYZE consents.state; ANALYZE subjects.person")
