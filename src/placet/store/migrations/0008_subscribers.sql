CREATE SCHEMA subscribers;
GRANT USAGE ON SCHEMA subscribers TO {app};

-- A program that is told of every change, in order. The signing secret is derived from the master key and not here.
CREATE TABLE subscribers.subscriber (
    id          uuid PRIMARY KEY,
    client      text NOT NULL,         -- name of the API key's program that registered it
    url         text NOT NULL CHECK (length(url) <= 2000),
    position    bigint NOT NULL CHECK (position >= 0),  -- it has acknowledged everything up to here
    created_at  timestamptz NOT NULL,
    answered_at timestamptz,           -- of its last acknowledgement
    failures    int NOT NULL DEFAULT 0,
    failure     text,                  -- what the last attempt met, in a stable word
    due_at      timestamptz NOT NULL,  -- not tried before
    held_until  timestamptz            -- a process is delivering; after this instant another may take over
);

GRANT SELECT, INSERT, UPDATE, DELETE ON subscribers.subscriber TO {app};
