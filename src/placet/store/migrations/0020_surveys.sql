-- Surveys (O3): what is asked, and where each survey is. Only a draft is changed; a row is never deleted.
CREATE TABLE offers.survey (
    id           uuid PRIMARY KEY,
    serial       int GENERATED ALWAYS AS IDENTITY UNIQUE,   -- names it in links
    form         jsonb NOT NULL,                            -- headings, questions, answers offered, by language
    anonymous    boolean NOT NULL,
    topic        text,
    channels     text[] NOT NULL,
    most         int CHECK (most > 0),                      -- no more people are asked; null: all who may be
    closes_at    timestamptz,
    state        text NOT NULL CHECK (state IN ('draft', 'submitted', 'open', 'closed')),
    created_by   uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    submitted_by uuid,
    opened_at    timestamptz,
    invited_at   timestamptz,                               -- the people were chosen, their messages planned
    closed_at    timestamptz,
    counts       jsonb,                                     -- what was counted, once the answers themselves are deleted
    UNIQUE (id, anonymous),
    CHECK ((state IN ('open', 'closed')) = (opened_at IS NOT NULL)),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((counts IS NOT NULL) <= (state = 'closed'))
);
CREATE INDEX survey_newest ON offers.survey (created_at, id);
CREATE INDEX survey_running ON offers.survey (state) WHERE state = 'open';

-- What was done with a survey, by whom; null: by the worker, in time. Append-only.
CREATE TABLE offers.survey_step (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    survey uuid NOT NULL REFERENCES offers.survey (id),
    what   text NOT NULL CHECK (what IN ('created', 'submitted', 'returned', 'opened', 'closed')),
    by     uuid,
    at     timestamptz NOT NULL,
    reason text
);
CREATE INDEX survey_step_of ON offers.survey_step (survey, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offers.survey_step
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE offers.survey_step ENABLE ALWAYS TRIGGER append_only;

-- Answers that stand with their person. Free text lies under the person's key.
CREATE TABLE offers.survey_reply (
    survey     uuid NOT NULL,
    anonymous  boolean NOT NULL DEFAULT false CHECK (NOT anonymous),
    number     int NOT NULL,
    answers    jsonb NOT NULL,
    sealed     bytea,
    started_at timestamptz NOT NULL,
    sent_at    timestamptz,             -- null: begun, and saved on the way
    forget_at  timestamptz,             -- the person has taken the consent back
    PRIMARY KEY (survey, number),
    FOREIGN KEY (survey, anonymous) REFERENCES offers.survey (id, anonymous)
);
CREATE INDEX survey_reply_of ON offers.survey_reply (number);
CREATE INDEX survey_reply_forget ON offers.survey_reply (forget_at) WHERE forget_at IS NOT NULL;

-- The same where nobody may know whose they are. A ballot is found by a keyed hash of what only the invitation holds,
-- which is stored nowhere; no column tells a person or a time. Once cast it waits for others, and its answers move on.
CREATE TABLE offers.survey_ballot (
    ticket    bytea PRIMARY KEY CHECK (octet_length(ticket) = 32),
    survey    uuid NOT NULL,
    anonymous boolean NOT NULL DEFAULT true CHECK (anonymous),
    answers   jsonb,
    sealed    bytea,
    is_cast   boolean NOT NULL DEFAULT false,
    FOREIGN KEY (survey, anonymous) REFERENCES offers.survey (id, anonymous),
    CHECK (is_cast OR answers IS NOT NULL)
);
CREATE INDEX survey_ballot_waiting ON offers.survey_ballot (survey) WHERE answers IS NOT NULL;

-- Answers of ballots that were cast, at least ten at a time, in an order drawn by lot: no number, no time, no ticket.
CREATE TABLE offers.survey_answer (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    survey  uuid NOT NULL REFERENCES offers.survey (id),
    answers jsonb NOT NULL,
    sealed  bytea
);
CREATE INDEX survey_answer_of ON offers.survey_answer (survey);

GRANT SELECT, INSERT, UPDATE ON offers.survey TO {app};
GRANT SELECT, INSERT ON offers.survey_step TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON offers.survey_reply, offers.survey_ballot TO {app};
GRANT SELECT, INSERT, DELETE ON offers.survey_answer TO {app};
