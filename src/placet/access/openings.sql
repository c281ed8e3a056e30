-- name: add_opening
-- A member asks for a record; open at once when the identity check is already done.
INSERT INTO access.opening (id, member, role, shop, subject, reason, words, proof, detail, compared, mandate, challenge,
                            flagged, asked_at, opened_at, until)
VALUES (%(id)s, %(member)s, %(role)s, %(shop)s, %(subject)s, %(reason)s, %(words)s, %(proof)s, %(detail)s, %(compared)s,
        %(mandate)s, %(challenge)s, %(flagged)s, %(asked_at)s, %(opened_at)s, %(until)s);

-- name: opening
-- One opening, with who it belongs to.
SELECT opening.id, opening.member, member.name, opening.role, opening.shop, opening.subject, opening.reason,
       opening.words, opening.proof, opening.detail, opening.compared, opening.mandate, opening.challenge,
       opening.flagged, opening.asked_at, opening.opened_at, opening.until, opening.ended_at
FROM access.opening JOIN access.member ON member.id = opening.member WHERE opening.id = %(id)s;

-- name: awaiting_code
-- The member's newest unfinished opening of a record.
SELECT opening.id, opening.member, member.name, opening.role, opening.shop, opening.subject, opening.reason,
       opening.words, opening.proof, opening.detail, opening.compared, opening.mandate, opening.challenge,
       opening.flagged, opening.asked_at, opening.opened_at, opening.until, opening.ended_at
FROM access.opening JOIN access.member ON member.id = opening.member
WHERE opening.member = %(member)s AND subject = %(subject)s AND opened_at IS NULL AND asked_at > %(since)s
ORDER BY asked_at DESC LIMIT 1;

-- name: begin_opening
-- The code fitted: the record is open.
UPDATE access.opening SET opened_at = %(now)s, until = %(until)s WHERE id = %(id)s AND opened_at IS NULL RETURNING id;

-- name: live_openings
-- What is open at an instant: of a member, of a record, or of both.
SELECT opening.id, opening.member, member.name, opening.role, opening.shop, opening.subject, opening.reason,
       opening.words, opening.proof, opening.detail, opening.compared, opening.mandate, opening.challenge,
       opening.flagged, opening.asked_at, opening.opened_at, opening.until, opening.ended_at
FROM access.opening JOIN access.member ON member.id = opening.member
WHERE opened_at <= %(now)s AND until > %(now)s AND ended_at IS NULL
  AND (%(member)s::uuid IS NULL OR opening.member = %(member)s::uuid)
  AND (%(subject)s::uuid IS NULL OR subject = %(subject)s::uuid)
ORDER BY until DESC;

-- name: openings_of_subject
-- Who opened a record, the newest first.
SELECT opening.id, opening.member, member.name, opening.role, opening.shop, opening.subject, opening.reason,
       opening.words, opening.proof, opening.detail, opening.compared, opening.mandate, opening.challenge,
       opening.flagged, opening.asked_at, opening.opened_at, opening.until, opening.ended_at
FROM access.opening JOIN access.member ON member.id = opening.member
WHERE subject = %(subject)s AND opened_at IS NOT NULL AND opened_at < %(before)s
ORDER BY opened_at DESC LIMIT %(limit)s;

-- name: flagged_openings
-- Colleagues' records that were opened, the newest first.
SELECT opening.id, opening.member, member.name, opening.role, opening.shop, opening.subject, opening.reason,
       opening.words, opening.proof, opening.detail, opening.compared, opening.mandate, opening.challenge,
       opening.flagged, opening.asked_at, opening.opened_at, opening.until, opening.ended_at
FROM access.opening JOIN access.member ON member.id = opening.member
WHERE flagged AND opened_at IS NOT NULL ORDER BY asked_at DESC LIMIT %(limit)s;

-- name: end_openings
-- A record is closed again: for its member, before its time.
UPDATE access.opening SET ended_at = greatest(%(now)s, opened_at)
WHERE member = %(member)s AND subject = %(subject)s AND opened_at IS NOT NULL AND until > %(now)s AND ended_at IS NULL;

-- name: first_sight
-- Remember that a kind of page was seen in this opening; no row when it had been.
UPDATE access.opening SET seen = seen || %(what)s::text
WHERE id = %(id)s AND NOT %(what)s::text = ANY (seen) RETURNING id;

-- name: tie
-- This member is this customer.
INSERT INTO access.member_customer (member, subject) VALUES (%(member)s, %(subject)s)
ON CONFLICT (member) DO UPDATE SET subject = excluded.subject;

-- name: untie
-- This member is no customer any more.
DELETE FROM access.member_customer WHERE member = %(member)s;

-- name: customer_of
-- Which customer a member is.
SELECT subject FROM access.member_customer WHERE member = %(member)s;

-- name: tied
-- Members who are this customer, by what was recorded or by a login that is an address of theirs.
SELECT member FROM access.member_customer WHERE subject = ANY (%(subjects)s)
UNION
SELECT id FROM access.member WHERE login = ANY (%(emails)s);

-- name: take_desk_turn
-- One member's tries are counted one after the other.
SELECT pg_advisory_xact_lock(hashtextextended(%(member)s::text, 7));

-- name: recent_tries
-- How often a member tried lately.
SELECT count(*), min(at) FROM access.desk_try WHERE member = %(member)s AND kind = %(kind)s AND at > %(since)s;

-- name: add_try
-- Count a search, or an identity check that failed.
INSERT INTO access.desk_try (member, kind, subject, at) VALUES (%(member)s, %(kind)s, %(subject)s, %(now)s);

-- name: forget_openings
-- An erased person: what was typed goes; that somebody looked, and when, stays.
WITH tied AS (DELETE FROM access.member_customer WHERE subject = %(subject)s)
UPDATE access.opening SET words = NULL WHERE subject = %(subject)s;

-- name: sweep_openings
-- Openings whose code never came are of no use to anybody; nor are tries that no limit looks at.
WITH tries AS (DELETE FROM access.desk_try WHERE at < %(since)s)
DELETE FROM access.opening WHERE opened_at IS NULL AND asked_at < %(since)s;
