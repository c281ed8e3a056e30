-- name: take_guess_turns
-- One attempt at a time for whatever is counted, so that limits cannot be outrun. Locked in one order.
SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS key ORDER BY key;

-- name: recent_guesses
-- How often it did not succeed lately, and when first.
SELECT count(*), min(at) FROM access.guess WHERE who = %(who)s AND at > %(since)s;

-- name: add_guess
-- Counted before it is looked at: an attempt that is broken off counts too.
INSERT INTO access.guess (id, who, at) VALUES (%(id)s, %(who)s, %(now)s);

-- name: take_guess_back
-- It was no guess.
DELETE FROM access.guess WHERE id = %(id)s;

-- name: sweep_guesses
-- Delete what no limit looks at any more.
DELETE FROM access.guess WHERE at <= %(since)s;
