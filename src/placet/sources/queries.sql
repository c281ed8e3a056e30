-- name: forget
-- Events of a person before an instant must go; asked again, the later instant counts.
INSERT INTO sources.forgotten AS noted (number, before, noted_at) VALUES (%(number)s, %(before)s, %(now)s)
ON CONFLICT (number) DO UPDATE SET before = greatest(noted.before, excluded.before);

-- name: forgotten
-- Whose events must go.
SELECT number, before FROM sources.forgotten ORDER BY number LIMIT %(limit)s;

-- name: forgotten_before
-- Before which instant a person's events count as gone.
SELECT before FROM sources.forgotten WHERE number = %(number)s;

-- name: settled
-- They have gone; who was noted again meanwhile stays.
DELETE FROM sources.forgotten AS noted
USING unnest(%(numbers)s::int[], %(befores)s::timestamptz[]) AS gone (number, before)
WHERE noted.number = gone.number AND noted.before = gone.before;

-- name: epoch
-- Of which epoch the database is.
SELECT epoch FROM ledger.ending;

-- name: read
-- Something begins to read or write events of some people, or goes on without those who have left.
INSERT INTO sources.reading (id, what, members, began_at, lease_until)
VALUES (%(id)s, %(what)s, %(members)s, %(now)s, %(until)s)
ON CONFLICT (id) DO UPDATE SET members = excluded.members, lease_until = excluded.lease_until;

-- name: renew
-- It goes on.
UPDATE sources.reading SET lease_until = %(until)s WHERE id = %(id)s;

-- name: gone
-- Which of all people must go.
SELECT number FROM sources.forgotten;

-- name: end
-- It has ended.
DELETE FROM sources.reading WHERE id = %(id)s OR lease_until <= %(now)s;

-- name: abandon
-- None of this kind goes on.
DELETE FROM sources.reading WHERE what = %(what)s;

-- name: going_on
-- Whose events are being read or written.
SELECT members FROM sources.reading WHERE lease_until > %(now)s;

-- name: by_hash
-- Whose present aliases these are; a telephone number goes from one person to another, so since when it is theirs.
SELECT hash, number, CASE kind WHEN 'msisdn' THEN ceil(extract(epoch FROM valid_from))::bigint ELSE 0 END
FROM subjects.reached WHERE hash = ANY(%(hashes)s::bytea[]);

-- name: by_number
-- Which of these numbers are somebody's.
SELECT number FROM subjects.current
WHERE number = ANY(%(numbers)s::int[]) AND erased_at IS NULL AND merged_into IS NULL;
