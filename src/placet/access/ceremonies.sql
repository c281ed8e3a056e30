-- name: begin_ceremony
-- Something has begun that is finished elsewhere.
INSERT INTO access.ceremony (hash, kind, content, begun_at, expires_at)
VALUES (%(hash)s, %(kind)s, %(content)s, %(now)s, %(expires_at)s);

-- name: ceremony
-- What was begun, while it may be finished.
SELECT content FROM access.ceremony
WHERE hash = %(hash)s AND kind = %(kind)s AND expires_at > %(now)s AND begun_at <= %(latest)s;

-- name: try_ceremony
-- Count one attempt to finish; parallel attempts queue at the row.
UPDATE access.ceremony SET attempts = attempts + 1
WHERE hash = %(hash)s AND kind = %(kind)s AND expires_at > %(now)s AND begun_at <= %(latest)s AND attempts < %(most)s
RETURNING content;

-- name: end_ceremony
-- It is finished, once.
DELETE FROM access.ceremony WHERE hash = %(hash)s AND kind = %(kind)s AND expires_at > %(now)s AND begun_at <= %(latest)s
RETURNING content;

-- name: sweep_ceremonies
-- Delete what was never finished.
DELETE FROM access.ceremony WHERE expires_at <= %(now)s;
