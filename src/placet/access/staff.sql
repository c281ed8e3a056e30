-- name: add_member
-- Somebody begins to work here.
INSERT INTO access.member (id, login, name, roles, shop, source, issuer, external, created_at)
VALUES (%(id)s, %(login)s, %(name)s, %(roles)s, %(shop)s, %(source)s, %(issuer)s, %(external)s, %(now)s)
ON CONFLICT DO NOTHING RETURNING id;

-- name: member
-- A member by id.
SELECT id, login, name, roles, shop, source, disabled_at FROM access.member WHERE id = %(id)s;

-- name: member_by_login
-- A member by login.
SELECT id, login, name, roles, shop, source, disabled_at FROM access.member WHERE login = %(login)s;

-- name: member_by_external
-- A member by the name that an identity provider gives.
SELECT id, login, name, roles, shop, source, disabled_at FROM access.member
WHERE issuer = %(issuer)s AND external = %(external)s;

-- name: members
-- Everybody, by name.
SELECT id, login, name, roles, shop, source, disabled_at FROM access.member ORDER BY disabled_at IS NOT NULL, name, login;

-- name: lock_member
-- A member who is about to be changed.
SELECT id, login, name, roles, shop, source, disabled_at FROM access.member WHERE id = %(id)s FOR UPDATE;

-- name: lock_admins
-- Every administrator who can sign in, locked in one order: nobody may take the last one away.
SELECT id FROM access.member
WHERE 'admin' = ANY (roles) AND disabled_at IS NULL AND (source <> 'local' OR password IS NOT NULL)
ORDER BY id FOR UPDATE;

-- name: set_roles
-- A member may do something else from now on.
UPDATE access.member SET roles = %(roles)s WHERE id = %(id)s;

-- name: set_shop
-- A member works elsewhere from now on.
UPDATE access.member SET shop = %(shop)s WHERE id = %(id)s;

-- name: set_name
-- A member is called something else from now on.
UPDATE access.member SET name = %(name)s WHERE id = %(id)s;

-- name: set_disabled
-- A member signs in no longer (an instant), or again (null).
UPDATE access.member SET disabled_at = %(at)s WHERE id = %(id)s;

-- name: add_event
-- Something was done to an account.
INSERT INTO access.staff_event (at, member, by, kind, detail)
VALUES (%(now)s, %(member)s, %(by)s, %(kind)s, %(detail)s);

-- name: events
-- What was done to accounts, newest first; to one member, or to all.
SELECT event.id, event.at, event.member, member.name, event.by, actor.name, event.kind, event.detail
FROM access.staff_event AS event
JOIN access.member ON member.id = event.member
LEFT JOIN access.member AS actor ON actor.id = event.by
WHERE (%(member)s::uuid IS NULL OR event.member = %(member)s) AND event.id < %(before)s
ORDER BY event.id DESC LIMIT %(limit)s;

-- name: open_staff_session
-- A member has signed in.
INSERT INTO access.staff_session (hash, id, member, method, network, browser, opened_at, used_at)
VALUES (%(hash)s, %(id)s, %(member)s, %(method)s, %(network)s, %(browser)s, %(now)s, %(now)s);

-- name: staff_session
-- The session of a token's hash with its member, if it is open, in use and young, and the member is not disabled.
SELECT session.opened_at, session.used_at,
    member.id, member.login, member.name, member.roles, member.shop, member.source, member.disabled_at
FROM access.staff_session AS session JOIN access.member ON member.id = session.member
WHERE session.hash = %(hash)s AND session.ended_at IS NULL AND session.used_at > %(idle_since)s
  AND session.opened_at > %(opened_since)s AND session.used_at <= %(latest)s AND member.disabled_at IS NULL;

-- name: touch_staff_session
-- The session was used.
UPDATE access.staff_session SET used_at = greatest(used_at, %(now)s) WHERE hash = %(hash)s;

-- name: staff_sessions_of
-- A member's sessions that can still be used, the latest first.
SELECT id, hash, method, network, browser, opened_at, used_at FROM access.staff_session
WHERE member = %(member)s AND ended_at IS NULL AND used_at > %(idle_since)s AND opened_at > %(opened_since)s
ORDER BY opened_at DESC, id;

-- name: end_staff_session
-- One session of a member ends.
UPDATE access.staff_session SET ended_at = %(now)s WHERE id = %(id)s AND member = %(member)s AND ended_at IS NULL
RETURNING id;

-- name: end_staff_session_of_token
-- Sign out.
UPDATE access.staff_session SET ended_at = %(now)s WHERE hash = %(hash)s AND ended_at IS NULL;

-- name: end_staff_sessions_of
-- Every session of a member ends.
UPDATE access.staff_session SET ended_at = %(now)s WHERE member = %(member)s AND ended_at IS NULL;

-- name: sweep_staff_sessions
-- Delete sessions that can never be used again.
DELETE FROM access.staff_session
WHERE opened_at <= %(opened_since)s OR used_at <= %(idle_since)s OR ended_at IS NOT NULL;
