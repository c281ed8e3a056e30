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

-- name: of_subject_by
-- Uses of one person's data by some activities, newest first: the newest of each, then the newest of these.
SELECT use.id, use.activity, use.channel, use.subject, use.audience, use.permit, use.epoch, use.position, use.at, use.outcome
FROM unnest(%(activities)s::text[]) AS wanted (activity)
CROSS JOIN LATERAL (
    SELECT * FROM gate.use
    WHERE use.subject = %(subject)s AND use.activity = wanted.activity AND use.id < %(before)s
    ORDER BY use.id DESC LIMIT %(limit)s) AS use
ORDER BY use.id DESC LIMIT %(limit)s;

-- name: totals
-- How often each activity used one person's data since an instant, and when last; read from the index alone.
SELECT activity, count(*), max(at) FROM gate.use
WHERE subject = %(subject)s AND at >= %(since)s GROUP BY activity;

-- name: newest
-- How far the uses of one person's data, and those of audiences, go.
SELECT (SELECT max(id) FROM gate.use WHERE subject = %(subject)s),
       (SELECT max(id) FROM gate.use WHERE audience IS NOT NULL);

-- name: of_audiences
-- Uses of audiences (by some activities, if any are given), newest first, with who was taken out before.
SELECT id, activity, channel, subject, audience, permit, epoch, position, at, outcome, without
FROM gate.use
WHERE audience IS NOT NULL AND id < %(before)s
  AND (%(activities)s::text[] IS NULL OR activity = ANY (%(activities)s::text[]))
ORDER BY id DESC LIMIT %(limit)s;

-- name: audience_uses
-- Uses of audiences since an instant, with who was taken out before.
SELECT activity, audience, at, without FROM gate.use WHERE audience IS NOT NULL AND at >= %(since)s;

-- name: heads
-- How the bitmaps of audiences begin, and how long they are.
SELECT id, substr(members, 1, %(head)s::int), octet_length(members) FROM gate.audience WHERE id = ANY (%(audiences)s);

-- name: slices
-- A few bytes of each of these bitmaps.
SELECT audience.id, substr(audience.members, slice.start, slice.length)
FROM unnest(%(audiences)s::uuid[], %(starts)s::int[], %(lengths)s::int[]) AS slice (id, start, length)
JOIN gate.audience USING (id);

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
