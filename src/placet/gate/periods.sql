-- name: plain
-- Those who said yes to one purpose and nothing else by an instant: numbers, when it was said (microseconds since 1970)
-- and the notice's major version, packed as whole numbers in the same order.
WITH spoken AS (
    SELECT subject, min(position) AS position
    FROM ledger.entered
    WHERE purpose = %(purpose)s AND decision IS NOT NULL AND recorded_at <= %(known_at)s
    GROUP BY subject HAVING count(*) = 1
)
SELECT string_agg(int4send(person.number), ''::bytea),
       string_agg(int8send((extract(epoch FROM state.occurred_at) * 1000000)::bigint), ''::bytea),
       string_agg(int4send(state.notice_major), ''::bytea)
FROM spoken
JOIN subjects.current AS person ON person.id = spoken.subject
JOIN consents.current AS state
  ON state.number = person.number AND state.purpose = %(purpose)s AND state.channel = ''
 AND state.position = spoken.position AND state.decision = 'given'
WHERE person.erased_at IS NULL AND person.merged_into IS NULL AND state.notice_major IS NOT NULL;

-- name: others
-- The records of all others who said yes at some time, in order; `plain` is the purpose that the first statement was
-- asked about, empty if it was not.
WITH spoken AS (
    SELECT subject, min(position) AS position, count(*) AS records
    FROM ledger.entered
    WHERE purpose = ANY(%(purposes)s) AND decision IS NOT NULL AND recorded_at <= %(known_at)s
    GROUP BY subject HAVING bool_or(decision = 'given')
)
SELECT person.number, entered.position, entered.body
FROM spoken
JOIN subjects.current AS person ON person.id = spoken.subject
LEFT JOIN consents.current AS state
       ON state.number = person.number AND state.purpose = %(plain)s AND state.channel = ''
      AND state.position = spoken.position AND state.decision = 'given' AND state.notice_major IS NOT NULL
JOIN ledger.entered
  ON entered.subject = spoken.subject AND entered.purpose = ANY(%(purposes)s) AND entered.decision IS NOT NULL
 AND entered.recorded_at <= %(known_at)s
WHERE person.erased_at IS NULL AND person.merged_into IS NULL AND (spoken.records > 1 OR state.number IS NULL)
ORDER BY person.number, entered.position;

-- name: of_one
-- The records of one person on some purposes by an instant, in order.
SELECT entered.position, entered.body
FROM subjects.current AS person
JOIN ledger.entered
  ON entered.subject = person.id AND entered.purpose = ANY(%(purposes)s) AND entered.decision IS NOT NULL
 AND entered.recorded_at <= %(known_at)s
WHERE person.number = %(number)s AND person.erased_at IS NULL AND person.merged_into IS NULL
ORDER BY entered.position;
