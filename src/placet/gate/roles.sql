-- name: purposes
-- The purposes of the catalogue in force.
SELECT purpose FROM catalogue.current_notice ORDER BY purpose;

-- name: complete
-- The purposes whose role exists on this server, is granted to the program, and has its view in this database.
SELECT known.purpose
FROM gate.purpose_role AS known
JOIN pg_roles AS role ON role.rolname = known.role
JOIN pg_auth_members AS member ON member.roleid = role.oid
JOIN pg_roles AS app ON app.oid = member.member AND app.rolname = %(prefix)s || '_app'
WHERE to_regclass(format('gate.%%I', 'open_' || known.purpose)) IS NOT NULL;

-- name: remember
-- Note which role stands for a purpose.
INSERT INTO gate.purpose_role (purpose, role) VALUES (%(purpose)s, %(role)s) ON CONFLICT (purpose) DO NOTHING;

-- name: guarded
-- The tables behind the gate.
SELECT relation FROM gate.guarded ORDER BY relation;

-- name: guard
-- Bring a table's policies up to the roles there are.
SELECT gate.guard(%(relation)s::regclass);
