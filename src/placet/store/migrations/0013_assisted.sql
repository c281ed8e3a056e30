-- The service desk: how a person is found there, how a record opens for a member of staff, and how two people
-- complete a grant that one of them wrote down.

-- A person's national identification number is one more thing they are found by, sealed and hashed as the others are.
ALTER TABLE subjects.contact DROP CONSTRAINT contact_kind_check;
ALTER TABLE subjects.contact ADD CONSTRAINT contact_kind_check CHECK (kind IN ('msisdn', 'email', 'crm', 'personal-code'));

-- The words of a person's name, folded, each as a keyed hash: found whole or not at all, and gone when the person goes.
CREATE TABLE subjects.name_token (
    token  bytea NOT NULL CHECK (octet_length(token) = 32),
    number int NOT NULL REFERENCES subjects.person (number),
    PRIMARY KEY (token, number)
);
CREATE INDEX name_token_number ON subjects.name_token (number);
GRANT SELECT, INSERT, DELETE ON subjects.name_token TO {app};

-- A member's time-limited access to one record. Pending while a code is awaited (opened_at null); then it lasts until
-- `until`, or until it is ended. `words` are what the member typed as the reason, under the subject's key.
CREATE TABLE access.opening (
    id        uuid PRIMARY KEY,
    member    uuid NOT NULL REFERENCES access.member (id),
    role      text NOT NULL,
    shop      text,                    -- as it was then
    subject   uuid NOT NULL,
    reason    text NOT NULL,
    words     bytea,
    proof     text NOT NULL CHECK (proof IN ('document', 'code', 'mandate')),
    detail    text NOT NULL,           -- the kind of document, or the kind of contact the code went to
    compared  boolean NOT NULL,        -- whether digits of the document agreed with what is on record; they are not kept
    mandate   uuid,
    challenge uuid,
    flagged   boolean NOT NULL,        -- a colleague's record
    seen      text[] NOT NULL DEFAULT '{}',
    asked_at  timestamptz NOT NULL,
    opened_at timestamptz,
    until     timestamptz CHECK (until > opened_at),
    ended_at  timestamptz,
    CHECK ((opened_at IS NULL) = (until IS NULL)),
    CHECK ((proof = 'mandate') = (mandate IS NOT NULL))
);
CREATE INDEX opening_member ON access.opening (member, until);
CREATE INDEX opening_subject ON access.opening (subject, asked_at);
CREATE INDEX opening_flagged ON access.opening (asked_at) WHERE flagged;

-- Which customer a member of staff is: their own record stays closed to them, and is flagged for their colleagues.
CREATE TABLE access.member_customer (
    member  uuid PRIMARY KEY REFERENCES access.member (id),
    subject uuid NOT NULL
);
CREATE INDEX member_customer_subject ON access.member_customer (subject);

-- Searches and failed identity checks, for the limits.
CREATE TABLE access.desk_try (
    member  uuid NOT NULL REFERENCES access.member (id),
    kind    text NOT NULL CHECK (kind IN ('find', 'check')),
    subject uuid,
    at      timestamptz NOT NULL
);
CREATE INDEX desk_try_member ON access.desk_try (member, kind, at);
GRANT SELECT, INSERT, UPDATE, DELETE ON access.opening, access.member_customer TO {app};
GRANT SELECT, INSERT, DELETE ON access.desk_try TO {app};

-- The first half of a grant that a member wrote down, until somebody else completes it. What may identify the person
-- (the reference of a recording or a scan) is under their key.
CREATE TABLE consents.assisted (
    id             uuid PRIMARY KEY,
    number         int NOT NULL,
    subject        uuid NOT NULL,
    purpose        text NOT NULL,
    grants         text[] NOT NULL CHECK (cardinality(grants) > 0), -- channels; '' is the purpose itself
    route          text NOT NULL CHECK (route IN ('desk', 'phone', 'post')),
    language       text NOT NULL,
    shown          bytea NOT NULL CHECK (octet_length(shown) = 32),
    reference      bytea,
    said_at        timestamptz,
    representative uuid,
    mandate        uuid,
    opening        uuid NOT NULL,
    first_by       uuid NOT NULL,
    first_at       timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL CHECK (expires_at > first_at),
    challenge      uuid,
    state          text NOT NULL DEFAULT 'pending'
                   CHECK (state IN ('pending', 'recorded', 'not-admitted', 'rejected', 'cancelled')),
    way            text CHECK (way IN ('code', 'signature', 'recording', 'scan')),
    second_by      uuid,               -- null: the customer in person
    second_at      timestamptz,
    records        uuid[] NOT NULL DEFAULT '{}',
    told           text,               -- why it was not admitted or was rejected
    CHECK (second_by <> first_by),     -- nobody completes both halves alone
    CHECK (state <> 'recorded' OR second_at IS NOT NULL),
    CHECK ((representative IS NULL) = (mandate IS NULL)),
    CHECK (route = 'desk' OR reference IS NOT NULL)
);
CREATE INDEX assisted_subject ON consents.assisted (number);
CREATE INDEX assisted_pending ON consents.assisted (expires_at) WHERE state = 'pending';

-- What members wrote down as an answer, for comparing them with their peers; of whom, it does not say.
CREATE TABLE consents.answer_taken (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member  uuid NOT NULL,
    shop    text,
    purpose text NOT NULL,
    route   text NOT NULL,
    answer  text NOT NULL CHECK (answer IN ('given', 'refused', 'later')),
    at      timestamptz NOT NULL
);
CREATE INDEX answer_taken_at ON consents.answer_taken (at);
GRANT SELECT, INSERT, UPDATE, DELETE ON consents.assisted TO {app};
GRANT SELECT, INSERT, DELETE ON consents.answer_taken TO {app};
