CREATE SCHEMA ledger;
GRANT USAGE ON SCHEMA ledger TO {app};

-- Where the ledger ends. Whoever decides holds this row's lock from before the state is read until commit.
CREATE TABLE ledger.head (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch       text NOT NULL CHECK (epoch ~ '^[0-9a-f]{8}$'),
    position    bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL
);

-- Every record and event, in order and without a gap. `body` is the canonical JSON that was hashed; the columns beside
-- it repeat what the fold and the searches need, and `placet ledger verify` compares the two.
CREATE TABLE ledger.record (
    position    bigint PRIMARY KEY,
    id          uuid NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL,
    subject     uuid,          -- null for an event in clear (catalogue, key, epoch); set for `erased`
    purpose     text,
    channel     text,          -- null: the purpose itself
    decision    text,          -- null for an event
    occurred_at timestamptz,
    body        bytea NOT NULL,
    entry       bytea          -- 33 bytes (0x01 ‖ commitment); null for an event, whose entry is 0x02 ‖ body
);
CREATE INDEX record_subject ON ledger.record (subject, position) WHERE subject IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.record EXECUTE FUNCTION store.refuse_change();
ALTER TABLE ledger.record ENABLE ALWAYS TRIGGER append_only;

-- Full tiles of the tree (C2SP tlog-tiles): 256 hashes of 32 bytes. Partial ones are derived from the records.
CREATE TABLE ledger.tile (
    level  smallint NOT NULL,
    n      bigint NOT NULL,
    hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (level, n)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.tile EXECUTE FUNCTION store.refuse_change();
ALTER TABLE ledger.tile ENABLE ALWAYS TRIGGER append_only;

-- Every checkpoint that was signed, as the signed note that was published.
CREATE TABLE ledger.checkpoint (
    size      bigint NOT NULL,
    epoch     text NOT NULL,
    root      bytea NOT NULL CHECK (octet_length(root) = 32),
    note      text NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (epoch, size)
);
CREATE INDEX checkpoint_size ON ledger.checkpoint (size);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.checkpoint EXECUTE FUNCTION store.refuse_change();
ALTER TABLE ledger.checkpoint ENABLE ALWAYS TRIGGER append_only;

CREATE TABLE ledger.cosignature (
    epoch     text NOT NULL,
    size      bigint NOT NULL,
    witness   text NOT NULL,
    line      text NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (epoch, size, witness),
    FOREIGN KEY (epoch, size) REFERENCES ledger.checkpoint (epoch, size)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.cosignature EXECUTE FUNCTION store.refuse_change();
ALTER TABLE ledger.cosignature ENABLE ALWAYS TRIGGER append_only;

INSERT INTO ledger.head (epoch, recorded_at) VALUES (substr(md5(random()::text || clock_timestamp()::text), 1, 8), 'epoch');

GRANT SELECT, INSERT ON ledger.record, ledger.tile, ledger.checkpoint, ledger.cosignature TO {app};
GRANT SELECT, UPDATE ON ledger.head TO {app};

-- The face of this folder for the folders above it.
CREATE VIEW ledger.ending AS SELECT epoch, position, recorded_at FROM ledger.head;
CREATE VIEW ledger.entered AS
    SELECT position, id, recorded_at, subject, purpose, channel, decision, occurred_at, body, entry FROM ledger.record;
GRANT SELECT ON ledger.ending, ledger.entered TO {app};
