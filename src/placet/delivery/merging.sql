-- name: inherit_mutes
-- What the identity that is gone did not want, the one that goes on does not want either; of two pauses the longer.
INSERT INTO delivery.muted (number, kind, topic, channel, since, until)
SELECT %(to)s, kind, topic, channel, since, until FROM delivery.muted WHERE number = %(gone)s
ON CONFLICT (number, kind, topic, channel) DO UPDATE SET
    until = CASE WHEN muted.until IS NULL OR excluded.until IS NULL THEN NULL ELSE greatest(muted.until, excluded.until) END;

-- name: inherit_slowness
-- Whoever wanted fewer messages under one identity wants fewer.
INSERT INTO delivery.slowed (number, kind, since)
SELECT %(to)s, kind, since FROM delivery.slowed WHERE number = %(gone)s ON CONFLICT DO NOTHING;

-- name: refuse_twins
-- Of two messages with one key the one that waits is not sent: where both wait, that of the identity that is gone.
UPDATE delivery.message AS message SET state = 'refused', reason = 'twice', sealed = NULL, changed_at = %(now)s
FROM delivery.message AS twin
WHERE message.number IN (%(to)s, %(gone)s) AND twin.number IN (%(to)s, %(gone)s) AND twin.number <> message.number
  AND twin.key = message.key AND message.state IN ('planned', 'deferred') AND twin.state <> 'refused'
  AND (message.number = %(gone)s OR twin.state NOT IN ('planned', 'deferred'));
