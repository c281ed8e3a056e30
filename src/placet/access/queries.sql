-- name: add_key
-- Record a key by the hash of its secret.
INSERT INTO access.api_key (id, client, hash, scopes, per_second, burst, created_at)
VALUES (%(id)s, %(client)s, %(hash)s, %(scopes)s, %(per_second)s, %(burst)s, %(now)s);

-- name: keys_not_revoked
-- Every key that may still open something; whether it has expired is asked at each use.
SELECT id, client, hash, scopes, per_second, burst, expires_at FROM access.api_key WHERE revoked_at IS NULL;

-- name: list_keys
-- Every key ever made, newest first; secrets are not here.
SELECT id, client, scopes, created_at, expires_at, revoked_at, last_used_on, rotated_to
FROM access.api_key ORDER BY created_at DESC, id;

-- name: lock_key
-- Lock a key that is about to be rotated.
SELECT client, scopes, per_second, burst, revoked_at, rotated_to FROM access.api_key WHERE id = %(id)s FOR UPDATE;

-- name: let_key_expire
-- The old key of a rotation works until its successor is everywhere.
UPDATE access.api_key SET expires_at = least(expires_at, %(expires_at)s), rotated_to = %(rotated_to)s WHERE id = %(id)s;

-- name: revoke_key
-- Close a key for good; the first revocation keeps its instant.
UPDATE access.api_key SET revoked_at = coalesce(revoked_at, %(now)s) WHERE id = %(id)s RETURNING id;

-- name: note_use
-- Remember on which day keys were last used.
UPDATE access.api_key SET last_used_on = %(day)s
WHERE id = ANY (%(ids)s) AND (last_used_on IS NULL OR last_used_on < %(day)s);

-- name: open_session
-- A customer has signed in.
INSERT INTO access.session (hash, subject, language, method, network, browser, opened_at, used_at)
VALUES (%(hash)s, %(subject)s, %(language)s, %(method)s, %(network)s, %(browser)s, %(now)s, %(now)s);

-- name: session
-- The session of a token's hash, if it was neither revoked nor left alone too long, nor used after now.
SELECT subject, language, epoch, position, opened_at, used_at FROM access.session
WHERE hash = %(hash)s AND revoked_at IS NULL AND used_at > %(idle_since)s AND opened_at > %(opened_since)s
  AND used_at <= %(latest)s;

-- name: sessions_of
-- A customer's sessions that can still be used, the latest first.
SELECT id, hash, method, network, browser, opened_at, used_at FROM access.session
WHERE subject = %(subject)s AND revoked_at IS NULL AND used_at > %(idle_since)s AND opened_at > %(opened_since)s
ORDER BY opened_at DESC, id;

-- name: revoke_session_by_id
-- One session of a customer ends; nobody else's.
UPDATE access.session SET revoked_at = %(now)s WHERE id = %(id)s AND subject = %(subject)s AND revoked_at IS NULL
RETURNING id;

-- name: revoke_other_sessions
-- Every session of a customer but the one that asks ends.
UPDATE access.session SET revoked_at = %(now)s
WHERE subject = %(subject)s AND hash <> %(hash)s AND revoked_at IS NULL;

-- name: touch_session
-- The session was used.
UPDATE access.session SET used_at = greatest(used_at, %(now)s) WHERE hash = %(hash)s;

-- name: remember_token
-- Keep the newest consistency token: the greater position, or whatever comes from a newer epoch.
UPDATE access.session
SET position = CASE WHEN epoch = %(epoch)s THEN greatest(position, %(position)s) ELSE %(position)s END, epoch = %(epoch)s
WHERE hash = %(hash)s;

-- name: set_session_language
-- The customer reads another language now.
UPDATE access.session SET language = %(language)s WHERE hash = %(hash)s;

-- name: revoke_session
-- Sign out.
UPDATE access.session SET revoked_at = %(now)s WHERE hash = %(hash)s AND revoked_at IS NULL;

-- name: revoke_sessions_of
-- Sign a customer out everywhere.
UPDATE access.session SET revoked_at = %(now)s WHERE subject = %(subject)s AND revoked_at IS NULL;

-- name: forget_sessions_of
-- Delete every session of an erased person.
DELETE FROM access.session WHERE subject = %(subject)s;

-- name: forget_challenges_of
-- Delete every code an erased person asked for.
DELETE FROM access.challenge WHERE subject = %(subject)s;

-- name: forget_challenges_for
-- Delete the codes that were asked for by contacts that nobody was known by.
DELETE FROM access.challenge WHERE contact = ANY (%(contacts)s) AND subject IS NULL;

-- name: sweep_sessions
-- Delete sessions that can never be used again.
DELETE FROM access.session WHERE opened_at <= %(opened_since)s OR used_at <= %(idle_since)s OR revoked_at IS NOT NULL;

-- name: take_turns
-- One request at a time for a contact and for an address, so that limits cannot be outrun. Locked in one order.
SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS key ORDER BY key;

-- name: recent_for_contact
-- How often codes for a contact were asked for lately, and when first.
SELECT count(*), min(requested_at) FROM access.challenge WHERE contact = %(who)s AND requested_at > %(since)s;

-- name: recent_for_address
-- How often codes were asked for from an address lately, and when first.
SELECT count(*), min(requested_at) FROM access.challenge WHERE address = %(who)s AND requested_at > %(since)s;

-- name: add_challenge
-- A code was asked for.
INSERT INTO access.challenge (id, contact, address, subject, code, requested_at, expires_at)
VALUES (%(id)s, %(contact)s, %(address)s, %(subject)s, %(code)s, %(now)s, %(expires_at)s);

-- name: try_challenge
-- Count one attempt at a code that can still be used; parallel attempts queue at the row.
UPDATE access.challenge SET attempts = attempts + 1
WHERE id = %(id)s AND used_at IS NULL AND attempts < %(most)s AND expires_at > %(now)s AND requested_at <= %(now)s
RETURNING code, subject;

-- name: use_challenge
-- A code fits once.
UPDATE access.challenge SET used_at = %(now)s WHERE id = %(id)s;

-- name: sweep_challenges
-- Delete what no limit looks at any more.
DELETE FROM access.challenge WHERE requested_at <= %(since)s;

-- name: add_demo_message
-- Demo mode: show instead of send.
INSERT INTO access.demo_outbox (challenge, contact, code, language, created_at)
VALUES (%(challenge)s, %(contact)s, %(code)s, %(language)s, %(now)s);

-- name: demo_messages
-- Demo mode: the codes shown on the page, newest first.
SELECT challenge, contact, code, language, created_at FROM access.demo_outbox
WHERE code IS NOT NULL ORDER BY created_at DESC, challenge LIMIT %(limit)s;
