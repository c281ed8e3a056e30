-- name: used
-- Delete messages of an activity that ended before an instant.
DELETE FROM delivery.message WHERE id IN (
    SELECT id FROM delivery.message
    WHERE activity = %(activity)s AND changed_at < %(before)s AND state NOT IN ('planned', 'sending', 'deferred')
    LIMIT %(limit)s);

-- name: withdrawn
-- Delete messages of an activity whose person closed a purpose of it before an instant, and has not given it again.
DELETE FROM delivery.message WHERE id IN (
    SELECT message.id FROM consents.current AS said JOIN delivery.message USING (number)
    WHERE said.purpose = ANY(%(purposes)s::text[]) AND said.channel = ''
      AND said.decision IN ('refused', 'withdrawn', 'objected') AND said.recorded_at < %(before)s
      AND message.activity = %(activity)s AND message.changed_at < %(before)s
      AND message.state NOT IN ('planned', 'sending', 'deferred')
    LIMIT %(limit)s);
