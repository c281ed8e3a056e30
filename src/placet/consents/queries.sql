-- name: subjects
-- The subjects of a batch: their dense numbers and wrapped keys.
SELECT id, number, wrapped_key, erased_at IS NOT NULL FROM subjects.current WHERE id = ANY(%(ids)s::uuid[]);

-- name: states
-- Where the subjects of a batch stand on every purpose and channel of the batch's purposes.
SELECT number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
       notice_major, expires_at
FROM consents.state
WHERE number = ANY(%(numbers)s::int[]) AND purpose = ANY(%(purposes)s::text[]);

-- name: states_of
-- The same by the ids of the subjects.
SELECT number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
       notice_major, expires_at
FROM subjects.current JOIN consents.state USING (number)
WHERE id = ANY(%(ids)s::uuid[]) AND purpose = ANY(%(purposes)s::text[]);

-- name: answered
-- Requests of this batch that were answered before.
SELECT i.key, i.request, i.position, e.id
FROM consents.idempotency AS i JOIN ledger.entered AS e USING (position)
WHERE i.key = ANY(%(keys)s::bytea[]);

-- name: write
-- What a batch changed: states, the feed, answered requests, sealed evidence; in the deciding transaction.
WITH changed AS (
    SELECT * FROM json_to_recordset(%(states)s::json) AS row (
        number int, purpose text, channel text, decision text, position bigint, occurred_at timestamptz,
        recorded_at timestamptz, closed_at timestamptz, closed_by_self boolean, notice_major int, expires_at timestamptz)
), state AS (
    INSERT INTO consents.state AS state (number, purpose, channel, decision, position, occurred_at, recorded_at,
                                         closed_at, closed_by_self, notice_major, expires_at)
    SELECT number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
           notice_major, expires_at
    FROM changed
    ON CONFLICT (number, purpose, channel) DO UPDATE SET
        decision = excluded.decision, position = excluded.position, occurred_at = excluded.occurred_at,
        recorded_at = excluded.recorded_at, closed_at = excluded.closed_at, closed_by_self = excluded.closed_by_self,
        notice_major = excluded.notice_major, expires_at = excluded.expires_at
), feed AS (
    INSERT INTO consents.outbox (position, item, number, purpose, channel, decision, notice_major, expires_at)
    SELECT position, item, number, purpose, channel, decision, notice_major, expires_at
    FROM json_to_recordset(%(feed)s::json) AS row (
        position bigint, item smallint, number int, purpose text, channel text, decision text,
        notice_major int, expires_at timestamptz)
), answered AS (
    INSERT INTO consents.idempotency (key, request, position, created_at)
    SELECT decode(key, 'hex'), decode(request, 'hex'), position, created_at
    FROM json_to_recordset(%(answered)s::json) AS row (key text, request text, position bigint, created_at timestamptz)
)
INSERT INTO consents.evidence (hash, number, sealed, created_at)
SELECT decode(hash, 'hex'), number, decode(sealed, 'hex'), created_at
FROM json_to_recordset(%(evidence)s::json) AS row (hash text, number int, sealed text, created_at timestamptz)
ON CONFLICT (hash) DO NOTHING;

-- name: copy_feed
-- The feed of an import.
COPY consents.outbox (position, item, number, purpose, channel, decision, notice_major, expires_at)
FROM STDIN (FORMAT BINARY);

-- name: copy_states
-- States of which nothing was stored yet.
COPY consents.state (number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
                     notice_major, expires_at) FROM STDIN (FORMAT BINARY);

-- name: persisted
-- Which of these records are in the ledger: asked after a commit whose answer was lost.
SELECT id FROM ledger.entered WHERE id = ANY(%(ids)s::uuid[]);

-- name: history
-- A subject's records before a position, the newest first.
SELECT position, body FROM ledger.entered
WHERE subject = %(subject)s AND decision <> 'erased' AND position < %(before)s
ORDER BY position DESC LIMIT %(limit)s;

-- name: records
-- All records of a subject in order.
SELECT position, body FROM ledger.entered WHERE subject = %(subject)s AND decision <> 'erased' ORDER BY position;

-- name: records_of_many
-- All records of these subjects in order.
SELECT position, body FROM ledger.entered
WHERE subject = ANY (%(subjects)s::uuid[]) AND decision <> 'erased' ORDER BY position;

-- name: record
-- One record by its id.
SELECT position, body FROM ledger.entered WHERE id = %(id)s AND subject IS NOT NULL AND decision <> 'erased';

-- name: standing
-- Everything a subject's states say now.
SELECT number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
       notice_major, expires_at
FROM consents.state WHERE number = %(number)s;

-- name: due
-- What has expired and has no record of it yet, oldest first.
SELECT s.id, t.purpose, t.channel, t.expires_at
FROM consents.state AS t JOIN subjects.current AS s USING (number)
WHERE t.decision = 'given' AND t.expires_at <= %(now)s AND s.erased_at IS NULL
ORDER BY t.expires_at LIMIT %(limit)s;

-- name: announce
-- Tell the followers what no record says: a publication that ended consents, an erasure.
INSERT INTO consents.outbox (position, item, number, purpose, decision, notice_major)
VALUES (%(position)s, %(item)s, %(number)s, %(purpose)s, %(decision)s, %(notice_major)s);

-- name: forget
-- Erase what this folder holds of a person; the ledger keeps its commitments.
WITH state AS (DELETE FROM consents.state WHERE number = %(number)s),
     half AS (DELETE FROM consents.assisted WHERE number = %(number)s)
DELETE FROM consents.evidence WHERE number = %(number)s;

-- name: forget_answers
-- Idempotency keys are kept for a limited time.
DELETE FROM consents.idempotency WHERE created_at < %(before)s;

-- name: line_since
-- When the first of each subject's present lines began.
SELECT number, min(valid_from) FROM subjects.line_role_current WHERE number = ANY(%(numbers)s::int[]) GROUP BY number;
