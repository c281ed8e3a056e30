-- name: of_person
-- What was sealed as evidence of a person's decisions, oldest first.
SELECT hash, sealed, created_at FROM consents.evidence WHERE number = %(number)s ORDER BY created_at, hash;
