-- name: record
-- Append uses.
INSERT INTO gate.use (activity, channel, subject, audience, permit, epoch, position, without, at, outcome)
SELECT activity, channel, subject, audience, permit, epoch, position, decode(without, 'hex'), at, outcome
FROM json_to_recordset(%(uses)s::json) AS use (
    activity text, channel text, subject uuid, audience uuid, permit text, epoch text, position bigint,
    without text, at timestamptz, outcome text);

-- name: number
-- A person's number.
SELECT number FROM subjects.current WHERE id = %(subject)s;

-- name: of_subject
-- Uses of one person's data, newest first.
SELECT id, activity, channel, subject, audience, permit, epoch, position, at, outcome
FROM gate.use WHERE subject = %(subject)s AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s;

-- name: of_audiences
-- Uses of audiences, newest first, with who was taken out before.
SELECT id, activity, channel, subject, audience, permit, epoch, position, at, outcome, without
FROM gate.use WHERE audience IS NOT NULL AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s;

-- name: members
-- The members of an audience.
SELECT members FROM gate.audience WHERE id = %(audience)s;

-- name: all
-- Every use after one, in order.
SELECT id, activity, channel, subject, audience, permit, epoch, position, at, outcome
FROM gate.use WHERE id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: judged
-- The number of a person, and when the record at a position was made.
SELECT (SELECT number FROM subjects.current WHERE id = %(subject)s),
       (SELECT recorded_at FROM ledger.entered WHERE position = %(position)s);

-- name: gone
-- Numbers that nothing is asked of any more: what they said is not replayed.
SELECT number FROM subjects.current WHERE erased_at IS NOT NULL OR merged_into IS NOT NULL;
