-- name: standing
-- What a person said last.
SELECT answer.decision, answer.said, answer.at FROM offers.click_answer AS answer
JOIN subjects.current AS person USING (number)
JOIN subjects.current AS named ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = %(subject)s AND answer.until IS NULL;

-- name: close_answer
-- What stood until now stands no longer; waits for messages that are starting on it. Returns what it was.
UPDATE offers.click_answer SET until = greatest(at, %(now)s)
WHERE number = %(number)s AND until IS NULL AND (decision = 'given' OR NOT %(given_only)s::bool)
RETURNING decision;

-- name: answer
-- What a person says now; nothing if they said something at this very moment elsewhere.
INSERT INTO offers.click_answer (id, number, decision, said, sha256, at)
VALUES (%(id)s, %(number)s, %(decision)s, %(said)s, %(sha256)s, %(now)s)
ON CONFLICT (number) WHERE until IS NULL DO NOTHING;

-- name: keep_question
-- A text that was answered.
INSERT INTO offers.click_question (sha256, document, at) VALUES (%(sha256)s, %(document)s, %(now)s)
ON CONFLICT DO NOTHING;

-- name: number
-- Whose number it is today.
SELECT person.number FROM subjects.current AS named
JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = %(subject)s AND person.erased_at IS NULL;

-- name: count_links
-- Messages that start now with links of their own, and the secret of each: the same again for one that starts again.
WITH made AS (
    INSERT INTO offers.counted AS known (message, number, campaign, topic, secret, at)
    SELECT sent.id, person.number, %(campaign)s, sent.topic, decode(row.secret, 'hex'), %(now)s
    FROM json_to_recordset(%(messages)s::json) AS row (id uuid, secret text)
    JOIN delivery.offered AS sent ON sent.id = row.id
    JOIN subjects.current AS named ON named.number = sent.number
    JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
    WHERE sent.channel = 'email' AND sent.kind = 'offer' AND sent.topic IS NOT NULL
    ON CONFLICT (message) DO UPDATE SET number = excluded.number, at = excluded.at
    RETURNING known.message, known.secret)
SELECT made.message, made.secret, sent.language FROM made JOIN delivery.offered AS sent ON sent.id = made.message;

-- name: opened
-- The message that a secret stands in, while its person allows it; locked.
SELECT counted.message, person.id, counted.number, counted.at, counted.hit_at, counted.hit_link, counted.pressed_at
FROM offers.counted JOIN subjects.current AS person USING (number)
JOIN offers.click_answer AS answer USING (number)
WHERE counted.secret = %(secret)s AND counted.campaign = %(campaign)s AND person.erased_at IS NULL
  AND answer.until IS NULL AND answer.decision = 'given'
FOR UPDATE OF counted;

-- name: note
-- What is known of a message from now on.
UPDATE offers.counted SET hit_at = %(now)s, hit_link = %(place)s, pressed_at = %(pressed_at)s
WHERE message = %(message)s;

-- name: pressed
-- What a person pressed, newest first.
SELECT counted.message, counted.campaign, counted.topic, counted.at, counted.pressed_at
FROM offers.counted JOIN subjects.current AS person USING (number)
JOIN subjects.current AS named ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = %(subject)s AND counted.pressed_at IS NOT NULL
  AND (%(before)s::uuid IS NULL OR (counted.pressed_at, counted.message) < (
    SELECT pressed_at, message FROM offers.counted WHERE message = %(before)s))
ORDER BY counted.pressed_at DESC, counted.message DESC LIMIT %(limit)s;

-- name: stands
-- Whether a person's yes stands.
SELECT FROM offers.click_answer WHERE number = %(number)s AND until IS NULL AND decision = 'given';

-- name: inherit_answers
-- What a merged identity had answered is the person's; it stands no longer.
UPDATE offers.click_answer SET number = %(number)s, until = coalesce(until, greatest(at, %(now)s))
WHERE number = %(merged)s;

-- name: inherit_counted
-- Messages of a merged identity that were counted.
UPDATE offers.counted SET number = %(number)s WHERE number = %(merged)s;

-- name: erase_counted
-- Nothing stays of which messages were counted and what was pressed.
DELETE FROM offers.counted WHERE number = %(number)s;

-- name: forget_ended
-- That a topic ended stays; by which figures does not, where links were among them.
UPDATE offers.ended SET sources = '{}', sends = NULL, certainty = NULL
WHERE number = %(number)s AND 'link' = ANY(sources);

-- name: forget_reasons
-- What was picked because of a press was picked for something that is forgotten.
UPDATE offers.pick SET reason = 'forgotten' WHERE number = %(number)s AND reason = 'pressed';

-- name: erase_answers
-- Nothing stays of what a person answered.
DELETE FROM offers.click_answer WHERE number = %(number)s;

-- name: forget_hits
-- Which link was opened last is known for a day.
UPDATE offers.counted SET hit_at = NULL, hit_link = NULL WHERE hit_at < %(before)s;

-- name: forget_counted
-- What is too old to be remembered.
DELETE FROM offers.counted WHERE at < %(before)s;

-- name: forget_answers
-- Of whoever took back the consent to offers before an instant, nothing is kept any longer.
DELETE FROM offers.click_answer USING consents.current AS said
WHERE said.number = click_answer.number AND said.purpose = 'offers' AND said.channel = '' AND said.decision <> 'given'
  AND said.recorded_at < %(withdrawn)s;

-- name: held_presses
-- What is held of a person's messages whose links were counted.
SELECT topic, at AS sent_at, pressed_at FROM offers.counted WHERE number = %(number)s ORDER BY at, message;

-- name: held_answers
-- What is held of what a person answered about counting.
SELECT decision, said, at, until, encode(sha256, 'hex') AS text FROM offers.click_answer
WHERE number = %(number)s ORDER BY at, id;
