-- name: record
-- Append uses.
INSERT INTO gate.use (activity, channel, subject, audience, permit, epoch, position, without, at, outcome)
SELECT activity, channel, subject, audience, permit, epoch, position, decode(without, 'hex'), at, outcome
FROM json_to_recordset(%(uses)s::json) AS use (
    activity text, channel text, subject uuid, audience uuid, permit text, epoch text, position bigint,
    without text, at timestamptz, outcome text);

-- name: identities
-- A person, and whoever was merged into it: a use stays under the id it was made for.
SELECT id, number FROM subjects.current WHERE id = %(subject)s OR merged_into = %(subject)s ORDER BY number;

-- name: of_subjects
-- Uses of the data of one person under each of their ids, newest first: the newest of each, then the newest of these.
SELECT use.id, use.activity, use.channel, use.subject, use.audience, use.permit, use.epoch, use.position, use.at, use.outcome
FROM unnest(%(subjects)s::uuid[]) AS own (subject)
CROSS JOIN LATERAL (
    SELECT * FROM gate.use WHERE use.subject = own.subject AND use.id < %(before)s
    ORDER BY use.id DESC LIMIT %(limit)s) AS use
ORDER BY use.id DESC LIMIT %(limit)s;

-- name: of_subjects_by
-- The same by some activities: the newest of each, then the newest of these.
SELECT use.id, use.activity, use.channel, use.subject, use.audience, use.permit, use.epoch, use.position, use.at, use.outcome
FROM unnest(%(subjects)s::uuid[]) AS own (subject)
CROSS JOIN unnest(%(activities)s::text[]) AS wanted (activity)
CROSS JOIN LATERAL (
    SELECT * FROM gate.use
    WHERE use.subject = own.subject AND use.activity = wanted.activity AND use.id < %(before)s
    ORDER BY use.id DESC LIMIT %(limit)s) AS use
ORDER BY use.id DESC LIMIT %(limit)s;

-- name: totals
-- How often each activity used one person's data since an instant, and when last; read from the index alone.
SELECT activity, count(*), max(at) FROM gate.use
WHERE subject = ANY(%(subjects)s::uuid[]) AND at >= %(since)s GROUP BY activity;

-- name: newest
-- As how many identities a person is known, and how far the uses of their data, and those of audiences, go.
SELECT count(*), max(own.newest), (SELECT max(id) FROM gate.use WHERE audience IS NOT NULL)
FROM subjects.current AS named
CROSS JOIN LATERAL (SELECT max(id) AS newest FROM gate.use WHERE use.subject = named.id) AS own
WHERE named.id = %(subject)s OR named.merged_into = %(subject)s;

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
