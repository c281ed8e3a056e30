-- name: planned
-- The name that a window and plan have already, and who gave it.
SELECT release, opened_by FROM mobility.planned WHERE name = %(name)s AND plan = %(plan)s;

-- name: names
-- The names of all releases of a window, made or not.
SELECT release FROM mobility.planned WHERE name = %(name)s;

-- name: plan
-- Give a release its name; nothing when somebody did so at the same moment.
INSERT INTO mobility.planned (release, name, first, until, plan, opened_by, opened_at)
VALUES (%(release)s, %(name)s, %(first)s, %(until)s, %(plan)s, %(by)s, %(now)s)
ON CONFLICT DO NOTHING;

-- name: add
-- A release that was made.
INSERT INTO mobility.release (id, made_at, products, population, atlas, sha256, position, audience)
VALUES (%(id)s, %(made_at)s, %(products)s, %(population)s, %(atlas)s, %(sha256)s, %(position)s, %(audience)s);

-- name: one
-- A release by its id.
SELECT release.id, planned.name, planned.first, planned.until, release.made_at, planned.opened_by, release.products,
       release.population, release.atlas, release.sha256, release.position,
       published.at, published.by, withdrawn.at, withdrawn.notice
FROM mobility.release
JOIN mobility.planned ON planned.release = release.id
LEFT JOIN mobility.release_step AS published ON published.release = release.id AND published.what = 'published'
LEFT JOIN mobility.release_step AS withdrawn ON withdrawn.release = release.id AND withdrawn.what = 'withdrawn'
WHERE release.id = %(id)s;

-- name: listing
-- Releases, the newest first; of the public ones only those that are public now.
SELECT release.id, planned.name, planned.first, planned.until, release.made_at, planned.opened_by, release.products,
       release.population, release.atlas, release.sha256, release.position,
       published.at, published.by, withdrawn.at, withdrawn.notice
FROM mobility.release
JOIN mobility.planned ON planned.release = release.id
LEFT JOIN mobility.release_step AS published ON published.release = release.id AND published.what = 'published'
LEFT JOIN mobility.release_step AS withdrawn ON withdrawn.release = release.id AND withdrawn.what = 'withdrawn'
WHERE (NOT %(public)s OR (published.at IS NOT NULL AND withdrawn.at IS NULL))
  AND (%(before)s::text IS NULL OR (release.made_at, release.id)
       < (SELECT made_at, id FROM mobility.release WHERE id = %(before)s))
ORDER BY release.made_at DESC, release.id DESC LIMIT %(limit)s;

-- name: lock
-- Let one step after the other happen to a release; append-only rows cannot be locked themselves.
SELECT pg_advisory_xact_lock(hashtextextended('mobility.release ' || %(id)s::text, 0));

-- name: step
-- What became of a release.
INSERT INTO mobility.release_step (release, what, by, at, notice)
VALUES (%(id)s, %(what)s, %(by)s, %(now)s, %(notice)s);
