-- name: lock_audited
-- Up to which use was audited, unless another process audits just now.
SELECT use, at FROM gate.audited FOR UPDATE SKIP LOCKED;

-- name: wait_audited
-- As `lock_audited`, but wait for the one who audits now.
SELECT use, at FROM gate.audited FOR UPDATE;

-- name: audited
-- What the audit has found so far.
SELECT uses, at, (SELECT count(*) FROM gate.audit_finding) FROM gate.audited;

-- name: findings
-- Uses without a valid permit, the newest first.
SELECT use, activity, at, why FROM gate.audit_finding ORDER BY use DESC LIMIT %(limit)s;

-- name: uses_after
-- The uses after one, in order (columns as in `uses.sql`).
SELECT id, activity, channel, subject, audience, permit, epoch, position, at, outcome
FROM gate.use WHERE id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: late_uses
-- Uses whose ids were passed over, with the gap they stand in (columns as in `uses.sql`).
SELECT gap.first, gap.last, gap.since, use.id, activity, channel, subject, audience, permit, epoch, position, at, outcome
FROM gate.audit_gap AS gap JOIN gate.use AS use ON use.id BETWEEN gap.first AND gap.last
ORDER BY use.id LIMIT %(limit)s;

-- name: drop_gap
-- A gap that was filled, in part at least.
DELETE FROM gate.audit_gap WHERE first = %(first)s;

-- name: drop_gaps
-- Gaps that nobody will fill any more.
DELETE FROM gate.audit_gap WHERE since < %(before)s;

-- name: keep_gap
-- Ids that were passed over.
INSERT INTO gate.audit_gap (first, last, since) VALUES (%(first)s, %(last)s, %(since)s);

-- name: move
-- All uses up to one are audited.
UPDATE gate.audited SET use = %(use)s, uses = uses + %(uses)s, at = %(at)s;

-- name: set
-- All uses were audited again.
UPDATE gate.audited SET uses = %(uses)s, at = %(at)s;

-- name: known_audiences
-- What audiences were found to be.
SELECT audience, why FROM gate.audited_audience WHERE audience = ANY(%(audiences)s::uuid[]);

-- name: keep_audience
-- What an audience was found to be: it never changes, so it is replayed once.
INSERT INTO gate.audited_audience (audience, why) VALUES (%(audience)s, %(why)s) ON CONFLICT DO NOTHING;

-- name: keep_finding
-- A use without a valid permit.
INSERT INTO gate.audit_finding (use, activity, at, why) VALUES (%(use)s, %(activity)s, %(at)s, %(why)s)
ON CONFLICT DO NOTHING;

-- name: forget_findings
-- Before all uses are audited again.
WITH findings AS (DELETE FROM gate.audit_finding)
DELETE FROM gate.audited_audience;
