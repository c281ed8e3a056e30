-- name: add_half
-- Keep the first half of a grant until somebody completes it.
INSERT INTO consents.assisted (id, number, subject, purpose, grants, route, language, shown, reference, said_at,
                               representative, mandate, opening, first_by, first_at, expires_at)
VALUES (%(id)s, %(number)s, %(subject)s, %(purpose)s, %(grants)s, %(route)s, %(language)s, %(shown)s, %(reference)s,
        %(said_at)s, %(representative)s, %(mandate)s, %(opening)s, %(first_by)s, %(first_at)s, %(expires_at)s);

-- name: half
-- One half, as it stands.
SELECT id, number, subject, purpose, grants, route, language, shown, reference, said_at, representative, mandate,
       opening, first_by, first_at, expires_at, challenge, state, way, second_by, second_at, records, told
FROM consents.assisted WHERE id = %(id)s;

-- name: lock_half
-- The same, kept from everybody else until the transaction ends.
SELECT id, number, subject, purpose, grants, route, language, shown, reference, said_at, representative, mandate,
       opening, first_by, first_at, expires_at, challenge, state, way, second_by, second_at, records, told
FROM consents.assisted WHERE id = %(id)s FOR UPDATE;

-- name: waiting
-- What waits for a second member, oldest first, behind a place in that order.
SELECT id, number, subject, purpose, grants, route, language, shown, reference, said_at, representative, mandate,
       opening, first_by, first_at, expires_at, challenge, state, way, second_by, second_at, records, told
FROM consents.assisted
WHERE state = 'pending' AND expires_at > %(now)s AND route <> 'desk' AND (expires_at, id) > (%(after)s, %(id)s)
ORDER BY expires_at, id LIMIT %(limit)s;

-- name: count_waiting
-- How many wait for a member who did not write them down.
SELECT count(*) FROM consents.assisted
WHERE state = 'pending' AND expires_at > %(now)s AND route <> 'desk' AND first_by <> %(member)s;

-- name: waiting_of
-- What waits for one person's grants to be completed, newest first.
SELECT id, number, subject, purpose, grants, route, language, shown, reference, said_at, representative, mandate,
       opening, first_by, first_at, expires_at, challenge, state, way, second_by, second_at, records, told
FROM consents.assisted
WHERE number = %(number)s AND state = 'pending' AND expires_at > %(now)s ORDER BY first_at DESC LIMIT 20;

-- name: halves_of
-- All that is kept of one person's, newest first.
SELECT id, number, subject, purpose, grants, route, language, shown, reference, said_at, representative, mandate,
       opening, first_by, first_at, expires_at, challenge, state, way, second_by, second_at, records, told
FROM consents.assisted WHERE number = %(number)s ORDER BY first_at DESC, id;

-- name: set_challenge
-- The code that was sent last is the one that fits.
UPDATE consents.assisted SET challenge = %(challenge)s WHERE id = %(id)s AND state = 'pending' RETURNING id;

-- name: settle_half
-- What became of it.
UPDATE consents.assisted SET state = %(state)s, way = %(way)s, second_by = %(second_by)s, second_at = %(second_at)s,
       records = %(records)s, told = %(told)s
WHERE id = %(id)s AND state = 'pending';

-- name: cancel_halves
-- The person said no to the purpose since: what waited for it is void.
UPDATE consents.assisted SET state = 'cancelled' WHERE number = %(number)s AND purpose = %(purpose)s AND state = 'pending';

-- name: void_halves
-- Nothing waits for this identity any more.
UPDATE consents.assisted SET state = 'cancelled' WHERE number = %(number)s AND state = 'pending';

-- name: keep_image
-- A signature, sealed under the person's key, found by its keyed hash, which the record's evidence names.
INSERT INTO consents.evidence (hash, number, sealed, created_at)
VALUES (%(hash)s, %(number)s, %(sealed)s, %(now)s) ON CONFLICT (hash) DO NOTHING;

-- name: sweep_halves
-- Halves that were settled or ran out long ago: what they led to stands in the ledger.
DELETE FROM consents.assisted WHERE expires_at < %(before)s;

-- name: add_answer
-- An answer that a member wrote down; of whom, it does not say.
INSERT INTO consents.answer_taken (member, shop, purpose, route, answer, at)
VALUES (%(member)s, %(shop)s, %(purpose)s, %(route)s, %(answer)s, %(now)s);

-- name: answers_by_member
-- How many answers each member wrote down in a period, and how many of them were a yes.
SELECT member::text, count(*), count(*) FILTER (WHERE answer = 'given')
FROM consents.answer_taken WHERE at >= %(since)s AND at < %(until)s GROUP BY member;

-- name: answers_by_shop
-- The same for each shop.
SELECT shop, count(*), count(*) FILTER (WHERE answer = 'given')
FROM consents.answer_taken WHERE at >= %(since)s AND at < %(until)s AND shop IS NOT NULL GROUP BY shop;

-- name: sweep_answers
-- Answers that no comparison looks at any more.
DELETE FROM consents.answer_taken WHERE at < %(before)s;
