-- name: add
-- A new survey.
INSERT INTO offers.survey (id, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at)
VALUES (%(id)s, %(form)s, %(anonymous)s, %(topic)s, %(channels)s, %(most)s, %(closes_at)s, 'draft', %(by)s, %(now)s);

-- name: get
-- A survey by its id.
SELECT id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, submitted_by,
       opened_at, invited_at, closed_at
FROM offers.survey WHERE id = %(id)s;

-- name: lock
-- A survey by its id, locked: what a step decides on.
SELECT id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, submitted_by,
       opened_at, invited_at, closed_at
FROM offers.survey WHERE id = %(id)s FOR UPDATE;

-- name: by_serial
-- A survey by what names it in links.
SELECT id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, submitted_by,
       opened_at, invited_at, closed_at
FROM offers.survey WHERE serial = %(serial)s;

-- name: hold
-- The same, and it does not close until the transaction ends.
SELECT id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, submitted_by,
       opened_at, invited_at, closed_at
FROM offers.survey WHERE serial = %(serial)s FOR SHARE;

-- name: newest
-- Surveys of a state or of all, newest first; going on after the one with an id.
SELECT id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, submitted_by,
       opened_at, invited_at, closed_at
FROM offers.survey
WHERE (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(after)s::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM offers.survey WHERE id = %(after)s))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s;

-- name: running
-- The surveys that are open.
SELECT id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, submitted_by,
       opened_at, invited_at, closed_at
FROM offers.survey WHERE state = 'open' ORDER BY opened_at, id;

-- name: write
-- Keep what a draft says now.
UPDATE offers.survey SET form = %(form)s, anonymous = %(anonymous)s, topic = %(topic)s, channels = %(channels)s,
    most = %(most)s, closes_at = %(closes_at)s
WHERE id = %(id)s AND state = 'draft';

-- name: step
-- Where a survey goes.
UPDATE offers.survey SET state = %(state)s, submitted_by = %(submitted_by)s,
    opened_at = %(opened_at)s, closed_at = %(closed_at)s
WHERE id = %(id)s;

-- name: invited
-- The people were chosen, and their messages planned.
UPDATE offers.survey SET invited_at = %(now)s WHERE id = %(id)s;

-- name: add_step
-- Write down who did what.
INSERT INTO offers.survey_step (survey, what, by, at, reason) VALUES (%(survey)s, %(what)s, %(by)s, %(now)s, %(reason)s);

-- name: steps
-- What was done with a survey, in order.
SELECT what, by, at, reason FROM offers.survey_step WHERE survey = %(survey)s ORDER BY id;

-- name: reply
-- What a person has sent, or answered so far, under any identity of theirs; and whose key opens what is sealed.
SELECT answers, sealed, sent_at, identity.id, identity.wrapped_key
FROM offers.survey_reply JOIN subjects.current AS identity USING (number)
WHERE survey = %(survey)s AND (number = %(number)s
      OR identity.merged_into = (SELECT id FROM subjects.current WHERE number = %(number)s))
ORDER BY sent_at NULLS LAST, number = %(number)s DESC LIMIT 1;

-- name: save_reply
-- Keep answers on the way; what was sent stays as it was sent.
INSERT INTO offers.survey_reply AS reply (survey, number, answers, sealed, started_at, sent_at, written_by)
VALUES (%(survey)s, %(number)s, %(answers)s, %(sealed)s, %(now)s, %(sent_at)s, %(by)s)
ON CONFLICT (survey, number) DO UPDATE SET answers = excluded.answers, sealed = excluded.sealed,
    sent_at = excluded.sent_at, written_by = excluded.written_by
WHERE reply.sent_at IS NULL;

-- name: ballot
-- What was answered so far on a ballot, and whether it was cast.
SELECT answers, sealed, is_cast FROM offers.survey_ballot WHERE ticket = %(ticket)s;

-- name: save_ballot
-- Keep answers on the way; a ballot that was cast stays as it was cast.
INSERT INTO offers.survey_ballot AS ballot (ticket, survey, answers, sealed, is_cast)
VALUES (%(ticket)s, %(survey)s, %(answers)s, %(sealed)s, %(is_cast)s)
ON CONFLICT (ticket) DO UPDATE SET answers = excluded.answers, sealed = excluded.sealed, is_cast = excluded.is_cast
WHERE NOT ballot.is_cast;

-- name: mix
-- Move the answers of ballots that were cast to the others, in an order drawn by lot: when there are enough of them.
WITH waiting AS MATERIALIZED (
    SELECT ticket, answers, sealed FROM offers.survey_ballot
    WHERE survey = %(survey)s AND is_cast AND answers IS NOT NULL ORDER BY ticket FOR UPDATE
), enough AS (
    SELECT FROM waiting HAVING count(*) >= %(least)s
), emptied AS (
    UPDATE offers.survey_ballot AS ballot SET answers = NULL, sealed = NULL
    FROM waiting WHERE ballot.ticket = waiting.ticket AND EXISTS (SELECT FROM enough)
)
INSERT INTO offers.survey_answer (survey, answers, sealed)
SELECT %(survey)s, answers, sealed FROM waiting WHERE EXISTS (SELECT FROM enough) ORDER BY gen_random_uuid();

-- name: mix_rest
-- At the end: the last ballots, however few, together with a thousand others, in a new order and under new names.
WITH waiting AS MATERIALIZED (
    SELECT answers, sealed FROM offers.survey_ballot WHERE survey = %(survey)s AND is_cast AND answers IS NOT NULL
), there AS MATERIALIZED (
    DELETE FROM offers.survey_answer WHERE id = ANY(ARRAY(
        SELECT id FROM offers.survey_answer WHERE survey = %(survey)s ORDER BY id LIMIT 1000))
    RETURNING answers, sealed
), emptied AS (
    UPDATE offers.survey_ballot SET answers = NULL, sealed = NULL
    WHERE survey = %(survey)s AND is_cast AND answers IS NOT NULL
)
INSERT INTO offers.survey_answer (survey, answers, sealed)
SELECT %(survey)s, answers, sealed FROM (TABLE waiting UNION ALL TABLE there) AS every ORDER BY gen_random_uuid();

-- name: drop_begun_replies
-- What was begun and not sent goes when a survey closes.
DELETE FROM offers.survey_reply WHERE survey = %(survey)s AND sent_at IS NULL;

-- name: drop_begun_ballots
-- The same of ballots.
DELETE FROM offers.survey_ballot WHERE survey = %(survey)s AND NOT is_cast;

-- name: keep_printed
-- A link that is printed: what finds it, and itself, sealed.
INSERT INTO offers.survey_printed (code, survey, sealed) VALUES (%(code)s, %(survey)s, %(sealed)s);

-- name: printed
-- A printed link, by the hash of its code.
SELECT sealed FROM offers.survey_printed WHERE code = %(code)s;

-- name: drop_printed
-- Printed links lead nowhere once their survey is closed.
DELETE FROM offers.survey_printed WHERE survey = %(survey)s;

-- name: has_taken
-- Whether somebody with one of these numbers has taken the link of a survey out of the app.
SELECT EXISTS (
    SELECT FROM offers.survey_taken AS taken JOIN unnest(%(numbers)s::int[]) AS number ON taken.part = number / 4096
    WHERE taken.survey = %(survey)s AND get_bit(taken.members, number %% 4096) = 1);

-- name: take
-- Join a number to those who have taken the link; a row only if it was not among them.
INSERT INTO offers.survey_taken AS taken (survey, part, members)
VALUES (%(survey)s, %(number)s / 4096, set_bit(decode(repeat('00', 512), 'hex'), %(number)s %% 4096, 1))
ON CONFLICT (survey, part) DO UPDATE SET members = set_bit(taken.members, %(number)s %% 4096, 1)
WHERE get_bit(taken.members, %(number)s %% 4096) = 0
RETURNING survey;

-- name: untake
-- A number leaves all such sets.
UPDATE offers.survey_taken SET members = set_bit(members, %(number)s %% 4096, 0)
WHERE part = %(number)s / 4096 AND get_bit(members, %(number)s %% 4096) = 1;

-- name: drop_taken
-- Nobody takes the link of a survey that is closed.
DELETE FROM offers.survey_taken WHERE survey = %(survey)s;

-- name: said
-- The answers that were sent, each with how often it was given just so.
WITH said AS (
    SELECT answers FROM offers.survey_reply WHERE survey = %(survey)s AND sent_at IS NOT NULL
    UNION ALL SELECT answers FROM offers.survey_answer WHERE survey = %(survey)s
)
SELECT answers, count(*) FROM said GROUP BY answers;

-- name: sent_replies
-- Answers that stand with their persons, in an order that says nothing; the key is for what is sealed.
SELECT reply.answers, reply.sealed, person.id, person.wrapped_key
FROM offers.survey_reply AS reply JOIN subjects.current AS person USING (number)
WHERE reply.survey = %(survey)s AND reply.sent_at IS NOT NULL AND person.erased_at IS NULL
ORDER BY md5(%(survey)s::text || reply.number::text) OFFSET %(offset)s LIMIT %(limit)s;

-- name: written_in_answers
-- What was written in the mixed answers.
SELECT sealed FROM offers.survey_answer WHERE survey = %(survey)s AND sealed IS NOT NULL
ORDER BY id OFFSET %(offset)s LIMIT %(limit)s;

-- name: keep_counts
-- What is left when the answers themselves are deleted.
UPDATE offers.survey SET counts = %(counts)s WHERE id = %(survey)s AND state = 'closed';

-- name: counts
-- What was kept of answers that are deleted.
SELECT counts FROM offers.survey WHERE id = %(survey)s;

-- name: over
-- Surveys that closed before an instant, whose answers are still there.
SELECT id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, submitted_by,
       opened_at, invited_at, closed_at
FROM offers.survey WHERE state = 'closed' AND counts IS NULL AND closed_at < %(before)s
ORDER BY closed_at, id LIMIT 10 FOR UPDATE SKIP LOCKED;

-- name: drop_replies
-- Delete the answers of a survey.
DELETE FROM offers.survey_reply WHERE survey = %(survey)s;

-- name: drop_ballots
-- Delete its ballots.
DELETE FROM offers.survey_ballot WHERE survey = %(survey)s;

-- name: drop_answers
-- Delete its mixed answers.
DELETE FROM offers.survey_answer WHERE survey = %(survey)s;

-- name: forget_later
-- A person has taken the consent back: what was sent is deleted at an instant.
UPDATE offers.survey_reply SET forget_at = %(at)s
WHERE number = ANY(%(numbers)s::int[]) AND sent_at IS NOT NULL AND forget_at IS NULL;

-- name: drop_begun_of
-- What a person has begun and not sent.
DELETE FROM offers.survey_reply WHERE number = ANY(%(numbers)s::int[]) AND sent_at IS NULL;

-- name: forget_due
-- Delete the answers of those who took their consent back, when it is time.
DELETE FROM offers.survey_reply WHERE forget_at <= %(now)s;

-- name: of_person
-- Everything that was answered under these numbers, newest first; whose key opens what is sealed, and their language.
SELECT reply.answers, reply.sealed, reply.started_at, reply.sent_at, reply.written_by IS NOT NULL,
       person.id, person.wrapped_key, person.language,
       survey.id, serial, form, survey.anonymous, topic, channels, most, closes_at, state, created_by, survey.created_at,
       submitted_by, opened_at, invited_at, closed_at
FROM offers.survey_reply AS reply JOIN offers.survey AS survey ON survey.id = reply.survey
JOIN subjects.current AS person USING (number)
WHERE reply.number = ANY(%(numbers)s::int[]) ORDER BY reply.started_at DESC, survey.id;

-- name: forget
-- Delete what is held of a person.
DELETE FROM offers.survey_reply WHERE number = %(number)s;

-- name: person
-- Who has a number today; a merged identity stands as the one that remains.
SELECT person.id, person.number, person.wrapped_key
FROM subjects.current AS named JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
WHERE named.number = %(number)s AND person.erased_at IS NULL;

-- name: numbers
-- The numbers of persons.
SELECT id, number FROM subjects.current WHERE id = ANY(%(subjects)s::uuid[]);

-- name: identities
-- The numbers of a person: their own, and those of whoever was merged into them.
SELECT number FROM subjects.current
WHERE number = %(number)s OR merged_into = (SELECT id FROM subjects.current WHERE number = %(number)s);
