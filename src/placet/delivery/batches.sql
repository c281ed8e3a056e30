-- name: muted
-- The numbers (4 bytes each, big-endian) of those who do not want such a message at an instant.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM (
    SELECT DISTINCT number FROM delivery.muted
    WHERE kind IN ('', %(kind)s) AND topic IN ('', %(topic)s) AND channel IN ('', %(channel)s)
      AND (until IS NULL OR until > %(at)s)) AS found;

-- name: reached
-- The numbers of those who have a present address of a kind.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM subjects.reached WHERE kind = %(alias)s;

-- name: unhoused
-- The numbers of living persons whose postal address is not known.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM subjects.current AS person
WHERE erased_at IS NULL AND merged_into IS NULL
  AND NOT EXISTS (SELECT FROM subjects.housed WHERE housed.number = person.number);

-- name: suppressed
-- The numbers of those whose newest address of a kind is not written to.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM (
    SELECT DISTINCT contact.number FROM delivery.suppressed
    JOIN subjects.reached AS contact ON contact.hash = suppressed.address AND contact.kind = %(alias)s
    WHERE suppressed.channel = %(channel)s AND NOT EXISTS (
        SELECT FROM subjects.reached AS newer
        WHERE newer.number = contact.number AND newer.kind = contact.kind
          AND (newer.valid_from, contact.hash) > (contact.valid_from, newer.hash))) AS found;

-- name: counted
-- The numbers of those who were sent messages of a kind, once for each: of a channel, of a topic, and of all, each since
-- an instant of its own; nobody where there is none.
SELECT coalesce(string_agg(int4send(number), '')
                FILTER (WHERE channel = %(channel)s AND started_at > %(since_channel)s::timestamptz), ''),
       coalesce(string_agg(int4send(number), '')
                FILTER (WHERE topic = %(topic)s AND started_at > %(since_topic)s::timestamptz), ''),
       coalesce(string_agg(int4send(number), '') FILTER (WHERE started_at > %(since_all)s::timestamptz), '')
FROM delivery.message
WHERE kind = %(kind)s AND state IN ('sending', 'sent', 'delivered', 'unknown')
  AND started_at > least(%(since_channel)s::timestamptz, %(since_topic)s::timestamptz, %(since_all)s::timestamptz);

-- name: slower
-- The numbers of those who want fewer messages of a kind, and had one since an instant.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM delivery.slowed
WHERE kind = %(kind)s AND EXISTS (
    SELECT FROM delivery.message AS earlier
    WHERE earlier.number = slowed.number AND earlier.started_at > %(since)s AND earlier.kind = %(kind)s
      AND earlier.state IN ('sending', 'sent', 'delivered', 'unknown'));

-- name: alone
-- Nobody else plans under this key until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('placet/delivery-batch'), hashtext(%(key)s));

-- name: spoken
-- The numbers of living persons by their language.
SELECT language, string_agg(int4send(number), '') FROM subjects.current
WHERE erased_at IS NULL AND merged_into IS NULL GROUP BY language;

-- name: known
-- The numbers of those of a range who have a message with a key.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM delivery.message
WHERE key = %(key)s AND number BETWEEN %(first)s AND %(last)s;

-- name: copy
-- The rows of many messages.
COPY delivery.message (id, number, key, kind, activity, channel, topic, template, language, not_before, not_after, state,
                       reason, planned_at, changed_at) FROM STDIN (FORMAT BINARY);

-- name: halt
-- Pause or end all that is planned under these keys; what was ended is never only paused again.
INSERT INTO delivery.halted AS kept (key, halt, since) SELECT key, %(halt)s, %(now)s FROM unnest(%(keys)s::text[]) AS key
ON CONFLICT (key) DO UPDATE SET halt = excluded.halt, since = excluded.since
WHERE kept.halt = 'paused' AND excluded.halt = 'ended';

-- name: resume
-- End a pause.
DELETE FROM delivery.halted WHERE key = ANY(%(keys)s::text[]) AND halt = 'paused';

-- name: hurry
-- What a pause had put off is looked at now; whatever else it waits for it is told then.
UPDATE delivery.message SET not_before = %(now)s, changed_at = %(now)s
WHERE key = ANY(%(keys)s::text[]) AND state = 'planned' AND not_before > %(now)s
  AND not_before <= %(now)s + interval '15 minutes' AND not_after > %(now)s;

-- name: sweep
-- Some of what was ended under the oldest key that is not swept yet; a key of which nothing is left is swept.
WITH which AS MATERIALIZED (
    SELECT key FROM delivery.halted WHERE halt = 'ended' AND swept_at IS NULL ORDER BY since LIMIT 1
    FOR UPDATE SKIP LOCKED
), left_over AS MATERIALIZED (
    SELECT message.id FROM which JOIN delivery.message USING (key) WHERE message.state IN ('planned', 'deferred')
    LIMIT %(limit)s FOR UPDATE OF message SKIP LOCKED
), refused AS (
    UPDATE delivery.message AS message SET state = 'refused', reason = 'cancelled', sealed = NULL, changed_at = %(now)s
    FROM left_over WHERE message.id = left_over.id RETURNING message.id
), swept AS (
    UPDATE delivery.halted SET swept_at = %(now)s FROM which
    WHERE halted.key = which.key AND NOT EXISTS (SELECT FROM left_over)
)
SELECT count(*) FROM refused;

-- name: counts
-- How many messages with these keys are in each state, and for which reason.
SELECT key, state, reason, count(*) FROM delivery.message WHERE key = ANY(%(keys)s::text[]) GROUP BY key, state, reason;

-- name: recipients
-- The numbers of those whose message with a key is in one of these states.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM delivery.message
WHERE key = %(key)s AND state = ANY(%(states)s::text[]);
