-- name: persons
-- The persons of one slice of ids, with their dense numbers.
SELECT id, number FROM subjects.current WHERE id BETWEEN %(first)s AND %(last)s;

-- name: spoken
-- What the persons of a slice have in the ledger up to a position, person by person in order.
SELECT position, subject, decision = 'erased', body FROM ledger.entered
WHERE subject BETWEEN %(first)s AND %(last)s AND position <= %(end)s ORDER BY subject, position;

-- name: newer
-- Whether the persons of a slice said something after a position.
SELECT EXISTS (SELECT FROM ledger.entered WHERE subject BETWEEN %(first)s AND %(last)s AND position > %(end)s);

-- name: slice_states
-- The stored states of a slice (columns as in `states`).
SELECT state.number, purpose, channel, decision, position, occurred_at, recorded_at, closed_at, closed_by_self,
       notice_major, expires_at
FROM consents.state JOIN subjects.current AS person USING (number)
WHERE person.id BETWEEN %(first)s AND %(last)s;

-- name: drop_states
-- Take away states that the ledger does not lead to.
DELETE FROM consents.state AS state
USING unnest(%(numbers)s::int[], %(purposes)s::text[], %(channels)s::text[]) AS wrong (number, purpose, channel)
WHERE state.number = wrong.number AND state.purpose = wrong.purpose AND state.channel = wrong.channel;

-- name: drop_nobodys_states
-- Take away the states of numbers that nobody has.
DELETE FROM consents.state AS state
WHERE NOT EXISTS (SELECT FROM subjects.current AS person WHERE person.number = state.number);

-- name: nobodys_states
-- How many states belong to numbers that nobody has.
SELECT count(*) FROM consents.state AS state
WHERE NOT EXISTS (SELECT FROM subjects.current AS person WHERE person.number = state.number);

-- name: slice_feed
-- The stored changes at some positions.
SELECT position, number, purpose, channel, decision, notice_major, expires_at
FROM consents.outbox WHERE position = ANY(%(positions)s::bigint[]);

-- name: drop_feed
-- Take away the changes at some positions.
DELETE FROM consents.outbox WHERE position = ANY(%(positions)s::bigint[]);

-- name: drop_stray_feed
-- Take away the changes that stand where the ledger has nothing.
DELETE FROM consents.outbox AS change
WHERE NOT EXISTS (SELECT FROM ledger.entered AS entered WHERE entered.position = change.position);

-- name: copy_rebuilt_feed
-- The derived changes.
COPY consents.outbox (position, item, number, purpose, channel, decision, notice_major, expires_at)
FROM STDIN (FORMAT BINARY);
