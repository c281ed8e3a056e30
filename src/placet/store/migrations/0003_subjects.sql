CREATE SCHEMA subjects;
GRANT USAGE ON SCHEMA subjects TO {app};

-- Dense numbers for bitmaps. A sequence never gives a number twice, not even after a rollback or a crash, and the
-- application may only ask it for the next one.
CREATE SEQUENCE subjects.numbering AS int NO CYCLE;
GRANT USAGE ON SEQUENCE subjects.numbering TO {app};

-- A person. `name` and `birth_date` are sealed under the person's own key, which is wrapped by the master key.
-- Erasure nulls the key: id, number and the two instants stay as a tombstone, so that neither id nor number returns.
CREATE TABLE subjects.person (
    number      int PRIMARY KEY CHECK (number > 0),
    id          uuid NOT NULL UNIQUE,
    language    text NOT NULL CHECK (language IN ('lv', 'ru', 'en', 'und')),   -- 'und' once erased
    wrapped_key bytea,
    name        bytea,
    birth_date  bytea,
    created_at  timestamptz NOT NULL,
    erased_at   timestamptz,
    merged_into uuid REFERENCES subjects.person (id) CHECK (merged_into <> id),
    CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL)),
    CHECK (erased_at IS NULL OR (name IS NULL AND birth_date IS NULL AND language = 'und'))
);
CREATE INDEX person_merged ON subjects.person (merged_into) WHERE merged_into IS NOT NULL;

-- How a person is reached and recognised. `hash` is the keyed hash of the normalised alias (no look-up without the
-- master key), `sealed` the alias itself under the person's key. An alias has one current owner.
CREATE TABLE subjects.contact (
    number     int NOT NULL REFERENCES subjects.person (number),
    kind       text NOT NULL CHECK (kind IN ('msisdn', 'email', 'crm')),
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    sealed     bytea NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX contact_current ON subjects.contact (hash) WHERE valid_to IS NULL;
CREATE INDEX contact_subject ON subjects.contact (number);

-- A subscription, from the contract that opened it until its end. A recycled number is another line.
CREATE TABLE subjects.line (
    id         uuid PRIMARY KEY,
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX line_current ON subjects.line (hash) WHERE valid_to IS NULL;

-- Who stands to a line as what. `sealed` is the line's number under that person's key: it goes when the person goes.
CREATE TABLE subjects.line_role (
    line       uuid NOT NULL REFERENCES subjects.line (id) ON DELETE CASCADE,
    number     int NOT NULL REFERENCES subjects.person (number),
    role       text NOT NULL CHECK (role IN ('holder', 'user', 'child', 'company-contact')),
    sealed     bytea NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX line_role_once ON subjects.line_role (line, number, role) WHERE valid_to IS NULL;
CREATE UNIQUE INDEX line_one_holder ON subjects.line_role (line) WHERE role = 'holder' AND valid_to IS NULL;
CREATE INDEX line_role_line ON subjects.line_role (line);
CREATE INDEX line_role_subject ON subjects.line_role (number);

-- What happened to a line. The suspensions that follow from it are records of the ledger.
CREATE TABLE subjects.line_event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line        uuid NOT NULL REFERENCES subjects.line (id) ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN
                ('recycled', 'sim-swap', 'holder-changed', 'user-changed', 'contract-ended', 'ported-out')),
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX line_event_line ON subjects.line_event (line);

-- The right of one person to decide for another. No purpose is implied: an empty scope is refused.
CREATE TABLE subjects.mandate (
    id             uuid PRIMARY KEY,
    representative int NOT NULL REFERENCES subjects.person (number),
    number         int NOT NULL REFERENCES subjects.person (number),
    kind           text NOT NULL CHECK (kind IN ('parent', 'guardian', 'power-of-attorney')),
    purposes       text[] NOT NULL CHECK (cardinality(purposes) > 0),
    proof          bytea NOT NULL,     -- reference to the document, sealed under the represented person's key
    valid_from     timestamptz NOT NULL,
    valid_to       timestamptz CHECK (valid_to > valid_from),
    CHECK (representative <> number)
);
CREATE INDEX mandate_subject ON subjects.mandate (number);
CREATE INDEX mandate_representative ON subjects.mandate (representative);

-- A keyed hash of a constant: tells a wrong master key before anything is sealed under it.
CREATE TABLE subjects.master_check (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    hash bytea NOT NULL
);

-- A person is never deleted, only erased.
GRANT SELECT, INSERT, UPDATE ON subjects.person TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON subjects.contact, subjects.line, subjects.line_role, subjects.mandate TO {app};
GRANT SELECT, INSERT ON subjects.line_event, subjects.master_check TO {app};

-- The face of this folder for the folders above it.
CREATE VIEW subjects.current AS
    SELECT number, id, wrapped_key, created_at, erased_at, merged_into, language FROM subjects.person;
CREATE VIEW subjects.line_role_current AS
    SELECT role.line, person.number, person.id, role.role, role.valid_from
    FROM subjects.line_role AS role JOIN subjects.person USING (number) WHERE role.valid_to IS NULL;
CREATE VIEW subjects.reached AS
    SELECT number, kind, hash, valid_from FROM subjects.contact WHERE valid_to IS NULL;
GRANT SELECT ON subjects.current, subjects.line_role_current, subjects.reached TO {app};
