-- name: by_reference
-- A message by the reference of its last attempt.
SELECT id, channel, address FROM delivery.message WHERE reference = %(reference)s;

-- name: complain
-- A message that its reader called unwanted, once.
INSERT INTO delivery.complaint (message, at) VALUES (%(message)s, %(now)s) ON CONFLICT DO NOTHING;

-- name: worn_out
-- Where a message went, if mail to there came back on several days for a reason that does not last.
SELECT message.channel, message.address FROM delivery.message
JOIN delivery.message AS failed ON failed.address = message.address AND failed.channel = message.channel
WHERE message.reference = %(reference)s AND failed.changed_at > %(since)s
  AND failed.state = 'failed' AND failed.reason IN ('mailbox-full', 'not-reached-in-time')
GROUP BY message.channel, message.address
HAVING count(DISTINCT (failed.changed_at AT TIME ZONE 'UTC')::date) >= %(most)s;

-- name: count_returned
-- One mail more that came back, of a kind, on a day (UTC).
INSERT INTO delivery.returned (day, what, count) VALUES ((%(now)s::timestamptz AT TIME ZONE 'UTC')::date, %(what)s, 1)
ON CONFLICT (day, what) DO UPDATE SET count = returned.count + 1;

-- name: messages_by_state
-- How many messages of each channel are in each state, and how many of those are unknown and looked for.
SELECT channel, state, count(*), count(*) FILTER (WHERE state = 'unknown' AND closed_at IS NULL)
FROM delivery.message GROUP BY channel, state ORDER BY channel, state;

-- name: suppressed_by_reason
-- How many addresses of each channel are not written to, and why.
SELECT channel, why, count(*) FROM delivery.suppressed GROUP BY channel, why ORDER BY channel, why;

-- name: returned_since
-- How many mails of each kind came back since a day.
SELECT what, sum(count) FROM delivery.returned
WHERE day >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date GROUP BY what ORDER BY what;

-- name: mails_since
-- How many mails started since an instant, service aside.
SELECT count(*) FROM delivery.message
WHERE channel = 'email' AND kind <> 'service' AND started_at >= %(since)s;
