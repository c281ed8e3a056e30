-- name: withdraw
-- What a person has withdrawn is not sent: what is planned under a purpose, through one channel or all.
UPDATE delivery.message SET state = 'refused', reason = 'withdrawn', sealed = NULL, changed_at = %(now)s
WHERE number = %(number)s AND state IN ('planned', 'deferred') AND split_part(activity, '.', 1) = %(purpose)s
  AND (%(channel)s::text IS NULL OR channel = %(channel)s);

-- name: on_the_wire
-- Whether something of a person is being sent under a purpose at this moment.
SELECT 1 FROM delivery.message
WHERE number = %(number)s AND state = 'sending' AND split_part(activity, '.', 1) = %(purpose)s
  AND (%(channel)s::text IS NULL OR channel = %(channel)s)
LIMIT 1;

-- name: erase
-- Nothing stays of what a person was sent and not sent under a purpose.
DELETE FROM delivery.message WHERE number = %(number)s AND split_part(activity, '.', 1) = %(purpose)s;

-- name: arrived
-- The newest messages of a kind that reached a person.
SELECT topic, started_at FROM delivery.message
WHERE number = %(number)s AND kind = %(kind)s AND state IN ('sent', 'delivered')
ORDER BY started_at DESC LIMIT %(limit)s;
