-- name: add_draft
-- A catalogue that somebody proposes.
INSERT INTO catalogue.draft (id, digest, document, base, why, proposed_by, proposed_at)
VALUES (%(id)s, %(digest)s, %(document)s, %(base)s, %(why)s, %(proposed_by)s, %(proposed_at)s);

-- name: add_step
-- What became of a draft.
INSERT INTO catalogue.draft_step (draft, step, what, by, reason, base, position, at)
SELECT %(draft)s, coalesce(max(step), 0) + 1, %(what)s, %(by)s, %(reason)s, %(base)s, %(position)s, %(at)s
FROM catalogue.draft_step WHERE draft = %(draft)s;

-- name: draft
-- One draft.
SELECT id, digest, document, base, why, proposed_by, proposed_at FROM catalogue.draft WHERE id = %(id)s;

-- name: drafts
-- The newest drafts.
SELECT id, digest, document, base, why, proposed_by, proposed_at FROM catalogue.draft
ORDER BY proposed_at DESC, id LIMIT %(limit)s;

-- name: steps
-- What became of some drafts, in order.
SELECT draft, what, by, reason, base, position, at FROM catalogue.draft_step
WHERE draft = ANY(%(drafts)s::uuid[]) ORDER BY draft, step;
