-- name: listen
-- Be woken by every append; the truth is the position.
LISTEN placet_ledger;

-- name: listen_gate
-- Be woken by closures and restrictions too.
LISTEN placet_gate;

-- name: pulse
-- Whether anything changed since the last look: the end of the ledger, the catalogue in force, merged identities, what
-- was restricted, lifted, closed and reopened.
SELECT ending.epoch, ending.position, nullif(ending.recorded_at, '-infinity'),
       coalesce((SELECT position FROM catalogue.current_edition), 0),
       (SELECT count(*) FROM subjects.current WHERE merged_into IS NOT NULL),
       (SELECT count(*) + count(until) FROM gate.restriction) + (SELECT count(*) + count(until) FROM gate.closure)
FROM ledger.ending;

-- name: changes
-- What changed after a position, in order.
SELECT position, number, purpose, nullif(channel, ''), decision, notice_major, expires_at
FROM consents.change WHERE position > %(after)s ORDER BY position, item;

-- name: activities
-- What every activity asks for.
SELECT activity.activity, activity.legal_basis, activity.channel, need.purpose, need.channel
FROM catalogue.current_activity AS activity LEFT JOIN catalogue.current_need AS need USING (activity)
ORDER BY activity.activity, need.purpose;

-- name: highest
-- The highest number given.
SELECT coalesce(max(number), 0) FROM subjects.current;

-- name: people
-- How many persons there are.
SELECT count(*) FROM subjects.current WHERE erased_at IS NULL AND merged_into IS NULL;

-- name: states
-- The states of a range of numbers, each group as packed 4-byte integers: 2 s for what would take 20 s row by row.
SELECT state.purpose, nullif(state.channel, ''),
       CASE WHEN state.decision IN ('refused', 'withdrawn', 'objected') THEN 'closed'
            WHEN state.decision = 'requested' THEN 'silent'
            WHEN state.decision = 'given' AND state.notice_major = notice.major
             AND (state.expires_at IS NULL OR state.expires_at > %(now)s) THEN 'given'
            ELSE 'lapsed' END AS kind,
       string_agg(int4send(state.number), ''::bytea)
FROM consents.current AS state LEFT JOIN catalogue.current_notice AS notice USING (purpose)
WHERE state.number >= %(first)s AND state.number < %(beyond)s
GROUP BY 1, 2, 3;

-- name: merged
-- Identities that go on as others: nothing is asked of them any more.
SELECT number FROM subjects.current WHERE merged_into IS NOT NULL;

-- name: restricted
-- Whose processing is restricted, on which purpose ('' on all).
SELECT number, purpose FROM gate.restriction JOIN subjects.current USING (number)
WHERE until IS NULL AND erased_at IS NULL AND merged_into IS NULL;

-- name: closed
-- The purposes that are closed since a place that must stop for them does not answer.
SELECT DISTINCT purpose FROM gate.closure WHERE until IS NULL;

-- name: ends
-- Consents that end before an instant, those that have ended without a record of it among them.
SELECT number, purpose, nullif(channel, ''), expires_at
FROM consents.current WHERE decision = 'given' AND expires_at <= %(before)s;

-- name: stamp
-- When the record at a position was made: tells a snapshot of this ledger from that of another one.
SELECT recorded_at FROM ledger.entered WHERE position = %(position)s;
