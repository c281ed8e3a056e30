-- name: belonging
-- Whose a message is today, and what it was sent for; of the erased nothing is left.
SELECT person.id, person.number, message.kind, message.activity, message.channel, message.topic, message.language,
       coalesce(message.started_at, message.planned_at)
FROM delivery.message JOIN subjects.current AS named USING (number)
JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
WHERE message.id = %(id)s AND person.erased_at IS NULL;

-- name: stopped_lately
-- How many topics a person has stopped on a channel since an instant.
SELECT count(*) FROM delivery.muted
WHERE number = %(number)s AND channel = %(channel)s AND topic <> '' AND since > %(since)s;
