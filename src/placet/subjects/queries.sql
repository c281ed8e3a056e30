-- name: next_numbers
-- Take dense numbers for new persons; a number taken is never given again, even if the transaction fails.
SELECT nextval('subjects.numbering')::int FROM generate_series(1, %(count)s);

-- name: add_person
-- Record a person under a number that was taken.
INSERT INTO subjects.person (number, id, language, wrapped_key, name, birth_date, created_at)
VALUES (%(number)s, %(id)s, %(language)s, %(wrapped_key)s, %(name)s, %(birth_date)s, %(now)s);

-- name: copy_persons
-- Record many persons.
COPY subjects.person (number, id, language, wrapped_key, name, birth_date, created_at) FROM STDIN;

-- name: copy_contacts
-- Record the aliases of many persons; one that belongs to somebody else fails the whole copy.
COPY subjects.contact (number, kind, hash, sealed, valid_from) FROM STDIN;

-- name: add_contact
-- Give a person an alias, unless it is somebody's already.
INSERT INTO subjects.contact (number, kind, hash, sealed, valid_from)
VALUES (%(number)s, %(kind)s, %(hash)s, %(sealed)s, %(now)s)
ON CONFLICT (hash) WHERE valid_to IS NULL DO NOTHING
RETURNING number;

-- name: contact_owner
-- Whose an alias is at present.
SELECT number FROM subjects.contact WHERE hash = %(hash)s AND valid_to IS NULL;

-- name: end_contact
-- A person's alias is theirs no longer.
UPDATE subjects.contact SET valid_to = %(now)s
WHERE hash = %(hash)s AND number = %(number)s AND valid_to IS NULL AND valid_from < %(now)s
RETURNING number;

-- name: end_contact_of_line
-- A phone number leaves whoever had it, or only those named by their numbers.
UPDATE subjects.contact SET valid_to = greatest(%(at)s, valid_from + interval '1 microsecond')
WHERE hash = %(hash)s AND valid_to IS NULL AND (%(numbers)s::int[] IS NULL OR number = ANY (%(numbers)s::int[]));

-- name: by_alias
-- The living person to whom an alias belongs at present.
SELECT person.id, person.number, person.language, person.created_at, person.erased_at
FROM subjects.contact JOIN subjects.person USING (number)
WHERE contact.hash = %(hash)s AND contact.valid_to IS NULL AND person.erased_at IS NULL;

-- name: by_aliases
-- The same for many aliases at once.
SELECT contact.hash, person.id, person.number, person.language, person.created_at, person.erased_at
FROM subjects.contact JOIN subjects.person USING (number)
WHERE contact.hash = ANY (%(hashes)s::bytea[]) AND contact.valid_to IS NULL AND person.erased_at IS NULL;

-- name: by_id
-- The person with this id; an identity that was merged leads to the one that goes on, an erased one to its tombstone.
SELECT person.id, person.number, person.language, person.created_at, person.erased_at
FROM subjects.person AS named
JOIN subjects.person AS person
    ON person.id = CASE WHEN named.erased_at IS NULL THEN coalesce(named.merged_into, named.id) ELSE named.id END
WHERE named.id = %(id)s;

-- name: key
-- The key of a person, still wrapped.
SELECT wrapped_key FROM subjects.person WHERE id = %(id)s;

-- name: lock_persons
-- Lock persons before what they are is changed, in one order.
SELECT id, number, wrapped_key, name, birth_date, erased_at, merged_into FROM subjects.person
WHERE id = ANY (%(ids)s) ORDER BY number FOR UPDATE;

-- name: keys
-- The keys of many persons, still wrapped.
SELECT id, wrapped_key FROM subjects.person WHERE id = ANY (%(ids)s);

-- name: contacts
-- The aliases of a person, sealed, the present ones first.
SELECT contact.kind, contact.sealed, contact.valid_from, contact.valid_to
FROM subjects.contact JOIN subjects.person USING (number)
WHERE person.id = %(id)s ORDER BY contact.valid_to DESC NULLS FIRST, contact.kind, contact.valid_from;

-- name: newest
-- The newest present alias of one kind of each of many persons, sealed, with the key that opens it.
SELECT DISTINCT ON (person.id) person.id, person.wrapped_key, contact.sealed
FROM subjects.person JOIN subjects.contact USING (number)
WHERE person.id = ANY (%(ids)s::uuid[]) AND contact.kind = %(kind)s AND contact.valid_to IS NULL
  AND person.wrapped_key IS NOT NULL
ORDER BY person.id, contact.valid_from DESC, contact.hash;

-- name: profile
-- The sealed name and birth date of a person.
SELECT wrapped_key, name, birth_date FROM subjects.person WHERE id = %(id)s;

-- name: profiles
-- Persons by their numbers, with sealed name and birth date; neither the erased nor who was merged into another.
SELECT id, number, language, created_at, erased_at, wrapped_key, name, birth_date FROM subjects.person
WHERE number = ANY (%(numbers)s::int[]) AND erased_at IS NULL AND merged_into IS NULL ORDER BY number;

-- name: set_profile
-- Rectify name and birth date (GDPR 16).
UPDATE subjects.person SET name = %(name)s, birth_date = %(birth_date)s WHERE id = %(id)s AND erased_at IS NULL;

-- name: set_language
-- The language a person wants to be spoken to in.
UPDATE subjects.person SET language = %(language)s WHERE id = %(id)s AND erased_at IS NULL;

-- name: merged_with
-- This person and every identity that was merged into it, locked in one order.
SELECT id, number FROM subjects.person
WHERE (id = %(id)s OR merged_into = %(id)s) AND erased_at IS NULL ORDER BY number FOR UPDATE;

-- name: identities
-- This person and every identity that was ever merged into it, forgotten ones too: records stand under each.
SELECT id, number, wrapped_key FROM subjects.person WHERE id = %(id)s OR merged_into = %(id)s ORDER BY number;

-- name: forget_persons
-- Destroy the keys: what was sealed under them cannot be read again, whoever still holds a copy.
UPDATE subjects.person
SET wrapped_key = NULL, name = NULL, birth_date = NULL, language = 'und', erased_at = %(now)s
WHERE number = ANY (%(numbers)s);

-- name: forget_contacts
-- Delete every alias of erased persons.
DELETE FROM subjects.contact WHERE number = ANY (%(numbers)s);

-- name: forget_roles
-- Delete what erased persons were on any line.
DELETE FROM subjects.line_role WHERE number = ANY (%(numbers)s) RETURNING line;

-- name: forget_lines
-- Delete the lines that nobody stands to any more, with their events.
DELETE FROM subjects.line
WHERE id = ANY (%(lines)s) AND NOT EXISTS (SELECT FROM subjects.line_role WHERE line_role.line = line.id);

-- name: forget_mandates
-- Delete the mandates that erased persons gave or held.
DELETE FROM subjects.mandate WHERE number = ANY (%(numbers)s) OR representative = ANY (%(numbers)s);

-- name: move_contact
-- Give one alias of a merged identity to the one that goes on, sealed anew.
UPDATE subjects.contact SET number = %(to)s, sealed = %(sealed)s
WHERE number = %(number)s AND hash = %(hash)s AND valid_from = %(valid_from)s;

-- name: contact_rows
-- The aliases of one number, as they are stored.
SELECT kind, hash, sealed, valid_from FROM subjects.contact WHERE number = %(number)s;

-- name: role_rows
-- The roles of one number on lines, as they are stored.
SELECT line, role, sealed, valid_from FROM subjects.line_role WHERE number = %(number)s;

-- name: drop_twin_roles
-- Where both identities stand to a line as the same, one of the two is enough.
DELETE FROM subjects.line_role AS twin
WHERE twin.number = %(number)s AND twin.valid_to IS NULL AND EXISTS (
    SELECT FROM subjects.line_role AS kept
    WHERE kept.number = %(to)s AND kept.line = twin.line AND kept.role = twin.role AND kept.valid_to IS NULL);

-- name: move_role
-- Give one role of a merged identity to the one that goes on, sealed anew.
UPDATE subjects.line_role SET number = %(to)s, sealed = %(sealed)s
WHERE number = %(number)s AND line = %(line)s AND role = %(role)s AND valid_from = %(valid_from)s;

-- name: mandates_between
-- Whether one of two persons ever represented the other.
SELECT count(*) FROM subjects.mandate
WHERE (number = %(number)s AND representative = %(to)s) OR (number = %(to)s AND representative = %(number)s);

-- name: mandate_rows
-- The mandates over one number, with their sealed proofs.
SELECT id, proof FROM subjects.mandate WHERE number = %(number)s;

-- name: move_mandate
-- A mandate over a merged identity is one over the identity that goes on.
UPDATE subjects.mandate SET number = %(to)s, proof = %(proof)s WHERE id = %(id)s;

-- name: move_representative
-- What a merged identity represented, the one that goes on represents.
UPDATE subjects.mandate SET representative = %(to)s WHERE representative = %(number)s;

-- name: close_merged
-- Point a merged identity, and those merged into it before, to the one that goes on.
UPDATE subjects.person SET merged_into = %(survivor)s WHERE id = %(merged)s OR merged_into = %(merged)s;

-- name: drop_merged_profile
-- Name and birth date stand once, with the identity that goes on.
UPDATE subjects.person SET name = NULL, birth_date = NULL WHERE id = %(merged)s;

-- name: add_line
-- Open a line, unless one with this number is open.
INSERT INTO subjects.line (id, hash, valid_from) VALUES (%(id)s, %(hash)s, %(since)s)
ON CONFLICT (hash) WHERE valid_to IS NULL DO NOTHING
RETURNING id;

-- name: lock_line
-- The open line of a phone number, locked.
SELECT id, valid_from FROM subjects.line WHERE hash = %(hash)s AND valid_to IS NULL FOR UPDATE;

-- name: owner_of_number
-- Whose a phone number is at present, with their key and since when.
SELECT person.id, person.number, person.language, person.created_at, person.erased_at, person.wrapped_key,
       contact.valid_from
FROM subjects.contact JOIN subjects.person USING (number)
WHERE contact.hash = %(hash)s AND contact.valid_to IS NULL AND person.erased_at IS NULL;

-- name: end_line
-- Close a line.
UPDATE subjects.line SET valid_to = %(at)s WHERE id = %(line)s AND valid_to IS NULL;

-- name: add_role
-- Let a person stand to a line as something, unless they (or, for the holder, somebody) already do.
INSERT INTO subjects.line_role (line, number, role, sealed, valid_from)
VALUES (%(line)s, %(number)s, %(role)s, %(sealed)s, %(since)s)
ON CONFLICT DO NOTHING
RETURNING number;

-- name: end_role
-- A person stands to a line as this no longer.
UPDATE subjects.line_role SET valid_to = greatest(%(at)s, valid_from + interval '1 microsecond')
WHERE line = %(line)s AND number = %(number)s AND role = %(role)s AND valid_to IS NULL RETURNING number;

-- name: end_roles
-- Who stood to a line so before an instant stands to it no longer (when the line is over: nobody); returns whom.
UPDATE subjects.line_role SET valid_to = greatest(%(at)s, valid_from + interval '1 microsecond')
WHERE line = %(line)s AND role = ANY (%(roles)s) AND valid_to IS NULL AND (%(over)s OR valid_from < %(at)s)
RETURNING number;

-- name: roles_on_line
-- Who stood to a line at an instant or has come to it since.
SELECT role.line, person.id, role.role, role.valid_from, role.valid_to
FROM subjects.line_role AS role JOIN subjects.person USING (number)
WHERE role.line = %(line)s AND (role.valid_to IS NULL OR role.valid_to > %(at)s) ORDER BY role.valid_from, person.number;

-- name: roles_of
-- Every role of a person on any line, past ones too, with the sealed number.
SELECT role.line, person.id, role.role, role.valid_from, role.valid_to, role.sealed
FROM subjects.line_role AS role JOIN subjects.person USING (number)
WHERE person.id = %(id)s ORDER BY role.valid_to DESC NULLS FIRST, role.valid_from;

-- name: add_line_event
-- Note what happened to a line.
INSERT INTO subjects.line_event (line, kind, occurred_at, recorded_at)
VALUES (%(line)s, %(kind)s, %(occurred_at)s, %(now)s);

-- name: add_mandate
-- Record the right of one person to decide for another.
INSERT INTO subjects.mandate (id, representative, number, kind, purposes, proof, valid_from, valid_to)
VALUES (%(id)s, %(representative)s, %(number)s, %(kind)s, %(purposes)s, %(proof)s, %(valid_from)s, %(valid_to)s);

-- name: end_mandate
-- End a mandate at an instant, unless it ends sooner.
UPDATE subjects.mandate SET valid_to = %(at)s
WHERE id = %(id)s AND (valid_to IS NULL OR valid_to > %(at)s) AND valid_from < %(at)s RETURNING id;

-- name: mandates_of
-- Every mandate over or held by a person, past ones too.
SELECT mandate.id, holder.id, person.id, mandate.kind, mandate.purposes, mandate.valid_from, mandate.valid_to
FROM subjects.mandate
JOIN subjects.person AS holder ON holder.number = mandate.representative
JOIN subjects.person ON person.number = mandate.number
WHERE person.id = %(id)s OR holder.id = %(id)s ORDER BY mandate.valid_from;

-- name: mandates_for
-- The mandates by which one person represents another.
SELECT mandate.id, holder.id, person.id, mandate.kind, mandate.purposes, mandate.valid_from, mandate.valid_to
FROM subjects.mandate
JOIN subjects.person AS holder ON holder.number = mandate.representative
JOIN subjects.person ON person.number = mandate.number
WHERE person.id = %(subject)s AND holder.id = %(representative)s AND person.erased_at IS NULL AND holder.erased_at IS NULL
ORDER BY mandate.valid_from;

-- name: master_check
-- The fingerprint of the master key that this database was filled under.
SELECT hash FROM subjects.master_check;

-- name: set_master_check
-- Remember the fingerprint of the first master key.
INSERT INTO subjects.master_check (hash) VALUES (%(hash)s) ON CONFLICT DO NOTHING;
