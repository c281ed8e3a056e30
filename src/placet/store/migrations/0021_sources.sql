CREATE SCHEMA sources;
GRANT USAGE ON SCHEMA sources TO {app};

-- Whose events before an instant must go out of the lake's files; a row goes when they are out of them.
CREATE TABLE sources.forgotten (
    number   int PRIMARY KEY,
    before   timestamptz NOT NULL,
    noted_at timestamptz NOT NULL
);

-- What reads or writes events at present, and of whom: a withdrawal has stopped here when no row names the person.
-- Who dies leaves its row until the lease ends.
CREATE TABLE sources.reading (
    id          uuid PRIMARY KEY,
    what        text NOT NULL,
    members     bytea NOT NULL,       -- roaring bitmap of numbers
    began_at    timestamptz NOT NULL,
    lease_until timestamptz NOT NULL CHECK (lease_until > began_at)
);
ALTER TABLE sources.reading ALTER COLUMN members SET STORAGE EXTERNAL;

GRANT SELECT, INSERT, UPDATE, DELETE ON sources.forgotten, sources.reading TO {app};
SELECT gate.guard('sources.forgotten');
