-- name: against
-- Of messages with these keys that started since an instant: how many went where nobody is, how many were complained of.
SELECT (SELECT count(*) FROM delivery.message
        WHERE key = ANY(%(keys)s::text[]) AND state = 'failed' AND reason = 'no-such-mailbox'
          AND started_at >= %(since)s),
       (SELECT count(*) FROM delivery.complaint JOIN delivery.message ON message.id = complaint.message
        WHERE message.key = ANY(%(keys)s::text[]) AND message.started_at >= %(since)s);

-- name: tried
-- Of messages with these keys that started since an instant: how many were taken by the carrier, how many ended on the way.
SELECT count(*) FILTER (WHERE state IN ('sent', 'delivered')), count(*) FROM delivery.message
WHERE key = ANY(%(keys)s::text[]) AND state IN ('sent', 'delivered', 'failed') AND started_at >= %(since)s;
