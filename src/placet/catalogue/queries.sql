-- name: lock_publishing
-- One publication at a time, from before the comparison with what is in force until commit.
SELECT pg_advisory_xact_lock(hashtextextended('placet/catalogue', 0));

-- name: current_document
-- The catalogue in force.
SELECT document FROM catalogue.edition ORDER BY position DESC LIMIT 1;

-- name: document_at
-- The catalogue that was in force at a position of the ledger.
SELECT document FROM catalogue.edition WHERE position <= %(position)s ORDER BY position DESC LIMIT 1;

-- name: editions
-- Every catalogue that was ever published.
SELECT position, document FROM catalogue.edition ORDER BY position;

-- name: listing
-- Every edition, the newest first, without its document.
SELECT position, catalogue, major, minor, digest, published_at FROM catalogue.edition ORDER BY position DESC;

-- name: edition
-- The catalogue that was published at one position.
SELECT document FROM catalogue.edition WHERE position = %(position)s;

-- name: by_digest
-- The newest edition of a digest.
SELECT document FROM catalogue.edition WHERE digest = %(digest)s ORDER BY position DESC LIMIT 1;

-- name: latest_position
-- Where the catalogue in force stands in the ledger.
SELECT position FROM catalogue.edition ORDER BY position DESC LIMIT 1;

-- name: insert_edition
-- Keep a published catalogue under its ledger position.
INSERT INTO catalogue.edition (position, catalogue, major, minor, digest, document, published_at)
VALUES (%(position)s, %(catalogue)s, %(major)s, %(minor)s, %(digest)s, %(document)s, %(published_at)s);

-- name: insert_notices
-- The notice versions of an edition.
INSERT INTO catalogue.notice (position, purpose, major, minor)
SELECT %(position)s, purpose, major, minor
FROM json_to_recordset(%(notices)s::json) AS notice (purpose text, major int, minor int);

-- name: insert_activities
-- The activities of an edition.
INSERT INTO catalogue.activity (position, activity, channel, legal_basis, needs_none)
SELECT %(position)s, activity, channel, legal_basis, needs_none
FROM json_to_recordset(%(activities)s::json)
    AS activity (activity text, channel text, legal_basis text, needs_none boolean);

-- name: insert_needs
-- What each activity of an edition needs.
INSERT INTO catalogue.need (position, activity, purpose, channel)
SELECT %(position)s, activity, purpose, channel
FROM json_to_recordset(%(needs)s::json) AS need (activity text, purpose text, channel text);

-- name: last_majors
-- The highest major version that each purpose ever had, so that none comes back under an old number.
SELECT purpose, max(major) FROM catalogue.notice GROUP BY purpose;

-- name: remember_shown
-- Keep a text that was shown, once.
INSERT INTO catalogue.shown (sha256, document, purpose, major, minor, language, route, first_shown_at)
VALUES (%(sha256)s, %(document)s, %(purpose)s, %(major)s, %(minor)s, %(language)s, %(route)s, %(first_shown_at)s)
ON CONFLICT (sha256) DO NOTHING;

-- name: shown
-- A text that was shown, by its hash.
SELECT sha256, document, purpose, major, minor, language, route, first_shown_at
FROM catalogue.shown WHERE sha256 = %(sha256)s;

-- name: shown_texts
-- The texts of a purpose, route and language that were shown in one major version, the newest first.
SELECT sha256, document, purpose, major, minor, language, route, first_shown_at
FROM catalogue.shown
WHERE purpose = %(purpose)s AND route = %(route)s AND language = %(language)s AND major = %(major)s
ORDER BY first_shown_at DESC LIMIT 20;
