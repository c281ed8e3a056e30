-- name: purposes
-- The purposes of the catalogue in force.
SELECT purpose FROM catalogue.current_notice ORDER BY purpose;

-- name: register
-- A stop is there from now on; registering it again changes what may have changed. A retired one is back, and owes what
-- it missed.
INSERT INTO gate.stop AS known (id, kind, purposes, time_limit, registered_at, since, upto, seen_at, gone_after)
SELECT %(id)s, %(kind)s, %(purposes)s::text[], %(limit)s, %(now)s, position, position,
       CASE WHEN %(gone_after)s::interval IS NOT NULL THEN %(now)s::timestamptz END, %(gone_after)s
FROM ledger.ending
ON CONFLICT (id) DO UPDATE SET
    purposes = excluded.purposes, time_limit = excluded.time_limit,
    seen_at = excluded.seen_at, gone_after = excluded.gone_after,
    registered_at = CASE WHEN known.retired_at IS NULL THEN known.registered_at ELSE excluded.registered_at END,
    retired_at = NULL, until = NULL;

-- name: retire
-- A stop is not there any more, and keeps nothing closed.
WITH stop AS (
    UPDATE gate.stop SET retired_at = %(now)s, until = (SELECT position FROM ledger.ending)
    WHERE id = %(id)s AND retired_at IS NULL RETURNING id
)
UPDATE gate.closure SET until = greatest(since, %(now)s) WHERE stop IN (SELECT id FROM stop) AND until IS NULL;

-- name: beat
-- A sign of life; no row if the stop was retired meanwhile.
UPDATE gate.stop SET seen_at = %(now)s WHERE id = %(id)s AND retired_at IS NULL RETURNING id;

-- name: acknowledge
-- All up to *upto* has stopped: a row if any of it concerned the stop, which then keeps nothing closed any more.
WITH stop AS (
    SELECT id, upto, purposes, least(%(upto)s, (SELECT position FROM ledger.ending)) AS done FROM gate.stop
    WHERE id = %(id)s AND retired_at IS NULL FOR NO KEY UPDATE
), concerned AS (
    SELECT id, done FROM stop WHERE EXISTS (
        SELECT FROM gate.closing AS change WHERE change.position > stop.upto AND change.position <= stop.done
           AND (change.purpose IS NULL OR change.purpose = ANY(stop.purposes)))
), acknowledged AS (
    INSERT INTO gate.stop_ack (stop, upto, at) SELECT id, done, %(at)s FROM concerned RETURNING stop, upto
), moved AS (
    UPDATE gate.stop SET upto = acknowledged.upto, acknowledged_at = %(at)s
    FROM acknowledged WHERE stop.id = acknowledged.stop
)
UPDATE gate.closure SET until = greatest(since, %(at)s)
WHERE stop IN (SELECT stop FROM acknowledged) AND until IS NULL;

-- name: take
-- Be the one who works for a stop; no row while another process is. It must not keep the watch from closing: whoever
-- hangs while at it is silent.
SELECT id FROM gate.stop WHERE id = %(id)s AND retired_at IS NULL FOR NO KEY UPDATE SKIP LOCKED;

-- name: owed
-- The first changes that a stop has not acknowledged, whole positions only.
SELECT change.position, change.number, person.id, nullif(change.channel, '')
FROM gate.stop
JOIN gate.closing AS change ON change.position > stop.upto
 AND (change.purpose IS NULL OR change.purpose = ANY(stop.purposes))
JOIN subjects.current AS person ON person.number = change.number
WHERE stop.id = %(id)s
ORDER BY change.position FETCH FIRST %(limit)s ROWS WITH TIES;

-- name: following
-- Every stop that is there: up to where it owes nothing, the first change it has not answered, what it keeps closed.
SELECT stop.id, stop.kind, stop.purposes, stop.time_limit, stop.registered_at, stop.gone_after,
       coalesce(owed.position - 1, ending.position), stop.acknowledged_at, owed.position, entered.recorded_at,
       ARRAY(SELECT closure.purpose FROM gate.closure WHERE closure.stop = stop.id AND closure.until IS NULL)
FROM gate.stop CROSS JOIN ledger.ending
LEFT JOIN LATERAL (
    SELECT change.position FROM gate.closing AS change
    WHERE change.position > stop.upto AND (change.purpose IS NULL OR change.purpose = ANY(stop.purposes))
    ORDER BY change.position LIMIT 1
) AS owed ON true
LEFT JOIN ledger.entered AS entered ON entered.position = owed.position
WHERE stop.retired_at IS NULL ORDER BY stop.kind, stop.id;

-- name: ended
-- What a record ended, and when it was made; no row if there is no such record.
SELECT entered.recorded_at, array_remove(array_agg(DISTINCT change.purpose), NULL),
       coalesce(bool_or(change.purpose IS NULL) FILTER (WHERE change.position IS NOT NULL), false)
FROM ledger.entered AS entered LEFT JOIN gate.closing AS change USING (position)
WHERE entered.position = %(position)s GROUP BY entered.recorded_at;

-- name: places
-- The stops that were there at a position and that it concerns, each with its first acknowledgement of it: one index
-- look-up a stop.
SELECT stop.id, stop.kind, stop.time_limit, ack.at, stop.retired_at
FROM gate.stop
LEFT JOIN LATERAL (
    SELECT at FROM gate.stop_ack WHERE stop_ack.stop = stop.id AND stop_ack.upto >= %(position)s
    ORDER BY stop_ack.upto LIMIT 1
) AS ack ON true
WHERE stop.since < %(position)s AND (stop.until IS NULL OR stop.until >= %(position)s)
  AND (%(everything)s OR stop.purposes && %(purposes)s::text[])
ORDER BY stop.kind, stop.id;

-- name: recorded_at
-- When the record at a position was made.
SELECT recorded_at FROM ledger.entered WHERE position = %(position)s;

-- name: ending
-- Where the ledger ends.
SELECT position FROM ledger.ending;

-- name: percentiles
-- How long the newest changes after *first* up to *last* took, in milliseconds: for each stop, and (id null) until all
-- that have answered had stopped. Nothing of `ended` asks for another order than the index's, so older ones are not read.
WITH ended AS (
    SELECT position, array_agg(purpose) FILTER (WHERE purpose IS NOT NULL) AS purposes,
           bool_or(purpose IS NULL) AS everything
    FROM gate.closing WHERE position > %(first)s AND position <= %(last)s
    GROUP BY position ORDER BY position DESC LIMIT %(most)s
), taken AS (
    SELECT stop.id, ended.position,
           greatest(0, extract(epoch FROM ack.at - entered.recorded_at) * 1000)::float8 AS ms
    FROM ended JOIN ledger.entered AS entered USING (position)
    JOIN gate.stop ON stop.since < ended.position AND (stop.until IS NULL OR stop.until >= ended.position)
     AND (ended.everything OR stop.purposes && ended.purposes)
    CROSS JOIN LATERAL (
        SELECT at FROM gate.stop_ack WHERE stop_ack.stop = stop.id AND stop_ack.upto >= ended.position
        ORDER BY stop_ack.upto LIMIT 1
    ) AS ack
), measured AS (
    SELECT id, ms FROM taken
    UNION ALL
    SELECT NULL, max(ms) FROM taken GROUP BY position
)
SELECT id, count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ms), max(ms)
FROM measured GROUP BY id ORDER BY id NULLS FIRST;

-- name: closures
-- Which purposes are closed, since when and by whom.
SELECT purpose, stop, since, until FROM gate.closure WHERE until IS NULL ORDER BY purpose, since, stop;

-- name: past_closures
-- Closures, the newest first, those that have ended among them.
SELECT purpose, stop, since, until FROM gate.closure ORDER BY since DESC, purpose, stop LIMIT %(limit)s;

-- name: take_watch
-- One watches at a time; the others need not wait.
SELECT pg_try_advisory_xact_lock(hashtextextended('placet/stops', 0));

-- name: gone
-- Processes that ended without a word, and since when at the latest they have answered no by themselves.
SELECT id, seen_at + gone_after FROM gate.stop WHERE retired_at IS NULL AND seen_at + gone_after < %(now)s ORDER BY id;

-- name: widen
-- Replicas and subscribers are told of everything: a purpose that is new in the catalogue is theirs too.
UPDATE gate.stop SET purposes = ARRAY(
    SELECT unnest(purposes) UNION SELECT purpose FROM catalogue.current_notice ORDER BY 1)
WHERE retired_at IS NULL AND kind IN ('replica', 'subscriber')
  AND NOT purposes @> ARRAY(SELECT purpose FROM catalogue.current_notice);

-- name: clear
-- Whoever owes nothing need not be looked at from so far back.
UPDATE gate.stop SET upto = ending.position FROM ledger.ending
WHERE retired_at IS NULL AND ending.position - upto >= %(far)s AND NOT EXISTS (
    SELECT FROM gate.closing AS change
    WHERE change.position > stop.upto AND (change.purpose IS NULL OR change.purpose = ANY(stop.purposes)));

-- name: close
-- A silent stop closes its purposes; returns those that were open until now.
INSERT INTO gate.closure (purpose, stop, since)
SELECT unnest(purposes), id, %(now)s FROM gate.stop WHERE id = %(id)s
ON CONFLICT (purpose, stop) WHERE until IS NULL DO NOTHING RETURNING purpose;

-- name: reopen
-- A stop that is silent no more keeps nothing closed; returns what it had closed.
UPDATE gate.closure SET until = greatest(since, %(now)s) WHERE stop = %(id)s AND until IS NULL RETURNING purpose;
