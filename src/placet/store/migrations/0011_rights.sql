CREATE SCHEMA rights;
GRANT USAGE ON SCHEMA rights TO {app};

-- What a person asked for (GDPR 12-22, or a complaint). Pseudonymous ids only; every word lies in `rights.words`.
CREATE TABLE rights.request (
    id          uuid PRIMARY KEY,      -- version 7: in the order of filing
    subject     uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('access', 'rectification', 'erasure', 'restriction', 'portability',
                'objection', 'human-review', 'complaint')),
    state       text NOT NULL CHECK (state IN
                ('received', 'in-progress', 'extended', 'done', 'refused', 'withdrawn')),
    route       text NOT NULL CHECK (route IN ('portal', 'desk', 'phone', 'post', 'email')),
    actor       text NOT NULL,         -- who filed it: kind and pseudonym, as in a record
    actor_id    text,
    opening     uuid,                  -- the opening of the record under which an agent filed it
    concerns    text,                  -- the record, use or activity that it is about
    received_at timestamptz NOT NULL,
    due         timestamptz NOT NULL,  -- the last second of the last day (GDPR 12(3), Regulation 1182/71)
    extended_at timestamptz,
    owner       uuid,                  -- the member who works on it
    closed_at   timestamptz,
    key         bytea UNIQUE,          -- hash of the client and its idempotency key
    digest      bytea,                 -- keyed hash of what was asked under that key
    CHECK ((state IN ('done', 'refused', 'withdrawn')) = (closed_at IS NOT NULL)),
    CHECK ((key IS NULL) = (digest IS NULL))
);
CREATE INDEX request_subject ON rights.request (subject, id);
CREATE INDEX request_queue ON rights.request (state, due, id);
CREATE INDEX request_open ON rights.request (due) WHERE closed_at IS NULL;

-- What happened to a request, by whom. Append-only: the history of a deadline must not be improved afterwards.
CREATE TABLE rights.step (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request  uuid NOT NULL REFERENCES rights.request (id),
    kind     text NOT NULL CHECK (kind IN ('filed', 'taken', 'handed-over', 'released', 'extended', 'done', 'refused',
             'withdrawn', 'erased')),
    at       timestamptz NOT NULL,
    actor    text NOT NULL,
    actor_id text,
    owner    uuid,                     -- who works on it from this step on
    due      timestamptz NOT NULL
);
CREATE INDEX step_request ON rights.step (request, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rights.step EXECUTE FUNCTION store.refuse_change();
ALTER TABLE rights.step ENABLE ALWAYS TRIGGER append_only;

-- What was said at a step, sealed under the subject's key: it goes when the person goes.
CREATE TABLE rights.words (
    step    bigint PRIMARY KEY REFERENCES rights.step (id),
    subject uuid NOT NULL,
    sealed  bytea NOT NULL
);
CREATE INDEX words_subject ON rights.words (subject);

-- A restriction of processing (GDPR 18) with its ground; the gate keeps to it. The person is told before it is lifted.
CREATE TABLE rights.restriction (
    id         uuid PRIMARY KEY,
    subject    uuid NOT NULL,
    purpose    text,                   -- null: all of them
    ground     text NOT NULL CHECK (ground IN ('accuracy', 'unlawful', 'claims', 'objection')),
    request    uuid REFERENCES rights.request (id),
    actor      text NOT NULL,
    actor_id   text,
    since      timestamptz NOT NULL,
    told_at    timestamptz,
    lifting_at timestamptz CHECK (lifting_at > told_at),
    lifted_at  timestamptz CHECK (lifted_at >= since)
);
CREATE INDEX restriction_subject ON rights.restriction (subject, since);

-- Where something was corrected (GDPR 16): which field in which room, never the value.
CREATE TABLE rights.correction (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject  uuid NOT NULL,
    at       timestamptz NOT NULL,
    actor    text NOT NULL,
    actor_id text,
    place    text NOT NULL,            -- `subjects`, or a purpose
    field    text NOT NULL,
    rows     int NOT NULL CHECK (rows > 0)
);
CREATE INDEX correction_subject ON rights.correction (subject, id);

-- Who was erased, as the journal outside the database says (DATA_DIR/erasures/journal): `entry` is the number of the
-- line there, `mac` its seal. `position` null: erased again after a restore, before the log was allowed to say so.
CREATE TABLE rights.erasure (
    subject   uuid PRIMARY KEY,
    entry     bigint NOT NULL,
    mac       bytea NOT NULL CHECK (octet_length(mac) = 32),
    erased_at timestamptz NOT NULL,
    position  bigint
);
CREATE INDEX erasure_unsaid ON rights.erasure (entry) WHERE position IS NULL;
CREATE INDEX erasure_entry ON rights.erasure (entry);

GRANT SELECT, INSERT, UPDATE ON rights.request, rights.restriction TO {app};
GRANT SELECT, INSERT ON rights.step, rights.correction TO {app};
GRANT SELECT, INSERT, DELETE ON rights.words TO {app};
GRANT SELECT, INSERT, UPDATE ON rights.erasure TO {app};
