-- name: lock_counted
-- Where the counting stands, unless another process counts just now.
SELECT position, zone FROM consents.counted FOR UPDATE SKIP LOCKED;

-- name: wait_counted
-- As `lock_counted`, but wait for the one who counts now.
SELECT position, zone FROM consents.counted FOR UPDATE;

-- name: counted
-- Where the counting stands, to be shown.
SELECT position, zone FROM consents.counted;

-- name: move
-- Everything up to a position is counted, in days of a zone.
UPDATE consents.counted SET position = %(position)s, zone = %(zone)s;

-- name: clear
-- Forget all counts.
DELETE FROM consents.said;

-- name: count_said
-- Add what the positions of a slice say.
WITH record AS MATERIALIZED (
    SELECT (occurred_at AT TIME ZONE %(zone)s)::date AS day, purpose, coalesce(channel, '') AS channel, decision,
           convert_from(body, 'UTF8')::jsonb AS body
    FROM ledger.entered
    WHERE position > %(after)s AND position <= %(upto)s AND subject IS NOT NULL AND decision <> 'erased'
)
INSERT INTO consents.said AS said (day, purpose, channel, decision, language, route, notice_version, count)
SELECT day, purpose, channel, decision, coalesce(body ->> 'language', ''), coalesce(body ->> 'route', ''),
       coalesce(body #>> '{notice,version}', ''), count(*)
FROM record GROUP BY 1, 2, 3, 4, 5, 6, 7
ON CONFLICT (day, purpose, channel, decision, language, route, notice_version)
DO UPDATE SET count = said.count + excluded.count;

-- name: count_regret
-- Add to each yes that a no of the slice took back within 7 days, unless an earlier slice did; a no
-- without a channel takes back the channels too.
WITH taken AS MATERIALIZED (
    SELECT position, subject, purpose, channel, occurred_at FROM ledger.entered
    WHERE position > %(after)s AND position <= %(upto)s AND decision IN ('refused', 'withdrawn', 'objected')
), yes AS MATERIALIZED (
    SELECT DISTINCT given.position
    FROM taken JOIN ledger.entered AS given ON given.subject = taken.subject AND given.position < taken.position
    WHERE given.decision = 'given' AND given.purpose = taken.purpose
      AND (taken.channel IS NULL OR given.channel = taken.channel)
      AND taken.occurred_at >= given.occurred_at AND taken.occurred_at < given.occurred_at + interval '7 days'
), regretted AS (
    SELECT (given.occurred_at AT TIME ZONE %(zone)s)::date AS day, given.purpose,
           coalesce(given.channel, '') AS channel, convert_from(given.body, 'UTF8')::jsonb AS body
    FROM yes JOIN ledger.entered AS given USING (position)
    WHERE NOT EXISTS (
        SELECT FROM ledger.entered AS earlier
        WHERE earlier.subject = given.subject AND earlier.position > given.position AND earlier.position <= %(after)s
          AND earlier.decision IN ('refused', 'withdrawn', 'objected') AND earlier.purpose = given.purpose
          AND (earlier.channel IS NULL OR earlier.channel = given.channel)
          AND earlier.occurred_at >= given.occurred_at
          AND earlier.occurred_at < given.occurred_at + interval '7 days')
), summed AS (
    SELECT day, purpose, channel, coalesce(body ->> 'language', '') AS language, coalesce(body ->> 'route', '') AS route,
           coalesce(body #>> '{notice,version}', '') AS notice_version, count(*) AS regretted
    FROM regretted GROUP BY 1, 2, 3, 4, 5, 6
)
UPDATE consents.said AS said SET regretted = said.regretted + summed.regretted
FROM summed
WHERE said.day = summed.day AND said.purpose = summed.purpose AND said.channel = summed.channel
  AND said.decision = 'given' AND said.language = summed.language AND said.route = summed.route
  AND said.notice_version = summed.notice_version;

-- name: everything
-- All counts, to be compared with a new counting.
SELECT day, purpose, channel, decision, language, route, notice_version, count, regretted FROM consents.said;

-- name: said
-- How many said what in a period, by everything but the day.
SELECT purpose, channel, decision, language, route, notice_version, sum(count)::bigint, sum(regretted)::bigint
FROM consents.said WHERE day >= %(since)s AND day < %(until)s
GROUP BY purpose, channel, decision, language, route, notice_version
ORDER BY purpose, channel, decision, language, route, notice_version;

-- name: over_time
-- How many said what of each purpose and channel, by weeks or months (`step`) of a period.
SELECT date_trunc(%(step)s, day::timestamp)::date, purpose, channel, decision, sum(count)::bigint, sum(regretted)::bigint
FROM consents.said WHERE day >= %(since)s AND day < %(until)s
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
