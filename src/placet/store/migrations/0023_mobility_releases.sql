-- A release has its name before anything is paid for it: whoever asks again for the same window and plan gets the same.
CREATE TABLE mobility.planned (
    release   text PRIMARY KEY CHECK (release ~ '^[0-9a-z][0-9a-z-]{0,40}$'),
    name      text NOT NULL,                                -- of the window
    first     date NOT NULL,
    until     date NOT NULL,
    plan      text NOT NULL CHECK (plan ~ '^[0-9a-f]{64}$'),
    opened_by uuid,                                         -- a member of staff; null: the program itself
    opened_at timestamptz NOT NULL,
    UNIQUE (name, plan),
    CHECK (first < until)
);

-- What was released: its figures lie in the data folder under these hashes. Append-only.
CREATE TABLE mobility.release (
    id         text PRIMARY KEY REFERENCES mobility.planned (release),
    made_at    timestamptz NOT NULL,
    products   jsonb NOT NULL,                              -- each with what it cost, and by which noise
    population jsonb,                                       -- from noisy counts
    atlas      text NOT NULL CHECK (atlas ~ '^[0-9a-f]{64}$'),
    sha256     text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    position   bigint NOT NULL,                             -- of the event in the ledger
    audience   uuid                                         -- under which events were read; null: of nobody who lives
);
CREATE INDEX release_newest ON mobility.release (made_at, id);

-- What became of it: made public by a second person, withdrawn with a notice. Append-only; each happens once.
CREATE TABLE mobility.release_step (
    release text NOT NULL REFERENCES mobility.release (id),
    what    text NOT NULL CHECK (what IN ('published', 'withdrawn')),
    by      uuid,
    at      timestamptz NOT NULL,
    notice  text CHECK ((what = 'withdrawn') = (notice IS NOT NULL)),
    PRIMARY KEY (release, what)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mobility.planned
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE mobility.planned ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mobility.release
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE mobility.release ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mobility.release_step
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE mobility.release_step ENABLE ALWAYS TRIGGER append_only;

GRANT SELECT, INSERT ON mobility.planned, mobility.release, mobility.release_step TO {app};
