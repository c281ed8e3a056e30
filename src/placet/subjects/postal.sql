-- name: set_address
-- Where a person's post goes from now on.
INSERT INTO subjects.address (number, sealed, since) VALUES (%(number)s, %(sealed)s, %(now)s)
ON CONFLICT (number) DO UPDATE SET sealed = excluded.sealed, since = excluded.since;

-- name: drop_addresses
-- Post goes nowhere any more.
DELETE FROM subjects.address WHERE number = ANY (%(numbers)s);

-- name: addresses
-- Where the post of many persons goes, sealed, with the key that opens it.
SELECT person.id, person.wrapped_key, address.sealed, address.since
FROM subjects.address JOIN subjects.person USING (number)
WHERE person.id = ANY (%(ids)s::uuid[]) AND person.wrapped_key IS NOT NULL;

-- name: move_address
-- What a merged identity knew, the one that goes on learns, unless it knows better.
INSERT INTO subjects.address (number, sealed, since) VALUES (%(to)s, %(sealed)s, %(since)s) ON CONFLICT DO NOTHING;
