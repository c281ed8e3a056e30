CREATE SCHEMA access;
GRANT USAGE ON SCHEMA access TO {app};

-- A key of a program that calls us. Only the SHA-256 of the secret is here: 192 random bits need no slow hash.
CREATE TABLE access.api_key (
    id           text PRIMARY KEY CHECK (id ~ '^[0-9a-z]{12}$'),
    client       text NOT NULL,
    hash         bytea NOT NULL CHECK (octet_length(hash) = 32),
    scopes       text[] NOT NULL CHECK (cardinality(scopes) > 0),
    per_second   int NOT NULL CHECK (per_second > 0),
    burst        int NOT NULL CHECK (burst > 0),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,          -- set by rotation: the old key works until then
    revoked_at   timestamptz,
    last_used_on date,                 -- the day is enough to find keys that nobody uses
    rotated_to   text REFERENCES access.api_key (id)
);

-- A customer who signed in. The token is not here, only its hash; `token` holds the newest consistency token that the
-- customer was shown, so that no later page of theirs is older (design.md, Semantics: token).
CREATE TABLE access.session (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    id         uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), -- what a list of sessions calls it; it opens nothing
    method     text NOT NULL DEFAULT 'code',
    network    text NOT NULL DEFAULT '–',  -- where from and with what, coarsely
    browser    text NOT NULL DEFAULT '–',
    subject    uuid NOT NULL,
    language   text NOT NULL,
    epoch      text,
    position   bigint,
    opened_at  timestamptz NOT NULL,
    used_at    timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX session_subject ON access.session (subject);
CREATE INDEX session_age ON access.session (opened_at);

-- A one-time code that was asked for, whether or not the contact is known. Contact and address are keyed hashes.
CREATE TABLE access.challenge (
    id           uuid PRIMARY KEY,
    contact      bytea NOT NULL,
    address      bytea NOT NULL,
    subject      uuid,                 -- null: nobody is known by this contact, so no code will ever fit
    code         bytea NOT NULL CHECK (octet_length(code) = 32),
    requested_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    attempts     int NOT NULL DEFAULT 0,
    used_at      timestamptz
);
CREATE INDEX challenge_contact ON access.challenge (contact, requested_at);
CREATE INDEX challenge_address ON access.challenge (address, requested_at);
CREATE INDEX challenge_age ON access.challenge (requested_at);

-- Demo mode only: the codes that would have been sent, in clear. A row without a code is a decoy.
CREATE TABLE access.demo_outbox (
    challenge  uuid PRIMARY KEY REFERENCES access.challenge (id) ON DELETE CASCADE,
    contact    text NOT NULL,
    code       text,
    language   text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX demo_outbox_age ON access.demo_outbox (created_at);

GRANT SELECT, INSERT, UPDATE ON access.api_key TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON access.session, access.challenge TO {app};
GRANT SELECT, INSERT, DELETE ON access.demo_outbox TO {app};
