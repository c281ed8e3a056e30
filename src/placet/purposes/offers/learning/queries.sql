-- name: take_in
-- Note what reached people on a topic since an instant; under the identity that remains of merged ones.
INSERT INTO offers.heard (message, number, topic, channel, segment, campaign, at)
SELECT sent.id, coalesce(person.number, named.number), sent.topic, sent.channel, sent.language,
       substring(sent.template FROM '^campaign/([0-9a-f-]{36})$')::uuid, sent.started_at
FROM delivery.offered AS sent
JOIN subjects.current AS named ON named.number = sent.number
LEFT JOIN subjects.current AS person ON person.id = named.merged_into
WHERE sent.started_at > %(since)s AND sent.started_at <= %(now)s AND sent.topic IS NOT NULL AND sent.kind = 'offer'
  AND sent.state IN ('sent', 'delivered') AND named.erased_at IS NULL
ON CONFLICT (message) DO NOTHING;

-- name: take_in_calls
-- Note what members wrote down of calls since an instant, where the person has told nothing else of that message.
UPDATE offers.heard SET sign = said.sign, told_at = called.ended_at
FROM delivery.called
JOIN (VALUES ('reached-interested', 'interested'), ('reached-not-now', 'not-now'),
             ('reached-not-interested', 'not-interested'), ('stop-topic', 'not-interested')) AS said (outcome, sign)
    USING (outcome)
WHERE heard.message = called.message AND heard.sign IS NULL
  AND called.ended_at > %(since)s AND called.ended_at <= %(now)s;

-- name: tell
-- What a person told of a message on a topic; the last word stays. Nothing is returned for a message without topic.
INSERT INTO offers.heard AS known (message, number, topic, channel, segment, campaign, at, sign, told_at)
SELECT sent.id, person.number, sent.topic, sent.channel, sent.language,
       substring(sent.template FROM '^campaign/([0-9a-f-]{36})$')::uuid, sent.started_at,
       %(sign)s, %(now)s
FROM delivery.offered AS sent
JOIN subjects.current AS named ON named.number = sent.number
JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
WHERE sent.id = %(message)s AND sent.topic IS NOT NULL AND sent.kind = 'offer' AND sent.started_at IS NOT NULL
  AND person.erased_at IS NULL
ON CONFLICT (message) DO UPDATE SET sign = excluded.sign, told_at = excluded.told_at
RETURNING known.number, known.topic;

-- name: untell
-- A person takes back what they told.
UPDATE offers.heard SET sign = NULL, told_at = NULL WHERE message = %(message)s;

-- name: seen
-- What these persons' messages told of each topic.
SELECT number, topic, count(*), sum(wanted), sum(unwanted),
       (array_agg(source ORDER BY array_position(ARRAY['word', 'call', 'link'], source)) FILTER (WHERE wanted > 0))[1]
FROM offers.weighed(%(signs)s::json, %(half_life)s, %(since)s, %(silent)s, %(unpressed)s, %(now)s)
WHERE number = ANY(%(numbers)s::int[]) GROUP BY number, topic;

-- name: groups
-- How many people of a segment told the same of a topic.
SELECT topic, segment, wanted, unwanted, count(*) FROM (
    SELECT topic, min(segment) AS segment, round(sum(wanted)::numeric, 1)::float8 AS wanted,
           round(sum(unwanted)::numeric, 1)::float8 AS unwanted
    FROM offers.weighed(%(signs)s::json, %(half_life)s, %(since)s, %(silent)s, %(unpressed)s, %(now)s)
    GROUP BY number, topic) AS person
GROUP BY topic, segment, wanted, unwanted;

-- name: doubtful
-- Whom a topic may not interest: sent often enough since they last spoke of it, and neither asked for nor ended.
SELECT told.number, told.topic, min(told.segment), count(*), sum(told.wanted), sum(told.unwanted),
       coalesce(array_agg(DISTINCT told.source) FILTER (WHERE told.unwanted > 0), '{}')
FROM offers.weighed(%(signs)s::json, %(half_life)s, %(since)s, %(silent)s, %(unpressed)s, %(now)s) AS told
LEFT JOIN offers.wish ON wish.number = told.number AND wish.topic = told.topic
WHERE (%(number)s::int IS NULL OR told.number = %(number)s)
  AND (wish.state IS NULL OR (wish.state = 'neutral' AND told.at > wish.since))
GROUP BY told.number, told.topic HAVING count(*) >= %(sends)s
ORDER BY told.number, told.topic;

-- name: wishes
-- What these persons said of topics.
SELECT number, topic, state FROM offers.wish WHERE number = ANY(%(numbers)s::int[]);

-- name: people
-- Which segment these persons are of: the language they are written to in.
SELECT number, language FROM subjects.current
WHERE number = ANY(%(numbers)s::int[]) AND erased_at IS NULL AND merged_into IS NULL ORDER BY number;

-- name: subjects
-- Who these numbers are.
SELECT number, id FROM subjects.current WHERE number = ANY(%(numbers)s::int[]) AND erased_at IS NULL;

-- name: keep_population
-- What is believed from now on.
INSERT INTO offers.population (model, at, body) VALUES (%(model)s, %(now)s, %(body)s::jsonb)
ON CONFLICT (model) DO UPDATE SET at = excluded.at, body = excluded.body;

-- name: population
-- What a model believes, and since when; locked, so that one worker at a time makes it anew.
SELECT at, body FROM offers.population WHERE model = %(model)s FOR UPDATE SKIP LOCKED;

-- name: believed
-- What a model believes.
SELECT body FROM offers.population WHERE model = %(model)s;

-- name: keep_sorting
-- A sorting has taken place.
INSERT INTO offers.sorting (id, at, model, evaluation, audience, needs, campaigns)
VALUES (%(id)s, %(now)s, %(model)s, %(evaluation)s, %(audience)s, %(needs)s, %(campaigns)s);

-- name: keep_picks
-- What was picked in it, for many.
INSERT INTO offers.pick (sorting, number, at, campaign, topic, segment, eligible, wished, propensity, reason)
SELECT %(sorting)s, number, %(now)s, campaign, topic, segment, eligible, wished, propensity, reason
FROM unnest(%(numbers)s::int[], %(campaigns)s::uuid[], %(topics)s::text[], %(segments)s::text[], %(eligible)s::text[],
            %(wished)s::text[], %(propensities)s::float8[], %(reasons)s::text[])
    AS row (number, campaign, topic, segment, eligible, wished, propensity, reason);

-- name: end_topic
-- A topic has ended for a person.
INSERT INTO offers.ended (number, topic, at, sends, certainty, sources)
VALUES (%(number)s, %(topic)s, %(now)s, %(sends)s, %(certainty)s, %(sources)s)
ON CONFLICT (number, topic) DO UPDATE SET at = excluded.at, sends = excluded.sends, certainty = excluded.certainty,
    sources = excluded.sources, said_in = NULL;

-- name: knows
-- Of these persons, whose messages start: topics that ended, are still ended, and of which no message has told them
-- (now one does, if it tells at all); and who allows us to count links, held until the message has started.
WITH told AS (
    UPDATE offers.ended SET said_in = %(template)s FROM offers.wish, subjects.current AS person
    WHERE %(tells)s::bool AND person.id = ANY(%(subjects)s::uuid[]) AND ended.number = person.number
      AND ended.said_in IS NULL AND wish.number = ended.number AND wish.topic = ended.topic
      AND wish.state = 'never' AND wish.by = 'learner'
    RETURNING person.id, person.language, ended.topic, ended.sources
), allowing AS (
    SELECT person.id FROM subjects.current AS person JOIN offers.click_answer AS answer USING (number)
    WHERE person.id = ANY(%(subjects)s::uuid[]) AND answer.until IS NULL AND answer.decision = 'given'
    FOR SHARE OF answer SKIP LOCKED
)
SELECT id, language, topic, sources FROM told
UNION ALL SELECT id, NULL, NULL, NULL FROM allowing;

-- name: ended_of
-- By what the topics ended that are ended for a person.
SELECT ended.topic, ended.sources FROM offers.ended JOIN subjects.current AS person USING (number)
JOIN subjects.current AS named ON person.id = coalesce(named.merged_into, named.id)
WHERE named.id = %(subject)s;

-- name: trials
-- What was picked before an instant, and what came of it; of a message that did not reach them nothing did.
SELECT pick.number, pick.at, pick.segment, pick.eligible, pick.wished, coalesce(pick.topic, 'nothing'), pick.propensity,
       CASE WHEN heard.message IS NULL THEN 0 ELSE coalesce(weight.wanted, 0) END,
       CASE WHEN heard.message IS NULL THEN 0 ELSE coalesce(weight.unwanted, 1) END
FROM offers.pick
LEFT JOIN offers.heard ON heard.number = pick.number AND heard.campaign = pick.campaign AND heard.channel = 'email'
LEFT JOIN offers.counted AS link ON link.message = heard.message
LEFT JOIN json_to_recordset(%(signs)s::json) AS weight (sign text, wanted float8, unwanted float8)
    ON weight.sign = coalesce(heard.sign, CASE WHEN link.pressed_at IS NOT NULL THEN 'pressed' END)
WHERE pick.at <= %(ripe)s ORDER BY pick.number, pick.at;

-- name: keep_evaluation
-- What a model has shown.
INSERT INTO offers.evaluation (id, at, model, passed, body)
VALUES (%(id)s, %(now)s, %(model)s, %(passed)s, %(body)s::jsonb);

-- name: evaluation
-- The newest that a model has shown: a later one that fails takes back what an earlier one allowed.
SELECT id, at, passed, body FROM offers.evaluation WHERE model = %(model)s ORDER BY at DESC, id DESC LIMIT 1;

-- name: message
-- A message as "why" tells of it, with what was picked when it was.
SELECT sent.topic, sent.channel, sent.planned_at, pick.reason, pick.propensity, pick.eligible, sorting.model,
       sorting.needs, wish.state
FROM delivery.offered AS sent
JOIN subjects.current AS named ON named.number = sent.number
JOIN subjects.current AS person ON person.id = coalesce(named.merged_into, named.id)
LEFT JOIN offers.pick ON pick.number IN (sent.number, person.number) AND 'campaign/' || pick.campaign = sent.template
LEFT JOIN offers.sorting ON sorting.id = pick.sorting
LEFT JOIN offers.wish ON wish.number = person.number AND wish.topic = sent.topic AND wish.since <= sent.planned_at
WHERE sent.id = %(message)s AND person.erased_at IS NULL
ORDER BY pick.at DESC NULLS LAST LIMIT 1;

-- name: inherit_heard
-- What a merged identity had told is told by the one that remains.
UPDATE offers.heard SET number = %(number)s WHERE number = %(merged)s;

-- name: inherit_picks
-- What was picked for a merged identity was picked for the one that remains, where nothing else was.
UPDATE offers.pick SET number = %(number)s WHERE number = %(merged)s
  AND NOT EXISTS (SELECT FROM offers.pick AS own WHERE own.sorting = pick.sorting AND own.number = %(number)s);

-- name: inherit_ended
-- Topics that had ended for a merged identity.
INSERT INTO offers.ended (number, topic, at, sends, certainty, said_in, sources)
SELECT %(number)s::int, topic, at, sends, certainty, said_in, sources FROM offers.ended WHERE number = %(merged)s
ON CONFLICT DO NOTHING;

-- name: held_heard
-- What is held of what a person was sent and told.
SELECT topic, channel, segment, at, sign, told_at FROM offers.heard WHERE number = %(number)s ORDER BY at, message;

-- name: held_picks
-- What is held of what was picked for a person.
SELECT at, topic, reason, propensity, eligible, wished, segment FROM offers.pick WHERE number = %(number)s ORDER BY at, sorting;

-- name: held_ended
-- What is held of topics that ended for a person.
SELECT topic, at, sends, certainty, said_in, array_to_string(sources, ', ') AS sources FROM offers.ended WHERE number = %(number)s ORDER BY topic;

-- name: correct_sign
-- What a person told is put right.
UPDATE offers.heard SET sign = %(new)s
WHERE number = %(number)s AND sign IS NOT DISTINCT FROM %(old)s AND sign IS DISTINCT FROM %(new)s AND told_at IS NOT NULL;

-- name: erase_heard
-- Nothing stays of what a person told.
DELETE FROM offers.heard WHERE number = %(number)s;

-- name: erase_picks
-- Nothing stays of what was picked for a person.
DELETE FROM offers.pick WHERE number = %(number)s;

-- name: erase_ended
-- Nothing stays of which topics ended for a person.
DELETE FROM offers.ended WHERE number = %(number)s;

-- name: forget_heard
-- What is too old to be remembered.
DELETE FROM offers.heard WHERE at < %(before)s;

-- name: forget_pick
-- Picks that are too old to be judged by.
DELETE FROM offers.pick WHERE at < %(before)s;

-- name: forget_heard_withdrawn
-- Of whoever took back the consent to offers before an instant, nothing is kept any longer.
DELETE FROM offers.heard USING consents.current AS said
WHERE said.number = heard.number AND said.purpose = 'offers' AND said.channel = '' AND said.decision <> 'given'
  AND said.recorded_at < %(withdrawn)s;

-- name: forget_pick_withdrawn
-- Of whoever took back the consent to offers before an instant, nothing is kept any longer.
DELETE FROM offers.pick USING consents.current AS said
WHERE said.number = pick.number AND said.purpose = 'offers' AND said.channel = '' AND said.decision <> 'given'
  AND said.recorded_at < %(withdrawn)s;

-- name: forget_ended_withdrawn
-- Of whoever took back the consent to offers before an instant, nothing is kept any longer.
DELETE FROM offers.ended USING consents.current AS said
WHERE said.number = ended.number AND said.purpose = 'offers' AND said.channel = '' AND said.decision <> 'given'
  AND said.recorded_at < %(withdrawn)s;
