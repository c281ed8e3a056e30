-- name: restrict
-- Restrict a person's processing, unless it is already.
INSERT INTO gate.restriction (number, purpose, since) VALUES (%(number)s, %(purpose)s, %(now)s)
ON CONFLICT (number, purpose) WHERE until IS NULL DO NOTHING;

-- name: lift
-- End a restriction.
UPDATE gate.restriction SET until = greatest(since, %(now)s)
WHERE number = %(number)s AND purpose = %(purpose)s AND until IS NULL;

-- name: of
-- What is restricted for a person now.
SELECT purpose, since FROM gate.restriction WHERE number = %(number)s AND until IS NULL ORDER BY since, purpose;

-- name: inherit
-- What was restricted for a merged identity is so for the one that remains.
INSERT INTO gate.restriction (number, purpose, since)
SELECT %(survivor)s, purpose, %(now)s FROM gate.restriction WHERE number = %(merged)s AND until IS NULL
ON CONFLICT (number, purpose) WHERE until IS NULL DO NOTHING;
