-- name: lock_registering
-- One registration at a time, so that the limit holds.
SELECT pg_advisory_xact_lock(hashtextextended('placet/subscribers', 0));

-- name: count
-- How many subscribers there are.
SELECT count(*) FROM subscribers.subscriber;

-- name: add
-- Register a subscriber behind what it does not want to hear; by default behind everything there is.
INSERT INTO subscribers.subscriber (id, client, url, position, created_at, due_at)
SELECT %(id)s, %(client)s, %(url)s, least(coalesce(%(after)s::bigint, ending.position), ending.position), %(now)s, %(now)s
FROM ledger.ending;

-- name: listing
-- Subscribers with ids above *after*, in the order of their ids, each with how far behind it is.
SELECT s.id, s.client, s.url, s.position, s.created_at, s.answered_at, s.failures, s.failure, s.due_at,
       ending.position - s.position, waiting.recorded_at, stop.time_limit
FROM subscribers.subscriber AS s CROSS JOIN ledger.ending
JOIN gate.stop_current AS stop ON stop.id = 'subscriber/' || s.id
LEFT JOIN ledger.entered AS waiting ON waiting.position = s.position + 1
WHERE s.id > %(after)s ORDER BY s.id LIMIT %(limit)s;

-- name: one
-- One subscriber, with how far behind it is.
SELECT s.id, s.client, s.url, s.position, s.created_at, s.answered_at, s.failures, s.failure, s.due_at,
       ending.position - s.position, waiting.recorded_at, stop.time_limit
FROM subscribers.subscriber AS s CROSS JOIN ledger.ending
JOIN gate.stop_current AS stop ON stop.id = 'subscriber/' || s.id
LEFT JOIN ledger.entered AS waiting ON waiting.position = s.position + 1
WHERE s.id = %(id)s;

-- name: remove
-- A subscriber is told nothing more.
DELETE FROM subscribers.subscriber WHERE id = %(id)s RETURNING id;

-- name: due
-- Who is behind, may be tried, and is not being served. An instant further away than we ever set one was written
-- before the clock jumped back: it counts for nothing.
SELECT s.id FROM subscribers.subscriber AS s CROSS JOIN ledger.ending
WHERE s.position < ending.position AND (s.due_at <= %(now)s OR s.due_at > %(longest_pause)s)
  AND (s.held_until IS NULL OR s.held_until <= %(now)s OR s.held_until > %(held_until)s);

-- name: hold
-- Take a subscriber that is due for ourselves, until *held_until* at the latest; no row if another process was faster
-- or if it has everything.
UPDATE subscribers.subscriber SET held_until = %(held_until)s
WHERE id = %(id)s AND position < (SELECT position FROM ledger.ending) AND (due_at <= %(now)s OR due_at > %(longest_pause)s)
  AND (held_until IS NULL OR held_until <= %(now)s OR held_until > %(held_until)s)
RETURNING url, position;

-- name: ending
-- Where the ledger ends.
SELECT epoch, position FROM ledger.ending;

-- name: changes
-- What changed after a position, whole positions only, so that a position is a cursor.
SELECT change.position, person.id, change.purpose, change.channel, change.decision, change.notice_major
FROM consents.change LEFT JOIN subjects.current AS person USING (number)
WHERE change.position > %(after)s
ORDER BY change.position FETCH FIRST %(limit)s ROWS WITH TIES;

-- name: acknowledged
-- It has everything up to *position*; only who holds it may move it, and never back.
UPDATE subscribers.subscriber
SET position = %(position)s, answered_at = %(answered_at)s, failures = 0, failure = NULL, due_at = %(now)s, held_until = NULL
WHERE id = %(id)s AND held_until = %(held_until)s AND position < %(position)s
RETURNING position;

-- name: passed
-- Nothing up to *position* concerns anybody: move on without an answer.
UPDATE subscribers.subscriber SET position = greatest(position, %(position)s), held_until = NULL
WHERE id = %(id)s AND held_until = %(held_until)s;

-- name: failed
-- It did not acknowledge; try again at *due_at*. While it is silent it keeps the gate closed, so it is asked several
-- times within its limit.
UPDATE subscribers.subscriber
SET failures = failures + 1, failure = %(failure)s, held_until = NULL,
    due_at = %(now)s::timestamptz + least(
        interval '1 second' * power(2, least(failures, 30)), %(longest)s,
        (SELECT time_limit / 4 FROM gate.stop_current AS stop WHERE stop.id = 'subscriber/' || subscriber.id))
WHERE id = %(id)s AND held_until = %(held_until)s;
