-- name: set_wish
-- Keep what a person wants of a topic. What the person wants, or never wants, by their own word is not the learner's to
-- change; nothing is returned when nothing changed.
INSERT INTO offers.wish AS kept (number, topic, state, by, since, reason)
SELECT person.number, %(topic)s, %(state)s, %(by)s, %(now)s, %(reason)s
FROM subjects.current AS named JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = %(subject)s AND person.erased_at IS NULL
ON CONFLICT (number, topic) DO UPDATE SET state = excluded.state, by = excluded.by, since = excluded.since,
    reason = excluded.reason
WHERE (kept.state, kept.by) IS DISTINCT FROM (excluded.state, excluded.by)
  AND (excluded.by = 'person' OR kept.by = 'learner' OR kept.state = 'neutral')
RETURNING number;

-- name: wishes_of
-- What a person wants, by topic.
SELECT wish.topic, wish.state, wish.by, wish.since, wish.reason
FROM offers.wish JOIN subjects.current AS person USING (number)
JOIN subjects.current AS named ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = %(subject)s ORDER BY wish.topic;

-- name: wishing
-- The numbers (4 bytes each, big-endian) of those who said one of these things about a topic.
SELECT coalesce(string_agg(int4send(number), ''), '') FROM offers.wish
WHERE topic = %(topic)s AND state = ANY(%(states)s::text[]);

-- name: inherit_wishes
-- Of a merged identity the wishes that are more restrictive, or about other topics; it has none of its own any more.
WITH gone AS (DELETE FROM offers.wish WHERE number = %(merged)s RETURNING topic, state, by, since, reason)
INSERT INTO offers.wish AS kept (number, topic, state, by, since, reason)
SELECT %(number)s::int, topic, state, by, since, reason FROM gone
ON CONFLICT (number, topic) DO UPDATE SET state = excluded.state, by = excluded.by, since = excluded.since,
    reason = excluded.reason
WHERE array_position(ARRAY['never', 'neutral', 'want'], excluded.state)
    < array_position(ARRAY['never', 'neutral', 'want'], kept.state);

-- name: held_wishes
-- What is held about a person's wishes.
SELECT topic, state, by, since, reason FROM offers.wish WHERE number = %(number)s ORDER BY topic;

-- name: correct_wish
-- A reason that is wrong is put right.
UPDATE offers.wish SET reason = %(new)s
WHERE number = %(number)s AND reason IS NOT DISTINCT FROM %(old)s AND reason IS DISTINCT FROM %(new)s;

-- name: erase_wishes
-- Nothing stays of what a person wanted.
DELETE FROM offers.wish WHERE number = %(number)s;
