-- name: add_read
-- A member of staff looked at what they may see only for a reason.
INSERT INTO access.read_log (at, member, role, shop, what, subject)
SELECT %(now)s, id, %(role)s::text, shop, %(what)s, %(subject)s FROM access.member WHERE id = %(member)s
RETURNING id;

-- name: add_reason
-- Why, in the member's own words.
INSERT INTO access.read_reason (read, reason) VALUES (%(read)s, %(reason)s);

-- name: reads_of_subject
-- Who looked at a person's record, newest first.
SELECT log.id, log.at, log.member, member.name, log.role, log.shop, log.what, coalesce(given.reason, ''), log.subject
FROM access.read_log AS log JOIN access.member ON member.id = log.member
LEFT JOIN access.read_reason AS given ON given.read = log.id
WHERE log.subject = %(subject)s AND log.id < %(before)s
ORDER BY log.id DESC LIMIT %(limit)s;

-- name: reads
-- Every privileged read, newest first; of one member, or of all.
SELECT log.id, log.at, log.member, member.name, log.role, log.shop, log.what, coalesce(given.reason, ''), log.subject
FROM access.read_log AS log JOIN access.member ON member.id = log.member
LEFT JOIN access.read_reason AS given ON given.read = log.id
WHERE (%(member)s::uuid IS NULL OR log.member = %(member)s) AND log.id < %(before)s
ORDER BY log.id DESC LIMIT %(limit)s;

-- name: forget_reasons
-- The words about an erased person; that somebody looked, and when, stays.
DELETE FROM access.read_reason WHERE read IN (SELECT id FROM access.read_log WHERE subject = %(subject)s);
