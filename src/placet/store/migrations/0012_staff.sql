-- Who works here. A local account has a password and a second factor; an account of the identity provider has neither.
CREATE TABLE access.member (
    id          uuid PRIMARY KEY,
    login       text NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'),
    name        text NOT NULL CHECK (name <> ''),
    roles       text[] NOT NULL,
    shop        text,
    source      text NOT NULL CHECK (source IN ('local', 'oidc', 'demo')),
    issuer      text,                  -- of an account of the identity provider: who vouches, and under which name
    external    text,
    password    text,                  -- argon2id with its parameters and salt (RFC 9106); null until an invitation is used
    totp        bytea,                 -- the second factor's secret, sealed; null until enrolled
    totp_step   bigint NOT NULL DEFAULT 0, -- the last time step whose code was used: none counts twice
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz,
    UNIQUE (issuer, external),
    CHECK ((source = 'oidc') = (issuer IS NOT NULL AND external IS NOT NULL))
);

-- Single-use codes for who lost the second factor. Eighty random bits need no slow hash.
CREATE TABLE access.recovery_code (
    hash   bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    member uuid NOT NULL REFERENCES access.member (id)
);
CREATE INDEX recovery_code_member ON access.recovery_code (member);

-- A link with which a member sets a password and a second factor: once, within a day.
CREATE TABLE access.invitation (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    member     uuid NOT NULL REFERENCES access.member (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX invitation_member ON access.invitation (member);

-- A member who signed in. The token is not here, only its hash; network and browser are coarse.
CREATE TABLE access.staff_session (
    hash      bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    id        uuid NOT NULL UNIQUE,
    member    uuid NOT NULL REFERENCES access.member (id),
    method    text NOT NULL,
    network   text NOT NULL,
    browser   text NOT NULL,
    opened_at timestamptz NOT NULL,
    used_at   timestamptz NOT NULL,
    ended_at  timestamptz
);
CREATE INDEX staff_session_member ON access.staff_session (member, opened_at);

-- Attempts to sign in that did not succeed, for the limits: keyed hashes of who was named, from where, with what.
CREATE TABLE access.guess (
    id  uuid NOT NULL,
    who bytea NOT NULL CHECK (octet_length(who) = 32),
    at  timestamptz NOT NULL,
    PRIMARY KEY (id, who)
);
CREATE INDEX guess_who ON access.guess (who, at);
CREATE INDEX guess_age ON access.guess (at);

-- What was done to accounts, by whom; null: on the server's command line, or by the identity provider's groups.
CREATE TABLE access.staff_event (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    member uuid NOT NULL REFERENCES access.member (id),
    by     uuid REFERENCES access.member (id),
    kind   text NOT NULL,
    detail text NOT NULL DEFAULT ''
);
CREATE INDEX staff_event_member ON access.staff_event (member, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access.staff_event EXECUTE FUNCTION store.refuse_change();
ALTER TABLE access.staff_event ENABLE ALWAYS TRIGGER append_only;

-- Every privileged read, with the role and shop of that moment. Ids only; the reason, which a person typed, lies apart
-- and is deleted with the person that it is about.
CREATE TABLE access.read_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    member  uuid NOT NULL REFERENCES access.member (id),
    role    text NOT NULL,
    shop    text,
    what    text NOT NULL,
    subject uuid
);
CREATE INDEX read_log_subject ON access.read_log (subject, id) WHERE subject IS NOT NULL;
CREATE INDEX read_log_member ON access.read_log (member, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access.read_log EXECUTE FUNCTION store.refuse_change();
ALTER TABLE access.read_log ENABLE ALWAYS TRIGGER append_only;

CREATE TABLE access.read_reason (
    read   bigint PRIMARY KEY REFERENCES access.read_log (id),
    reason text NOT NULL
);

-- A passkey of a customer (W3C WebAuthn): a public key, and what its authenticator says of itself.
CREATE TABLE access.passkey (
    id         uuid PRIMARY KEY,
    credential bytea NOT NULL UNIQUE,
    subject    uuid NOT NULL,
    public_key bytea NOT NULL,
    counter    bigint NOT NULL,
    transports text[] NOT NULL,
    syncable   boolean NOT NULL,
    backed_up  boolean NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX passkey_subject ON access.passkey (subject, created_at);

-- A sign-in or an enrolment that has begun elsewhere (an authenticator, an identity provider, a second step) and is
-- finished once, soon, in the same browser. `content` is sealed.
CREATE TABLE access.ceremony (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    kind       text NOT NULL,
    content    bytea NOT NULL,
    attempts   int NOT NULL DEFAULT 0,
    begun_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ceremony_age ON access.ceremony (expires_at);

GRANT SELECT, INSERT, UPDATE ON access.member TO {app};
GRANT SELECT, INSERT, DELETE ON access.recovery_code, access.invitation, access.guess, access.read_reason TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON access.staff_session, access.passkey, access.ceremony TO {app};
GRANT SELECT, INSERT ON access.staff_event, access.read_log TO {app};
