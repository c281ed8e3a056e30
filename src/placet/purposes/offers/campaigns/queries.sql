-- name: add
-- A new campaign.
INSERT INTO offers.campaign (id, name, kind, topic, body, holdout, starts_at, ends_at, state, written_by, created_at,
                             changed_at)
VALUES (%(id)s, %(name)s, %(kind)s, %(topic)s, %(body)s, %(holdout)s, %(starts_at)s, %(ends_at)s, 'draft', %(by)s,
        %(now)s, %(now)s);

-- name: one
-- A campaign by its id.
SELECT id, body, state, version, reason, written_by, submitted_by, approved_by, created_at, changed_at
FROM offers.campaign WHERE id = %(id)s;

-- name: locked
-- A campaign by its id, locked.
SELECT id, body, state, version, reason, written_by, submitted_by, approved_by, created_at, changed_at
FROM offers.campaign WHERE id = %(id)s FOR UPDATE;

-- name: listing
-- Campaigns, the newest first, of one state or of all.
SELECT id, body, state, version, reason, written_by, submitted_by, approved_by, created_at, changed_at
FROM offers.campaign
WHERE (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(before)s::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM offers.campaign WHERE id = %(before)s))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s;

-- name: due
-- Campaigns that may have to start, to end or to stop.
SELECT id, body, state, version, reason, written_by, submitted_by, approved_by, created_at, changed_at
FROM offers.campaign WHERE state IN ('approved', 'running', 'paused') ORDER BY id;

-- name: hold
-- A campaign by its id, locked, unless another worker has it.
SELECT id, body, state, version, reason, written_by, submitted_by, approved_by, created_at, changed_at
FROM offers.campaign WHERE id = %(id)s FOR UPDATE SKIP LOCKED;

-- name: running_smart
-- The smart campaigns that run, locked: one worker at a time lets them compete.
SELECT id, body, state, version, reason, written_by, submitted_by, approved_by, created_at, changed_at
FROM offers.campaign WHERE state = 'running' AND kind = 'smart' ORDER BY id FOR UPDATE;

-- name: rewrite
-- What a draft says now.
UPDATE offers.campaign SET name = %(name)s, kind = %(kind)s, topic = %(topic)s, body = %(body)s, holdout = %(holdout)s,
    starts_at = %(starts_at)s, ends_at = %(ends_at)s, written_by = %(by)s
WHERE id = %(id)s;

-- name: step
-- Where a campaign stands now.
UPDATE offers.campaign SET state = %(state)s, version = version + 1, reason = %(reason)s, submitted_by = %(submitted_by)s,
    approved_by = %(approved_by)s, changed_at = %(now)s
WHERE id = %(id)s;

-- name: note
-- A change of a campaign, by whom.
INSERT INTO offers.campaign_change (campaign, version, what, by, at, reason)
VALUES (%(id)s, %(version)s, %(what)s, %(by)s, %(now)s, %(reason)s);

-- name: changes
-- Every change of a campaign, the newest first.
SELECT version, what, by, at, reason FROM offers.campaign_change WHERE campaign = %(id)s ORDER BY version DESC;

-- name: resumed_at
-- When a campaign was last let go on after a pause.
SELECT max(at) FROM offers.campaign_change WHERE campaign = %(id)s AND what = 'resumed';

-- name: brake
-- Why a change paused a campaign by itself.
INSERT INTO offers.campaign_brake (campaign, version, what, part, whole, at_most)
VALUES (%(id)s, %(version)s, %(what)s, %(part)s, %(whole)s, %(at_most)s);

-- name: last_brake
-- Why a campaign was last paused by itself.
SELECT what, part, whole, at_most FROM offers.campaign_brake WHERE campaign = %(id)s ORDER BY version DESC LIMIT 1;

-- name: select
-- Whom a campaign was planned for through a channel; again for those whom the learner picked later.
INSERT INTO offers.selection AS kept (campaign, channel, audience, excluded, planned, refused, held_out, at)
VALUES (%(campaign)s, %(channel)s, %(audience)s, %(excluded)s, %(planned)s, %(refused)s, %(held_out)s, %(now)s)
ON CONFLICT (campaign, channel) DO UPDATE SET
    planned = kept.planned + excluded.planned, refused = kept.refused + excluded.refused;

-- name: selections
-- Whom a campaign was planned for, by channel.
SELECT channel, audience, excluded, planned, refused, held_out, at FROM offers.selection
WHERE campaign = %(id)s ORDER BY at, channel;

-- name: living
-- The numbers (4 bytes each, big-endian) of all living persons.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM subjects.current
WHERE erased_at IS NULL AND merged_into IS NULL;

-- name: speaking
-- The numbers of living persons who want to be spoken to in one of these languages.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM subjects.current
WHERE language = ANY(%(values)s::text[]) AND erased_at IS NULL AND merged_into IS NULL;

-- name: standing
-- The numbers of those who stand to a phone line as one of these.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM (
    SELECT DISTINCT number FROM subjects.line_role_current WHERE role = ANY(%(values)s::text[])) AS found;

-- name: wishing
-- The numbers of those who said one of these things about a topic.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM offers.wish
WHERE topic = %(topic)s AND state = ANY(%(values)s::text[]);

-- name: said_since
-- The numbers of those who said something about a topic themselves since an instant.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM offers.wish
WHERE topic = %(topic)s AND state = %(state)s AND by = 'person' AND since >= %(since)s;

-- name: withdrawn_since
-- The numbers of those who have closed offers, or this channel of them, since an instant.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM (
    SELECT DISTINCT number FROM consents.current
    WHERE purpose = 'offers' AND channel IN ('', %(channel)s) AND decision IN ('withdrawn', 'objected', 'refused')
      AND recorded_at >= %(since)s) AS found;
