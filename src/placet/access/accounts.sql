-- name: credentials_by_login
-- What a local account is checked against.
SELECT id, password, totp, totp_step FROM access.member
WHERE login = %(login)s AND source = 'local' AND disabled_at IS NULL;

-- name: credentials
-- As credentials_by_login, by id.
SELECT id, password, totp, totp_step FROM access.member
WHERE id = %(id)s AND source = 'local' AND disabled_at IS NULL;

-- name: set_password
-- A member has another password, or the same under newer parameters; null: none.
UPDATE access.member SET password = %(password)s WHERE id = %(id)s;

-- name: set_factor
-- A member has another second factor; null: none. Its first code is used already.
UPDATE access.member SET totp = %(totp)s, totp_step = %(step)s WHERE id = %(id)s;

-- name: use_step
-- A time step counts once, also for two sign-ins at once.
UPDATE access.member SET totp_step = %(step)s WHERE id = %(id)s AND totp_step < %(step)s RETURNING id;

-- name: add_recovery_code
-- A code for who lost the second factor.
INSERT INTO access.recovery_code (hash, member) VALUES (%(hash)s, %(member)s);

-- name: use_recovery_code
-- It is used once.
DELETE FROM access.recovery_code WHERE hash = %(hash)s AND member = %(member)s RETURNING hash;

-- name: count_recovery_codes
-- How many are left.
SELECT count(*) FROM access.recovery_code WHERE member = %(member)s;

-- name: drop_recovery_codes
-- Earlier ones no longer work.
DELETE FROM access.recovery_code WHERE member = %(member)s;

-- name: add_invitation
-- A link that sets password and second factor, once.
INSERT INTO access.invitation (hash, member, created_at, expires_at)
VALUES (%(hash)s, %(member)s, %(now)s, %(expires_at)s);

-- name: invitation
-- Whom a link invites, while it may be used and they may sign in.
SELECT invitation.member FROM access.invitation JOIN access.member ON member.id = invitation.member
WHERE invitation.hash = %(hash)s AND invitation.expires_at > %(now)s AND invitation.created_at <= %(latest)s
  AND member.disabled_at IS NULL AND member.source = 'local';

-- name: drop_invitations
-- A member's earlier links no longer work.
DELETE FROM access.invitation WHERE member = %(member)s;

-- name: use_invitation
-- A link is used once, also by two who hold it.
DELETE FROM access.invitation WHERE hash = %(hash)s AND member = %(member)s AND expires_at > %(now)s RETURNING member;

-- name: sweep_invitations
-- Delete links that can no longer be used.
DELETE FROM access.invitation WHERE expires_at <= %(now)s;
