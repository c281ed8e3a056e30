CREATE SCHEMA catalogue;
GRANT USAGE ON SCHEMA catalogue TO {app};

-- Every catalogue that was published, as the canonical JSON its digest covers, under the ledger position of its event.
-- The one with the highest position is in force.
CREATE TABLE catalogue.edition (
    position     bigint PRIMARY KEY,
    catalogue    text NOT NULL,
    major        int NOT NULL,
    minor        int NOT NULL,
    digest       bytea NOT NULL CHECK (octet_length(digest) = 32),
    document     bytea NOT NULL,
    published_at timestamptz NOT NULL
);

-- What SQL of the folders above needs to know of an edition; the document says the same and more.
CREATE TABLE catalogue.notice (
    position bigint NOT NULL REFERENCES catalogue.edition,
    purpose  text NOT NULL,
    major    int NOT NULL,
    minor    int NOT NULL,
    PRIMARY KEY (position, purpose)
);

-- `needs_none`: no consent is needed, another legal basis carries it.
CREATE TABLE catalogue.activity (
    position    bigint NOT NULL REFERENCES catalogue.edition,
    activity    text NOT NULL,
    channel     text,
    legal_basis text NOT NULL,
    needs_none  boolean NOT NULL,
    PRIMARY KEY (position, activity)
);

-- All rows of an activity must hold. `channel` null: the purpose alone; else the purpose and this channel of it.
CREATE TABLE catalogue.need (
    position bigint NOT NULL REFERENCES catalogue.edition,
    activity text NOT NULL,
    purpose  text NOT NULL,
    channel  text,
    PRIMARY KEY (position, activity, purpose)
);

-- Every text that was shown to a person, byte for byte as hashed. No personal data.
CREATE TABLE catalogue.shown (
    sha256         bytea PRIMARY KEY CHECK (sha256 = sha256(document)),
    document       bytea NOT NULL,
    purpose        text NOT NULL,
    major          int NOT NULL,
    minor          int NOT NULL,
    language       text NOT NULL,
    route          text NOT NULL,
    first_shown_at timestamptz NOT NULL
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue.edition EXECUTE FUNCTION store.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue.notice EXECUTE FUNCTION store.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue.activity EXECUTE FUNCTION store.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue.need EXECUTE FUNCTION store.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue.shown EXECUTE FUNCTION store.refuse_change();
ALTER TABLE catalogue.edition ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE catalogue.notice ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE catalogue.activity ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE catalogue.need ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE catalogue.shown ENABLE ALWAYS TRIGGER append_only;

GRANT SELECT, INSERT ON
    catalogue.edition, catalogue.notice, catalogue.activity, catalogue.need, catalogue.shown TO {app};

-- The face of this folder for the folders above it: what is in force.
CREATE VIEW catalogue.current_edition AS
    SELECT position, catalogue, major, minor, digest, published_at FROM catalogue.edition
    ORDER BY position DESC LIMIT 1;
CREATE VIEW catalogue.current_notice AS
    SELECT purpose, major, minor FROM catalogue.notice
    WHERE position = (SELECT max(position) FROM catalogue.edition);
CREATE VIEW catalogue.current_activity AS
    SELECT activity, channel, legal_basis, needs_none FROM catalogue.activity
    WHERE position = (SELECT max(position) FROM catalogue.edition);
CREATE VIEW catalogue.current_need AS
    SELECT activity, purpose, channel FROM catalogue.need
    WHERE position = (SELECT max(position) FROM catalogue.edition);
GRANT SELECT ON
    catalogue.current_edition, catalogue.current_notice, catalogue.current_activity, catalogue.current_need TO {app};
