-- name: all
-- Every use after one, in order.
SELECT id, activity, channel, subject, audience, permit, epoch, position, at, outcome
FROM gate.use WHERE id > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: known
-- The numbers of these people, also of those who were erased or merged.
SELECT id, number FROM subjects.current WHERE id = ANY (%(subjects)s::uuid[]);

-- name: recorded
-- When the records at these positions were made.
SELECT position, recorded_at FROM ledger.entered WHERE position = ANY (%(positions)s::bigint[]);

-- name: gone
-- Numbers that nothing is asked of any more: what they said is not replayed.
SELECT number FROM subjects.current WHERE erased_at IS NOT NULL OR merged_into IS NOT NULL;
