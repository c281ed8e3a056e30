-- What was offered, as far as folders above may know of it: no address, nothing of what was written.
CREATE VIEW delivery.offered AS
    SELECT id, number, key, kind, activity, channel, topic, template, language, state, planned_at, started_at
    FROM delivery.message WHERE kind <> 'service';
GRANT SELECT ON delivery.offered TO {app};

-- What reached whom on which topic, and what they told of it. The learner reads this under the purpose's role only.
CREATE TABLE offers.heard (
    message  uuid PRIMARY KEY,
    number   int NOT NULL,
    topic    text NOT NULL,
    channel  text NOT NULL,
    segment  text NOT NULL,            -- a coarse part of the customers: the language they are written to in
    campaign uuid,
    at       timestamptz NOT NULL,
    sign     text CHECK (sign IN ('more', 'less', 'answer')),   -- the last one; null: nothing was told
    told_at  timestamptz,
    CHECK ((sign IS NULL) = (told_at IS NULL))
);
CREATE INDEX heard_of ON offers.heard (number, topic, at);
CREATE INDEX heard_at ON offers.heard (at);
GRANT SELECT, INSERT, UPDATE, DELETE ON offers.heard TO {app};
SELECT gate.guard('offers.heard');

-- What each message told, each as far as it is remembered (`signs`: the weight of each); silence counts once its time is
-- over. Runs with the rights of who asks: under a purpose's role it sees who consents.
CREATE FUNCTION offers.weighed(signs json, half_life float8, since timestamptz, silent timestamptz, now timestamptz)
RETURNS TABLE (number int, topic text, segment text, at timestamptz, wanted float8, unwanted float8)
LANGUAGE sql STABLE AS $$
    SELECT heard.number, heard.topic, heard.segment, heard.at,
           kept.share * coalesce(weight.wanted, 0), kept.share * coalesce(weight.unwanted, 1)
    FROM offers.heard
    LEFT JOIN json_to_recordset(signs) AS weight (sign text, wanted float8, unwanted float8) USING (sign)
    CROSS JOIN LATERAL (SELECT power(0.5, extract(epoch FROM now - heard.at)::float8 / half_life) AS share) AS kept
    WHERE heard.at > since AND heard.at <= now AND (heard.sign IS NOT NULL OR heard.at <= silent)
$$;

-- What is believed of each topic before a person told anything: fitted anew each day.
CREATE TABLE offers.population (
    model text PRIMARY KEY,
    at    timestamptz NOT NULL,
    body  jsonb NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON offers.population TO {app};

-- One sorting: campaigns that competed for the same people, by which model, under which audience and consents.
CREATE TABLE offers.sorting (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    model      text NOT NULL,
    evaluation uuid,                   -- what the model had passed; null: the plain rule sorted
    audience   uuid NOT NULL,
    needs      text[] NOT NULL,
    campaigns  uuid[] NOT NULL
);
GRANT SELECT, INSERT ON offers.sorting TO {app};

-- What was picked for each of them: among what, with which probability, and why.
CREATE TABLE offers.pick (
    sorting    uuid NOT NULL REFERENCES offers.sorting (id),
    number     int NOT NULL,
    at         timestamptz NOT NULL,
    campaign   uuid,                   -- null: nothing
    topic      text,
    segment    text NOT NULL,
    eligible   text NOT NULL,          -- topics, parted by |
    wished     text NOT NULL,
    propensity double precision NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    reason     text CHECK (reason IN ('wished', 'liked', 'popular', 'trying')),
    PRIMARY KEY (sorting, number),
    CHECK ((campaign IS NULL) = (topic IS NULL) AND (campaign IS NULL) = (reason IS NULL))
);
CREATE INDEX pick_of ON offers.pick (number, campaign);
CREATE INDEX pick_at ON offers.pick (at);
GRANT SELECT, INSERT, UPDATE, DELETE ON offers.pick TO {app};
SELECT gate.guard('offers.pick');

-- Topics that ended for a person because they did not interest them; `said_in`: the template of the message that told so.
CREATE TABLE offers.ended (
    number    int NOT NULL,
    topic     text NOT NULL,
    at        timestamptz NOT NULL,
    sends     int NOT NULL,
    certainty double precision NOT NULL,
    said_in   text,
    PRIMARY KEY (number, topic)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON offers.ended TO {app};
SELECT gate.guard('offers.ended');

-- Each evaluation of a model on what it had picked itself. Append-only: what let a model sort is proof.
CREATE TABLE offers.evaluation (
    id     uuid PRIMARY KEY,
    at     timestamptz NOT NULL,
    model  text NOT NULL,
    passed boolean NOT NULL,
    body   jsonb NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offers.evaluation
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE offers.evaluation ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON offers.evaluation TO {app};
