-- name: sessions_held
-- Every sign-in of a customer that is still kept, the latest first.
SELECT opened_at, used_at, revoked_at, method, network, browser, language FROM access.session
WHERE subject = %(subject)s ORDER BY opened_at DESC;

-- name: passkeys_held
-- Every passkey of a customer, in the order in which they were made.
SELECT name, created_at, used_at, syncable, backed_up FROM access.passkey WHERE subject = %(subject)s ORDER BY created_at;

-- name: codes_held
-- Every one-time code a customer asked for that is still kept, the latest first.
SELECT requested_at, used_at, attempts FROM access.challenge WHERE subject = %(subject)s ORDER BY requested_at DESC;
