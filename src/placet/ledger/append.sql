-- name: lock_head
-- Lock the head row until the transaction ends.
SELECT epoch, position, recorded_at FROM ledger.head FOR UPDATE;

-- name: ending
-- Where the ledger ends.
SELECT epoch, position, recorded_at FROM ledger.head;

-- name: append
-- Write a batch, move the head by as many rows, and wake the followers when the transaction commits.
WITH batch AS (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS row (
        position bigint, id uuid, recorded_at timestamptz, subject uuid, purpose text, channel text,
        decision text, occurred_at timestamptz, body text, entry text)
), moved AS (
    UPDATE ledger.head SET position = %(position)s::bigint, recorded_at = %(recorded_at)s::timestamptz
    WHERE position = %(position)s::bigint - %(count)s::bigint
), written AS (
    INSERT INTO ledger.record (position, id, recorded_at, subject, purpose, channel, decision, occurred_at, body, entry)
    SELECT position, id, recorded_at, subject, purpose, channel, decision, occurred_at,
           convert_to(body, 'UTF8'), decode(entry, 'hex')
    FROM batch
)
SELECT pg_notify('placet_ledger', %(position)s::text);

-- name: copy_records
-- The same rows by COPY.
COPY ledger.record (position, id, recorded_at, subject, purpose, channel, decision, occurred_at, body, entry)
FROM STDIN (FORMAT BINARY);

-- name: move_head
-- Move the head by as many rows as were copied, and wake the followers.
WITH moved AS (
    UPDATE ledger.head SET position = %(position)s::bigint, recorded_at = %(recorded_at)s::timestamptz
    WHERE position = %(position)s::bigint - %(count)s::bigint
)
SELECT pg_notify('placet_ledger', %(position)s::text);
