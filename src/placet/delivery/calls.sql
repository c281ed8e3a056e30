-- name: due_calls
-- Calls whose time has come, in a language or in all, the longest waiting first.
SELECT id, kind, activity, topic, language, not_before, not_after, attempt, reason FROM delivery.message
WHERE channel = 'call' AND state IN ('planned', 'deferred') AND not_before <= %(now)s AND not_after > %(now)s
  AND (%(language)s::text IS NULL OR language = %(language)s)
ORDER BY (kind <> 'service'), not_before, id LIMIT %(limit)s;

-- name: due_by_language
-- How many calls are due, by language.
SELECT language, count(*) FROM delivery.message
WHERE channel = 'call' AND state IN ('planned', 'deferred') AND not_before <= %(now)s AND not_after > %(now)s
GROUP BY language;

-- name: open_call
-- A member has this call in hand.
INSERT INTO delivery.call (message, attempt, number, staff, opened_at, sealed)
SELECT %(message)s, %(attempt)s, number, %(staff)s, %(now)s, %(sealed)s FROM subjects.current WHERE id = %(subject)s;

-- name: calls_in_hand
-- The calls that a member has opened and said nothing of, with what opens their text.
SELECT message.id, call.attempt, owner.id, owner.wrapped_key, call.sealed, message.kind, message.activity, message.topic,
       message.template, message.language, call.opened_at
FROM delivery.call JOIN delivery.message ON message.id = call.message JOIN subjects.current AS owner
    ON owner.number = call.number
WHERE call.staff = %(staff)s AND call.outcome IS NULL AND owner.wrapped_key IS NOT NULL
  AND (%(message)s::uuid IS NULL OR call.message = %(message)s) AND call.opened_at > %(since)s
ORDER BY call.opened_at;

-- name: end_call
-- What came of a call that a member has in hand; the text goes. Returns whose it was.
UPDATE delivery.call SET outcome = %(outcome)s, ended_at = %(now)s, sealed = NULL
FROM subjects.current AS owner
WHERE call.message = %(message)s AND call.staff = %(staff)s AND call.outcome IS NULL AND owner.number = call.number
RETURNING call.attempt, coalesce(owner.merged_into, owner.id);

-- name: drop_call_texts
-- The texts of calls that nobody ended go.
UPDATE delivery.call SET sealed = NULL WHERE outcome IS NULL AND sealed IS NOT NULL AND opened_at <= %(before)s;

-- name: not_started
-- Why a call could not be opened, and when it may be.
SELECT state, reason, not_before FROM delivery.message WHERE id = %(message)s AND channel = 'call';

-- name: outcomes_of_key
-- What came of the calls that were planned under a key, each person's last.
SELECT last.outcome, count(*) FROM (
    SELECT DISTINCT ON (call.message) call.outcome FROM delivery.call
    JOIN delivery.message ON message.id = call.message
    WHERE message.key = %(key)s AND call.outcome IS NOT NULL
    ORDER BY call.message, call.attempt DESC) AS last
GROUP BY last.outcome;

-- name: outcomes_of_staff
-- What came of a member's calls since an instant.
SELECT outcome, count(*) FROM delivery.call
WHERE staff = %(staff)s AND ended_at >= %(since)s AND outcome IS NOT NULL GROUP BY outcome;

-- name: calls_of
-- The calls that were made to a person, newest first.
SELECT call.opened_at, call.ended_at, call.attempt, call.outcome, message.kind, message.activity, message.topic
FROM delivery.call JOIN delivery.message ON message.id = call.message
JOIN subjects.current AS owner ON owner.number = call.number
WHERE owner.id = %(subject)s ORDER BY call.opened_at DESC, call.attempt DESC;
