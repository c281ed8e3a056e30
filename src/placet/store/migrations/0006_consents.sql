CREATE SCHEMA consents;
GRANT USAGE ON SCHEMA consents TO {app};

-- The fold of the ledger to now: one row for each subject, purpose and channel ('' is the purpose itself).
-- Rebuilt from the ledger by `placet ledger rebuild --states`; never the truth.
CREATE TABLE consents.state (
    number       int NOT NULL,
    purpose      text NOT NULL,
    channel      text NOT NULL DEFAULT '',
    decision     text NOT NULL CHECK (decision IN
                 ('given', 'refused', 'withdrawn', 'objected', 'requested', 'expired', 'invalidated', 'suspended')),
    position     bigint NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    closed_at    timestamptz,          -- occurred_at of the latest no or suspension: no older yes opens again
    closed_by_self boolean NOT NULL DEFAULT false, -- whether that no was the subject's own
    notice_major int,                  -- of the notice a `given` was said on
    expires_at   timestamptz,
    PRIMARY KEY (number, purpose, channel)
);
CREATE INDEX state_given ON consents.state (purpose, channel, number) WHERE decision = 'given';
CREATE INDEX state_expiry ON consents.state (expires_at) WHERE decision = 'given' AND expires_at IS NOT NULL;

-- What changed at each position, for those who follow: replicas, and later subscribers. Written in the deciding
-- transaction, read in order. `number` null: the catalogue changed (`purpose` and `notice_major` say what).
CREATE TABLE consents.outbox (
    position     bigint NOT NULL,
    item         smallint NOT NULL,
    number       int,
    purpose      text,
    channel      text NOT NULL DEFAULT '',
    decision     text NOT NULL,        -- as in state, or 'erased', 'published'
    notice_major int,
    expires_at   timestamptz,
    PRIMARY KEY (position, item)
);

-- Requests already answered, by the hash of client and key; the answer is the position. Old rows may be deleted.
CREATE TABLE consents.idempotency (
    key        bytea PRIMARY KEY,
    request    bytea NOT NULL,         -- SHA-256 of the request: the same key with another request is a conflict
    position   bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX idempotency_age ON consents.idempotency (created_at);

-- What may identify a person and must stay erasable: sealed under the subject's key, its keyed hash is in the record.
CREATE TABLE consents.evidence (
    hash       bytea PRIMARY KEY,
    number     int NOT NULL,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX evidence_subject ON consents.evidence (number);

GRANT SELECT, INSERT, UPDATE, DELETE ON consents.state, consents.outbox, consents.idempotency, consents.evidence TO {app};

CREATE VIEW consents.current AS
    SELECT number, purpose, channel, decision, position, occurred_at, recorded_at, notice_major, expires_at FROM consents.state;
CREATE VIEW consents.change AS
    SELECT position, item, number, purpose, channel, decision, notice_major, expires_at FROM consents.outbox;
GRANT SELECT ON consents.current, consents.change TO {app};
