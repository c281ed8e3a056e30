-- What each person answered when asked whether we may learn from the links that they press. A row stands until the next
-- one; what was said is never changed. It is the proof of the permission (GDPR 7(1)).
CREATE TABLE offers.click_answer (
    id       uuid PRIMARY KEY,
    number   int NOT NULL,
    decision text NOT NULL CHECK (decision IN ('given', 'refused', 'withdrawn')),
    said     text NOT NULL CHECK (said IN ('portal', 'with-consent')),   -- how; the last: with the consent to offers
    sha256   bytea CHECK (octet_length(sha256) = 32),                            -- of the text that they answered
    at       timestamptz NOT NULL,
    until    timestamptz CHECK (until >= at),
    CHECK ((said = 'with-consent') = (sha256 IS NULL)),
    CHECK (said <> 'with-consent' OR decision = 'withdrawn')
);
CREATE UNIQUE INDEX click_answer_standing ON offers.click_answer (number) WHERE until IS NULL;
CREATE INDEX click_answer_of ON offers.click_answer (number, at);
GRANT SELECT, INSERT, DELETE, UPDATE (number, until) ON offers.click_answer TO {app};
SELECT gate.guard('offers.click_answer');

-- The texts that were answered, by their hash. About nobody; kept for ever.
CREATE TABLE offers.click_question (
    sha256   bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    document bytea NOT NULL,
    at       timestamptz NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offers.click_question
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE offers.click_question ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON offers.click_question TO {app};

-- Messages whose links are counted, since their person allowed it when they started, and when one was pressed. `secret`
-- stands in the links. `hit_at` and `hit_link`: the newest opening, by which programs that open everything are told
-- apart; forgotten after a day.
CREATE TABLE offers.counted (
    message    uuid PRIMARY KEY,
    number     int NOT NULL,
    campaign   uuid NOT NULL,
    topic      text NOT NULL,
    secret     bytea NOT NULL UNIQUE CHECK (octet_length(secret) = 8),
    at         timestamptz NOT NULL,     -- when the message started
    hit_at     timestamptz,
    hit_link   smallint,
    pressed_at timestamptz,
    CHECK ((hit_at IS NULL) = (hit_link IS NULL))
);
CREATE INDEX counted_of ON offers.counted (number, at);
CREATE INDEX counted_at ON offers.counted (at);
CREATE INDEX counted_hit ON offers.counted (hit_at) WHERE hit_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON offers.counted TO {app};
SELECT gate.guard('offers.counted');

-- What a member wrote down of a call can be that the topic does not interest the person, or that they never want it.
ALTER TABLE delivery.call DROP CONSTRAINT call_outcome_check;
ALTER TABLE delivery.call ADD CONSTRAINT call_outcome_check CHECK (outcome IN
    ('reached-interested', 'reached-not-now', 'reached-not-interested', 'no-answer', 'wrong-number', 'stop-topic',
     'stop-calling'));

-- What came of calls with offers, as far as folders above may know of it.
CREATE VIEW delivery.called AS
    SELECT call.message, call.outcome, call.ended_at
    FROM delivery.call JOIN delivery.message ON message.id = call.message
    WHERE message.kind = 'offer' AND call.outcome IS NOT NULL;
GRANT SELECT ON delivery.called TO {app};

-- A person tells of a topic on the telephone, too.
ALTER TABLE offers.heard DROP CONSTRAINT heard_sign_check;
ALTER TABLE offers.heard ADD CONSTRAINT heard_sign_check CHECK (sign IN
    ('more', 'less', 'answer', 'interested', 'not-now', 'not-interested'));

-- As 0018, and by what it was told: a word under a message, a call, a link that was counted (pressed, or not by
-- `unpressed`), or nothing at all. What a person said goes before what they pressed.
DROP FUNCTION offers.weighed(json, float8, timestamptz, timestamptz, timestamptz);
CREATE FUNCTION offers.weighed(
    signs json, half_life float8, since timestamptz, silent timestamptz, unpressed timestamptz, now timestamptz)
RETURNS TABLE (
    number int, topic text, segment text, at timestamptz, wanted float8, unwanted float8, source text)
LANGUAGE sql STABLE AS $$
    SELECT heard.number, heard.topic, heard.segment, heard.at,
           kept.share * coalesce(weight.wanted, 0), kept.share * coalesce(weight.unwanted, 1),
           CASE WHEN heard.sign IN ('interested', 'not-now', 'not-interested') THEN 'call'
                WHEN heard.sign IS NOT NULL THEN 'word' WHEN link.message IS NOT NULL THEN 'link' ELSE 'silence' END
    FROM offers.heard
    LEFT JOIN offers.counted AS link ON link.message = heard.message
    LEFT JOIN json_to_recordset(signs) AS weight (sign text, wanted float8, unwanted float8)
        ON weight.sign = coalesce(heard.sign, CASE WHEN link.pressed_at IS NOT NULL THEN 'pressed' END)
    CROSS JOIN LATERAL (SELECT power(0.5, extract(epoch FROM now - heard.at)::float8 / half_life) AS share) AS kept
    WHERE heard.at > since AND heard.at <= now
      AND (heard.sign IS NOT NULL OR link.pressed_at IS NOT NULL OR heard.at <= silent
           OR (link.message IS NOT NULL AND heard.at <= unpressed))
$$;

-- What a topic ended by: words as above. None, and no figures: by presses that the person had forgotten since.
ALTER TABLE offers.ended ADD COLUMN sources text[] NOT NULL DEFAULT '{}';
ALTER TABLE offers.ended ALTER COLUMN sends DROP NOT NULL, ALTER COLUMN certainty DROP NOT NULL;

-- An offer was picked for what somebody pressed or said on the telephone, or for what they had forgotten since.
ALTER TABLE offers.pick DROP CONSTRAINT pick_reason_check;
ALTER TABLE offers.pick ADD CONSTRAINT pick_reason_check CHECK (reason IN
    ('wished', 'liked', 'called', 'pressed', 'popular', 'trying', 'forgotten'));
