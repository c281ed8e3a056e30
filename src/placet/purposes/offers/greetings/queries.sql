-- name: picked
-- The name days that these persons chose, sealed.
SELECT number, name_day FROM offers.greeting_wish WHERE number = ANY(%(numbers)s::int[]);

-- name: pick
-- A person chooses their name day.
INSERT INTO offers.greeting_wish (number, name_day, since) VALUES (%(number)s, %(name_day)s, %(now)s)
ON CONFLICT (number) DO UPDATE SET name_day = excluded.name_day, since = excluded.since;

-- name: unpick
-- The calendar decides again.
DELETE FROM offers.greeting_wish WHERE number = %(number)s;

-- name: greet
-- Note whom we greet for what in a year.
INSERT INTO offers.greeted (number, occasion, year)
SELECT number, occasion, %(year)s FROM json_to_recordset(%(greetings)s::json) AS row (number int, occasion text)
ORDER BY number;

-- name: greeted
-- Who of these persons was greeted in a year, and for what.
SELECT number, occasion FROM offers.greeted WHERE number = ANY(%(numbers)s::int[]) AND year = %(year)s;

-- name: round
-- How far the greetings of a day are.
SELECT day, audiences, after, planned, done_at FROM offers.greeting_round WHERE day = %(day)s;

-- name: hold_round
-- The same, locked; nothing while another worker has it.
SELECT day, audiences, after, planned, done_at FROM offers.greeting_round
WHERE day = %(day)s AND done_at IS NULL FOR UPDATE SKIP LOCKED;

-- name: begin_round
-- The greetings of a day begin, with the audiences that the gate gave for it.
INSERT INTO offers.greeting_round (day, audiences) VALUES (%(day)s, %(audiences)s::jsonb) ON CONFLICT DO NOTHING;

-- name: advance_round
-- The persons up to a number have been looked at.
UPDATE offers.greeting_round SET after = %(after)s, planned = planned + %(planned)s, done_at = %(done_at)s
WHERE day = %(day)s;

-- name: sweep_rounds
-- What is over is forgotten.
DELETE FROM offers.greeting_round WHERE day < %(before)s;

-- name: sweep_greeted
-- Whom we greeted two years ago matters to nobody.
DELETE FROM offers.greeted WHERE year < %(year)s;

-- name: inherit
-- Two identities were one person, who is not greeted twice for that.
INSERT INTO offers.greeted (number, occasion, year)
SELECT %(number)s::int, occasion, year FROM offers.greeted WHERE number = %(merged)s ON CONFLICT DO NOTHING;

-- name: held
-- What is held about a person.
SELECT 'name-day' AS what, NULL::int AS year, name_day, since FROM offers.greeting_wish WHERE number = %(number)s
UNION ALL
SELECT occasion, year, NULL, NULL FROM offers.greeted WHERE number = %(number)s ORDER BY what, year;

-- name: erase_wish
-- Nothing stays of what a person chose.
DELETE FROM offers.greeting_wish WHERE number = %(number)s;

-- name: erase_greeted
-- Nothing stays of when a person was greeted.
DELETE FROM offers.greeted WHERE number = %(number)s;
