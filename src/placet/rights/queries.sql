-- name: add_request
-- Write a request down, unless its idempotency key was used before.
INSERT INTO rights.request (id, subject, kind, state, route, actor, actor_id, opening, concerns, received_at, due, key, digest)
VALUES (%(id)s, %(subject)s, %(kind)s, 'received', %(route)s, %(actor)s, %(actor_id)s, %(opening)s, %(concerns)s,
        %(received_at)s, %(due)s, %(key)s, %(digest)s)
ON CONFLICT (key) DO NOTHING
RETURNING id;

-- name: answered
-- The request that was filed under an idempotency key.
SELECT id, digest FROM rights.request WHERE key = %(key)s;

-- name: count_open
-- How many requests of a person wait for an answer.
SELECT count(*) FROM rights.request WHERE subject = %(subject)s AND closed_at IS NULL;

-- name: get_request
-- One request.
SELECT id, subject, kind, state, route, actor, actor_id, opening, concerns, received_at, due, extended_at, owner, closed_at
FROM rights.request WHERE id = %(id)s;

-- name: lock_request
-- One request, locked until the transaction ends: of two members the second sees what the first did.
SELECT id, subject, kind, state, route, actor, actor_id, opening, concerns, received_at, due, extended_at, owner, closed_at
FROM rights.request WHERE id = %(id)s FOR UPDATE;

-- name: requests_of
-- The requests of a person and of the identities merged into them, newest first, those filed before one of them.
SELECT id, subject, kind, state, route, actor, actor_id, opening, concerns, received_at, due, extended_at, owner, closed_at
FROM rights.request
WHERE subject IN (SELECT named.id FROM subjects.current AS named WHERE named.id = %(subject)s OR named.merged_into = %(subject)s)
  AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
ORDER BY id DESC LIMIT %(limit)s;

-- name: queue_by_due
-- Requests in some states, of one member, of nobody or of all, those due first at the top.
SELECT id, subject, kind, state, route, actor, actor_id, opening, concerns, received_at, due, extended_at, owner, closed_at
FROM rights.request
WHERE state = ANY (%(states)s) AND (NOT %(unowned)s OR owner IS NULL)
  AND (%(owner)s::uuid IS NULL OR owner = %(owner)s::uuid)
  AND (%(after)s::uuid IS NULL OR (due, id) > (SELECT last.due, last.id FROM rights.request AS last WHERE last.id = %(after)s::uuid))
ORDER BY due, id LIMIT %(limit)s;

-- name: queue_by_filing
-- The same, newest first.
SELECT id, subject, kind, state, route, actor, actor_id, opening, concerns, received_at, due, extended_at, owner, closed_at
FROM rights.request
WHERE state = ANY (%(states)s) AND (NOT %(unowned)s OR owner IS NULL)
  AND (%(owner)s::uuid IS NULL OR owner = %(owner)s::uuid)
  AND (%(after)s::uuid IS NULL OR id < %(after)s::uuid)
ORDER BY id DESC LIMIT %(limit)s;

-- name: change_request
-- Where a request stands from now on.
UPDATE rights.request
SET state = %(state)s, due = %(due)s, extended_at = %(extended_at)s, owner = %(owner)s, closed_at = %(closed_at)s
WHERE id = %(id)s;

-- name: add_step
-- Write down what happened to a request.
INSERT INTO rights.step (request, kind, at, actor, actor_id, owner, due)
VALUES (%(request)s, %(kind)s, %(at)s, %(actor)s, %(actor_id)s, %(owner)s, %(due)s)
RETURNING id;

-- name: add_words
-- Keep what was said at a step.
INSERT INTO rights.words (step, subject, sealed) VALUES (%(step)s, %(subject)s, %(sealed)s);

-- name: steps
-- What happened to a request, in order, with the sealed words.
SELECT step.kind, step.at, step.actor, step.actor_id, step.owner, step.due, words.sealed
FROM rights.step LEFT JOIN rights.words ON words.step = step.id
WHERE step.request = %(request)s ORDER BY step.id;

-- name: said
-- The first and the closing words of requests.
SELECT step.request, step.kind, words.sealed
FROM rights.step JOIN rights.words ON words.step = step.id
WHERE step.request = ANY (%(requests)s) AND step.kind IN ('filed', 'done', 'refused');

-- name: count_by_deadline
-- Open requests: those with time, those due within a week, those overdue.
SELECT count(*) FILTER (WHERE due > %(soon)s), count(*) FILTER (WHERE due <= %(soon)s AND due >= %(now)s),
       count(*) FILTER (WHERE due < %(now)s)
FROM rights.request WHERE closed_at IS NULL;

-- name: open_requests
-- The open requests of one identity, locked.
SELECT id, subject, kind, state, route, actor, actor_id, opening, concerns, received_at, due, extended_at, owner, closed_at
FROM rights.request WHERE subject = %(subject)s AND closed_at IS NULL ORDER BY id FOR UPDATE;

-- name: forget_words
-- Delete every word that was said about an erased person's requests.
DELETE FROM rights.words WHERE subject = %(subject)s;

-- name: last_erasure
-- The newest line of the journal of erasures that this database knows.
SELECT entry, mac FROM rights.erasure ORDER BY entry DESC LIMIT 1;

-- name: add_erasure
-- Somebody was erased, as a line of the journal says.
INSERT INTO rights.erasure (subject, entry, mac, erased_at, position)
VALUES (%(subject)s, %(entry)s, %(mac)s, %(erased_at)s, %(position)s);

-- name: renumber_erasure
-- The journal was made anew: where somebody erased stands in it.
INSERT INTO rights.erasure (subject, entry, mac, erased_at, position)
VALUES (%(subject)s, %(entry)s, %(mac)s, %(erased_at)s,
        (SELECT max(position) FROM ledger.entered WHERE subject = %(subject)s AND decision = 'erased'))
ON CONFLICT (subject) DO UPDATE SET entry = excluded.entry, mac = excluded.mac;

-- name: say_erasure
-- The ledger says now that somebody was erased.
UPDATE rights.erasure SET position = %(position)s WHERE subject = %(subject)s;

-- name: unsaid_erasures
-- Who was erased again after a restore, before the ledger could say so.
SELECT subject FROM rights.erasure WHERE position IS NULL ORDER BY entry;

-- name: back_again
-- Who of the erased is a person again.
SELECT id FROM subjects.current WHERE id = ANY (%(ids)s) AND erased_at IS NULL ORDER BY number;

-- name: erased_persons
-- Everybody whom this database knows as erased.
SELECT id, erased_at FROM subjects.current WHERE erased_at IS NOT NULL ORDER BY erased_at, number;

-- name: erased_events
-- Everybody whom the ledger calls erased.
SELECT subject, recorded_at FROM ledger.entered WHERE decision = 'erased' ORDER BY position;

-- name: add_restriction
-- Processing is restricted, on a ground that the law names.
INSERT INTO rights.restriction (id, subject, purpose, ground, request, actor, actor_id, since)
VALUES (%(id)s, %(subject)s, %(purpose)s, %(ground)s, %(request)s, %(actor)s, %(actor_id)s, %(now)s);

-- name: restrictions_of
-- The restrictions of a person and of the identities merged into them, newest first.
SELECT id, subject, purpose, ground, request, since, told_at, lifting_at, lifted_at FROM rights.restriction
WHERE subject IN (SELECT named.id FROM subjects.current AS named WHERE named.id = %(subject)s OR named.merged_into = %(subject)s)
ORDER BY since DESC, id;

-- name: restriction
-- One restriction.
SELECT id, subject, purpose, ground, request, since, told_at, lifting_at, lifted_at FROM rights.restriction WHERE id = %(id)s;

-- name: lock_restrictions
-- What restricts the same for a person at present, locked in one order: of two that end together one sees the other.
SELECT id, subject, purpose, ground, request, since, told_at, lifting_at, lifted_at FROM rights.restriction
WHERE subject IN (SELECT named.id FROM subjects.current AS named WHERE named.id = %(subject)s OR named.merged_into = %(subject)s)
  AND purpose IS NOT DISTINCT FROM %(purpose)s AND lifted_at IS NULL
ORDER BY id FOR UPDATE;

-- name: tell_of_lifting
-- The person is told that a restriction will be lifted, and when.
UPDATE rights.restriction SET told_at = %(now)s, lifting_at = %(lifting_at)s WHERE id = %(id)s AND lifted_at IS NULL
RETURNING id;

-- name: end_restriction
-- A restriction is over.
UPDATE rights.restriction SET lifted_at = greatest(%(now)s, since) WHERE id = %(id)s;

-- name: end_restrictions_of
-- Of an erased person nothing is processed any more.
UPDATE rights.restriction SET lifted_at = greatest(%(now)s, since) WHERE subject = %(subject)s AND lifted_at IS NULL;

-- name: add_correction
-- Where something was corrected.
INSERT INTO rights.correction (subject, at, actor, actor_id, place, field, rows)
VALUES (%(subject)s, %(at)s, %(actor)s, %(actor_id)s, %(place)s, %(field)s, %(rows)s);

-- name: corrections_of
-- What was corrected for a person, newest first.
SELECT at, place, field, rows FROM rights.correction
WHERE subject IN (SELECT named.id FROM subjects.current AS named WHERE named.id = %(subject)s OR named.merged_into = %(subject)s)
ORDER BY id DESC LIMIT %(limit)s;
