CREATE SCHEMA offers;
GRANT USAGE ON SCHEMA offers TO {app};

-- What a person wants to hear about. The learner may only stop; what the person has said binds it.
CREATE TABLE offers.wish (
    number int NOT NULL,
    topic  text NOT NULL,
    state  text NOT NULL CHECK (state IN ('want', 'neutral', 'never')),
    by     text NOT NULL CHECK (by IN ('person', 'learner')),
    since  timestamptz NOT NULL,
    reason text,                       -- the learner's, a stable word
    PRIMARY KEY (number, topic),
    CHECK (by = 'person' OR state = 'never')
);
CREATE INDEX wish_topic ON offers.wish (topic, state);
GRANT SELECT, INSERT, UPDATE, DELETE ON offers.wish TO {app};
SELECT gate.guard('offers.wish');

-- Campaigns: what is offered to whom, by which channels, in which words. Nothing here is about a person.
CREATE TABLE offers.campaign (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    kind       text NOT NULL CHECK (kind IN ('plain', 'smart')),
    topic      text NOT NULL,
    body       jsonb NOT NULL,         -- criteria, channels, words, in the shapes of model.py
    holdout    int NOT NULL CHECK (holdout BETWEEN 0 AND 50),   -- percent that is sent nothing, to compare with
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL CHECK (ends_at > starts_at),
    state      text NOT NULL CHECK (state IN
               ('draft', 'submitted', 'approved', 'running', 'paused', 'finished', 'stopped')),
    reason     text,                   -- why it was stopped, or sent back: a stable word or a sentence of the one who did
    version    int NOT NULL DEFAULT 1, -- counts every change; who edits names the one they saw
    written_by text NOT NULL,          -- a member's id, or `cli`: who changed it last
    submitted_by text,
    approved_by  text,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (state NOT IN ('approved', 'running', 'paused', 'finished') OR approved_by <> submitted_by)
);
CREATE INDEX campaign_newest ON offers.campaign (created_at, id);
CREATE INDEX campaign_due ON offers.campaign (state) WHERE state IN ('approved', 'running', 'paused');

-- Every change of a campaign, by whom. Append-only.
CREATE TABLE offers.campaign_change (
    campaign uuid NOT NULL REFERENCES offers.campaign (id),
    version  int NOT NULL,
    what     text NOT NULL,            -- created, edited, submitted, returned, approved, started, paused, …
    by       text NOT NULL,            -- a member's id, `cli` or `worker`
    at       timestamptz NOT NULL,
    reason   text,
    PRIMARY KEY (campaign, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offers.campaign_change
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE offers.campaign_change ENABLE ALWAYS TRIGGER append_only;

-- Whom a campaign was planned for through each channel: the frozen audience, and how many were left out and why. Who is
-- held out follows from the campaign's key, and is written down nowhere.
CREATE TABLE offers.selection (
    campaign uuid NOT NULL REFERENCES offers.campaign (id),
    channel  text NOT NULL,
    audience uuid NOT NULL,
    excluded jsonb NOT NULL,
    planned  bigint NOT NULL,
    refused  bigint NOT NULL,
    held_out bigint NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (campaign, channel)
);
GRANT SELECT, INSERT, UPDATE ON offers.campaign, offers.selection TO {app};
GRANT SELECT, INSERT ON offers.campaign_change TO {app};
