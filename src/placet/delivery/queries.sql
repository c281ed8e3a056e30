-- name: persons
-- The persons of a batch: their dense numbers and wrapped keys; a merged one stands as the one that remains.
SELECT named.id, person.id, person.number, person.wrapped_key
FROM subjects.current AS named
JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = ANY(%(ids)s::uuid[]) AND person.erased_at IS NULL;

-- name: plan
-- Plan messages; returns the ids of those that were not planned before, under any identity of their person.
INSERT INTO delivery.message (id, number, key, kind, activity, channel, topic, template, language, sealed, addressed,
                              not_before, not_after, zone, planned_at, changed_at)
SELECT id, number, key, kind, activity, channel, topic, template, language, decode(sealed, 'hex'), addressed,
       not_before, not_after, zone, %(now)s, %(now)s
FROM json_to_recordset(%(messages)s::json) AS row (
    id uuid, number int, key text, kind text, activity text, channel text, topic text, template text, language text,
    sealed text, addressed boolean, not_before timestamptz, not_after timestamptz, zone text)
WHERE NOT EXISTS (
    SELECT FROM subjects.current AS person
    JOIN subjects.current AS merged ON merged.merged_into = person.id
    JOIN delivery.message AS earlier ON earlier.number = merged.number AND earlier.key = row.key
    WHERE person.number = row.number)
ORDER BY number
ON CONFLICT (number, key) DO NOTHING RETURNING id;

-- name: take
-- The next messages of a channel, service first, each row locked for us; `mine` is false while another sender has
-- something for the same person in hand. Waits for nobody.
WITH next AS MATERIALIZED (
    SELECT id, addressed, number, kind, activity, channel, topic, template, language, sealed, not_before, not_after, zone,
           attempt
    FROM delivery.message
    WHERE channel = %(channel)s AND state IN ('planned', 'deferred') AND not_before <= %(now)s
    ORDER BY (kind <> 'service'), not_before LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), whose AS MATERIALIZED (
    SELECT next.*, named.id AS planned_for, person.id AS subject, person.number AS person
    FROM next JOIN subjects.current AS named ON named.number = next.number
    JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
)
SELECT id, addressed, planned_for, kind, activity, channel, topic, template, language, sealed, not_before, not_after, zone,
       attempt, subject, person, pg_try_advisory_xact_lock(hashtext('placet/delivery'), person) AS mine
FROM whose ORDER BY person;

-- name: take_these
-- As `take`, of messages that somebody has in hand, whether or not their time has come.
WITH next AS MATERIALIZED (
    SELECT id, addressed, number, kind, activity, channel, topic, template, language, sealed, not_before, not_after, zone,
           attempt
    FROM delivery.message
    WHERE channel = %(channel)s AND id = ANY(%(ids)s::uuid[]) AND state IN ('planned', 'deferred')
    ORDER BY id FOR UPDATE SKIP LOCKED
), whose AS MATERIALIZED (
    SELECT next.*, named.id AS planned_for, person.id AS subject, person.number AS person
    FROM next JOIN subjects.current AS named ON named.number = next.number
    JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
)
SELECT id, addressed, planned_for, kind, activity, channel, topic, template, language, sealed, not_before, not_after, zone,
       attempt, subject, person, pg_try_advisory_xact_lock(hashtext('placet/delivery'), person) AS mine
FROM whose ORDER BY person, id;

-- name: hold
-- Lock what these persons have given, as a withdrawal does; what is being changed at this moment is left out.
SELECT number, purpose, channel FROM consents.hold(%(numbers)s::int[]);

-- name: before
-- What these persons were sent since an instant, service aside; also under an identity that was merged into them.
WITH whose AS MATERIALIZED (
    SELECT number, number AS person FROM unnest(%(numbers)s::int[]) AS number
    UNION ALL
    SELECT merged.number, person.number FROM subjects.current AS person
    JOIN subjects.current AS merged ON merged.merged_into = person.id
    WHERE person.number = ANY(%(numbers)s::int[])
)
SELECT whose.person, kind, channel, topic, started_at FROM whose JOIN delivery.message USING (number)
WHERE started_at > %(since)s AND kind <> 'service' AND state IN ('sending', 'sent', 'delivered', 'unknown');

-- name: mutes
-- What these persons do not want.
SELECT number, kind, topic, channel, until FROM delivery.muted WHERE number = ANY(%(numbers)s::int[]);

-- name: slowed
-- Who of these persons wants fewer messages, of which kinds.
SELECT number, kind FROM delivery.slowed WHERE number = ANY(%(numbers)s::int[]);

-- name: halts
-- Which of these messages their senders have paused or ended, with all that is planned under the same key.
SELECT message.id, halted.halt FROM delivery.halted JOIN delivery.message USING (key)
WHERE message.id = ANY(%(ids)s::uuid[]);

-- name: suppressions
-- Which of these addresses are not written to on a channel.
SELECT address, why FROM delivery.suppressed WHERE channel = %(channel)s AND address = ANY(%(addresses)s::bytea[]);

-- name: start
-- Messages become `sending`, unless their person was merged into another since they were taken.
UPDATE delivery.message AS message SET
    state = 'sending', reason = NULL, attempt = message.attempt + 1, reference = row.reference,
    address = decode(row.address, 'hex'), basis = row.basis, permit = row.permit, started_at = %(now)s,
    lease_until = %(lease_until)s, carrier_id = NULL, changed_at = %(now)s
FROM json_to_recordset(%(messages)s::json) AS row (
    id uuid, subject uuid, reference text, address text, basis text, permit text)
JOIN subjects.current AS person ON person.id = row.subject AND person.merged_into IS NULL AND person.erased_at IS NULL
WHERE message.id = row.id RETURNING message.id;

-- name: refuse
-- Messages that are not sent, with the reason.
UPDATE delivery.message AS message SET state = 'refused', reason = row.reason, sealed = NULL, changed_at = %(now)s
FROM json_to_recordset(%(messages)s::json) AS row (id uuid, reason text)
WHERE message.id = row.id AND message.state IN ('planned', 'deferred');

-- name: wait
-- Messages that wait for an allowed hour.
UPDATE delivery.message AS message SET not_before = row.until, changed_at = %(now)s
FROM json_to_recordset(%(messages)s::json) AS row (id uuid, until timestamptz)
WHERE message.id = row.id AND message.state IN ('planned', 'deferred');

-- name: held
-- Messages that were started, by id, locked: what settling decides on.
SELECT id, state, attempt, not_after, channel, address, permit, started_at FROM delivery.message
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE;

-- name: named
-- A message by the reference of its last attempt, locked.
SELECT id, state, attempt, not_after, channel, address, permit, started_at FROM delivery.message
WHERE reference = %(reference)s FOR UPDATE;

-- name: carried
-- Messages by the carrier's own names for them, locked; the newest of a name, should a carrier use it again.
SELECT carrier_id, id, state, attempt, not_after, channel, address, permit, started_at FROM delivery.message
WHERE id IN (SELECT DISTINCT ON (carrier_id) id FROM delivery.message
             WHERE channel = %(channel)s AND carrier_id = ANY(%(names)s::text[]) ORDER BY carrier_id, started_at DESC)
ORDER BY id FOR UPDATE;

-- name: numbered
-- Messages of a channel whose answer has not come, by how their reference begins, locked.
SELECT id, state, attempt, not_after, channel, address, permit, started_at FROM delivery.message
WHERE channel = %(channel)s AND left(reference, 4) = %(start)s AND carrier_id IS NULL
  AND (state = 'sending' OR (state = 'unknown' AND closed_at IS NULL)) ORDER BY id FOR UPDATE;

-- name: settle
-- What became of messages. What a message was filled with goes once it cannot start again.
UPDATE delivery.message AS message SET
    state = row.state, reason = row.reason, carrier_id = coalesce(row.carrier_id, message.carrier_id),
    not_before = coalesce(row.not_before, message.not_before), lease_until = NULL, changed_at = %(now)s,
    sealed = CASE WHEN row.state = 'deferred' THEN message.sealed END
FROM json_to_recordset(%(messages)s::json) AS row (
    id uuid, state text, reason text, carrier_id text, not_before timestamptz)
WHERE message.id = row.id;

-- name: expired
-- Messages whose sender has not answered in time, locked.
SELECT id, state, attempt, not_after, channel, address, permit, started_at FROM delivery.message
WHERE state = 'sending' AND lease_until <= %(now)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: unknown
-- Messages of a channel that may or may not have been taken, the oldest first.
SELECT id, attempt, reference, started_at, carrier_id FROM delivery.message
WHERE channel = %(channel)s AND state = 'unknown' AND closed_at IS NULL ORDER BY started_at LIMIT %(limit)s;

-- name: close
-- Nobody looks any more for what was started before an instant; it stays unknown, and is not sent again.
UPDATE delivery.message SET closed_at = %(now)s
WHERE state = 'unknown' AND closed_at IS NULL AND started_at < %(before)s;

-- name: cancel
-- Take back what has not started.
UPDATE delivery.message SET state = 'refused', reason = 'cancelled', sealed = NULL, changed_at = %(now)s
WHERE id = ANY(%(ids)s::uuid[]) AND state IN ('planned', 'deferred');

-- name: live
-- What is planned or under way for these persons, and for those who were merged into them; locked.
SELECT message.id, message.number, person.id, message.activity, message.channel, message.state
FROM delivery.message JOIN subjects.current AS person USING (number)
WHERE message.number = ANY(ARRAY(
        SELECT named.number FROM subjects.current AS named
        WHERE named.number = ANY(%(numbers)s::int[])
        UNION
        SELECT merged.number FROM subjects.current AS named JOIN subjects.current AS merged ON merged.merged_into = named.id
        WHERE named.number = ANY(%(numbers)s::int[])))
  AND message.state IN ('planned', 'deferred', 'sending')
ORDER BY message.number, message.id FOR UPDATE OF message;

-- name: suppress
-- Do not write to an address any more.
INSERT INTO delivery.suppressed (channel, address, why, since) VALUES (%(channel)s, %(address)s, %(why)s, %(now)s)
ON CONFLICT DO NOTHING;

-- name: unsuppress
-- An address is good again: the person has confirmed it.
DELETE FROM delivery.suppressed WHERE channel = %(channel)s AND address = %(address)s AND why = 'bounce';

-- name: unblock
-- Nobody objects to an address any more.
DELETE FROM delivery.suppressed
WHERE channel = ANY(%(channels)s::text[]) AND address = %(address)s AND why = 'do-not-contact';

-- name: mute
-- A person does not want these messages any more.
INSERT INTO delivery.muted AS kept (number, kind, topic, channel, since, until)
SELECT number, %(kind)s, %(topic)s, %(channel)s, %(now)s, %(until)s FROM subjects.current
WHERE id = %(subject)s AND erased_at IS NULL
ON CONFLICT (number, kind, topic, channel) DO UPDATE SET until = excluded.until
WHERE kept.until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > kept.until);

-- name: unmute
-- The person wants them again.
DELETE FROM delivery.muted USING subjects.current AS person
WHERE muted.number = person.number AND person.id = %(subject)s AND muted.kind = %(kind)s AND muted.topic = %(topic)s
  AND muted.channel = %(channel)s;

-- name: slow
-- A person wants fewer messages of a kind.
INSERT INTO delivery.slowed (number, kind, since)
SELECT number, %(kind)s, %(now)s FROM subjects.current WHERE id = %(subject)s AND erased_at IS NULL
ON CONFLICT DO NOTHING;

-- name: unslow
-- As many as usual again.
DELETE FROM delivery.slowed USING subjects.current AS person
WHERE slowed.number = person.number AND person.id = %(subject)s AND slowed.kind = %(kind)s;

-- name: of_subject
-- What a person was sent and was not, under every identity of theirs, newest first.
SELECT message.id, message.kind, message.activity, message.channel, message.topic, message.state, message.reason,
       message.planned_at, message.changed_at, message.not_before
FROM delivery.message
WHERE message.number = ANY(ARRAY(
        SELECT number FROM subjects.current WHERE id = %(subject)s OR merged_into = %(subject)s))
  AND (%(states)s::text[] IS NULL OR message.state = ANY(%(states)s::text[]))
  AND (%(before)s::uuid IS NULL OR (message.planned_at, message.id) < (
    SELECT planned_at, id FROM delivery.message WHERE id = %(before)s))
ORDER BY message.planned_at DESC, message.id DESC LIMIT %(limit)s;

-- name: forget
-- Delete what is held of a person.
WITH message AS (DELETE FROM delivery.message WHERE number = %(number)s),
     muted AS (DELETE FROM delivery.muted WHERE number = %(number)s),
     slowed AS (DELETE FROM delivery.slowed WHERE number = %(number)s)
DELETE FROM delivery.suppressed WHERE address = ANY(%(addresses)s::bytea[]);
