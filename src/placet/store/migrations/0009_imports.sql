-- Imports of decisions. The digest of the file and the number of a line name a row for ever; `done` says up to which line
-- all rows were answered. It moves in the transaction that records them, so nothing is recorded twice and nothing lost.
CREATE TABLE consents.import (
    file        bytea PRIMARY KEY CHECK (octet_length(file) = 32), -- SHA-256 of the file
    options     text NOT NULL,           -- how it was begun; going on differently would be another import
    done        bigint NOT NULL DEFAULT 0,
    recorded    bigint NOT NULL DEFAULT 0,
    ignored     bigint NOT NULL DEFAULT 0, -- recorded, but an older yes does not override a newer no
    repeated    bigint NOT NULL DEFAULT 0, -- its `row_key` had been answered before
    refused     bigint NOT NULL DEFAULT 0,
    created     bigint NOT NULL DEFAULT 0, -- subjects
    begun_at    timestamptz NOT NULL,
    finished_at timestamptz
);

-- Which rows were refused and why, without what they said: with the file at hand their report can be written again.
CREATE TABLE consents.import_refusal (
    file    bytea NOT NULL REFERENCES consents.import (file) ON DELETE CASCADE,
    line    bigint NOT NULL,
    code    text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (file, line)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON consents.import, consents.import_refusal TO {app};
