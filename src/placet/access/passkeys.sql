-- name: add_passkey
-- A customer has one more passkey.
INSERT INTO access.passkey
    (id, credential, subject, public_key, counter, transports, syncable, backed_up, name, created_at)
VALUES (%(id)s, %(credential)s, %(subject)s, %(public_key)s, %(counter)s, %(transports)s, %(syncable)s, %(backed_up)s,
    %(name)s, %(now)s)
ON CONFLICT (credential) DO NOTHING RETURNING id;

-- name: passkeys_of
-- A customer's passkeys, the oldest first.
SELECT id, credential, transports, syncable, backed_up, name, created_at, used_at FROM access.passkey
WHERE subject = %(subject)s ORDER BY created_at, id;

-- name: passkey_by_credential
-- Whose passkey this is; locked, since its counter goes up with each use.
SELECT id, subject, public_key, counter, syncable FROM access.passkey WHERE credential = %(credential)s FOR UPDATE;

-- name: use_passkey
-- It signed in.
UPDATE access.passkey SET counter = %(counter)s, backed_up = %(backed_up)s, used_at = %(now)s WHERE id = %(id)s;

-- name: rename_passkey
-- Its customer calls it something else; nobody else's.
UPDATE access.passkey SET name = %(name)s WHERE id = %(id)s AND subject = %(subject)s RETURNING id;

-- name: remove_passkey
-- It signs in no longer; nobody else's.
DELETE FROM access.passkey WHERE id = %(id)s AND subject = %(subject)s RETURNING id;

-- name: forget_passkeys_of
-- Every passkey of a person.
DELETE FROM access.passkey WHERE subject = %(subject)s;
