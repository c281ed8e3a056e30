-- name: begin
-- Begin the import of a file, unless it was begun before.
INSERT INTO consents.import (file, options, begun_at) VALUES (%(file)s, %(options)s, %(now)s) ON CONFLICT DO NOTHING;

-- name: stands
-- How far the import of a file is.
SELECT options, done, recorded, ignored, repeated, refused, created
FROM consents.import WHERE file = %(file)s;

-- name: advance
-- The lines after %(from)s up to %(done)s are answered; no row if somebody else did so meanwhile.
UPDATE consents.import SET done = %(done)s, recorded = recorded + %(recorded)s, ignored = ignored + %(ignored)s,
    repeated = repeated + %(repeated)s, refused = refused + %(refused)s, created = created + %(created)s
WHERE file = %(file)s AND done = %(from)s RETURNING true;

-- name: finish
-- Every line of the file is answered.
UPDATE consents.import SET finished_at = %(now)s WHERE file = %(file)s AND finished_at IS NULL;

-- name: copy_refusals
-- The refused lines of a unit.
COPY consents.import_refusal (file, line, code, message) FROM STDIN (FORMAT BINARY);

-- name: refusals
-- The refused lines from %(first)s to %(last)s.
SELECT line, code, message FROM consents.import_refusal
WHERE file = %(file)s AND line BETWEEN %(first)s AND %(last)s;

-- name: onward
-- Who is meant by an id: an identity that was merged leads to the one that goes on.
SELECT id, coalesce(merged_into, id) FROM subjects.current WHERE id = ANY(%(ids)s::uuid[]);

-- name: rehearse_states
-- What a dry run must remember of itself, gone when its transaction ends: states.
CREATE TEMPORARY TABLE rehearsed_state (LIKE consents.state, PRIMARY KEY (number, purpose, channel)) ON COMMIT DROP;

-- name: rehearse_answers
-- As above: row keys.
CREATE TEMPORARY TABLE rehearsed_answer (key text PRIMARY KEY, request text NOT NULL) ON COMMIT DROP;

-- name: rehearse_newcomers
-- As above: subjects that would be added.
CREATE TEMPORARY TABLE rehearsed_newcomer (id uuid PRIMARY KEY, number serial) ON COMMIT DROP;

-- name: rehearse_newcomer
-- Remember subjects that would be added; returns the new ones.
INSERT INTO rehearsed_newcomer (id) SELECT unnest(%(ids)s::uuid[]) ON CONFLICT DO NOTHING RETURNING id;

-- name: rehearsed_newcomers
-- Those of these ids that would have been added.
SELECT id, number FROM rehearsed_newcomer WHERE id = ANY(%(ids)s::uuid[]);

-- name: rehearsed_states
-- Where subjects would stand by now (columns as in `states`).
SELECT number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
       notice_major, expires_at
FROM rehearsed_state
WHERE number = ANY(%(numbers)s::int[]) AND purpose = ANY(%(purposes)s::text[]);

-- name: forget_rehearsed
-- Make room for how these subjects stand now.
DELETE FROM rehearsed_state WHERE number = ANY(%(numbers)s::int[]) AND purpose = ANY(%(purposes)s::text[]);

-- name: copy_rehearsed
-- How they stand now.
COPY rehearsed_state (number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
                      notice_major, expires_at) FROM STDIN (FORMAT BINARY);

-- name: rehearsed_answers
-- Those of these row keys that would have been answered.
SELECT decode(key, 'hex'), decode(request, 'hex') FROM rehearsed_answer
WHERE key IN (SELECT encode(asked, 'hex') FROM unnest(%(keys)s::bytea[]) AS asked);

-- name: rehearse_answer
-- Remember row keys that would have been answered.
INSERT INTO rehearsed_answer (key, request) SELECT * FROM unnest(%(keys)s::text[], %(requests)s::text[]);
