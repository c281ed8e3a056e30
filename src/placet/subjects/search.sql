-- name: add_name_tokens
-- Let a person be found by these words of their name.
INSERT INTO subjects.name_token (token, number)
SELECT token, %(number)s FROM unnest(%(tokens)s::bytea[]) AS row (token) ON CONFLICT DO NOTHING;

-- name: copy_name_tokens
-- The same for many persons.
COPY subjects.name_token (token, number) FROM STDIN;

-- name: forget_name_tokens
-- Nobody of these is found by name any more.
DELETE FROM subjects.name_token WHERE number = ANY (%(numbers)s);

-- name: named
-- Living persons whose name has all of these words, the one recorded last first.
SELECT person.id, person.number, person.language, person.created_at, person.erased_at
FROM subjects.person
JOIN (SELECT number FROM subjects.name_token WHERE token = ANY (%(tokens)s::bytea[])
      GROUP BY number HAVING count(*) = %(count)s ORDER BY number DESC LIMIT %(limit)s) AS named USING (number)
WHERE person.erased_at IS NULL AND person.merged_into IS NULL
ORDER BY person.number DESC;
