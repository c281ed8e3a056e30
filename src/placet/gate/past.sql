-- name: people
-- Every person that there was at an instant and is, each with their records on some purposes, in order.
SELECT person.number, entered.position, entered.body
FROM subjects.current AS person
LEFT JOIN ledger.entered AS entered
       ON entered.subject = person.id AND entered.purpose = ANY(%(purposes)s) AND entered.decision IS NOT NULL
WHERE person.erased_at IS NULL AND person.merged_into IS NULL AND person.created_at <= %(at)s
ORDER BY person.number, entered.position;
