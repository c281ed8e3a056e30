-- name: put
-- Put a text into a person's inbox, once; nothing if its message was erased meanwhile.
INSERT INTO delivery.inbox (message, number, sealed, put_at)
SELECT message.id, person.number, %(sealed)s, %(now)s
FROM delivery.message JOIN subjects.current AS person ON person.id = %(subject)s AND person.erased_at IS NULL
WHERE message.id = %(message)s FOR KEY SHARE OF message
ON CONFLICT (message) DO NOTHING;

-- name: there
-- Which of these messages lie in an inbox.
SELECT message FROM delivery.inbox WHERE message = ANY(%(messages)s::uuid[]);

-- name: lying
-- What lies in a person's inbox, under every identity of theirs, newest first, or one of it; `id` and `wrapped_key` open
-- it.
SELECT inbox.message, owner.id, owner.wrapped_key, inbox.sealed, inbox.put_at, inbox.read_at, message.kind, message.topic,
       message.template
FROM delivery.inbox
JOIN subjects.current AS owner USING (number)
JOIN delivery.message ON message.id = inbox.message
WHERE (owner.id = %(subject)s OR owner.merged_into = %(subject)s) AND owner.wrapped_key IS NOT NULL
  AND (%(before)s::uuid IS NULL OR (inbox.put_at, inbox.message) < (
      SELECT earlier.put_at, earlier.message FROM delivery.inbox AS earlier WHERE earlier.message = %(before)s))
  AND (%(message)s::uuid IS NULL OR inbox.message = %(message)s)
ORDER BY inbox.put_at DESC, inbox.message DESC LIMIT %(limit)s;

-- name: unread
-- How many of them the person has not read.
SELECT count(*) FROM delivery.inbox JOIN subjects.current AS owner USING (number)
WHERE (owner.id = %(subject)s OR owner.merged_into = %(subject)s) AND inbox.read_at IS NULL;

-- name: read
-- The person has read it; the first time counts. Returns whether it is theirs.
UPDATE delivery.inbox SET read_at = coalesce(inbox.read_at, %(now)s)
FROM subjects.current AS owner
WHERE inbox.message = %(message)s AND owner.number = inbox.number
  AND (owner.id = %(subject)s OR owner.merged_into = %(subject)s)
RETURNING inbox.message;
