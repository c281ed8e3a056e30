-- The inbox of the operator's app: what was put there, under the person's key. It goes with its message, and with its person.
CREATE TABLE delivery.inbox (
    message uuid PRIMARY KEY REFERENCES delivery.message (id) ON DELETE CASCADE,
    number  int NOT NULL,               -- whose key it is sealed under
    sealed  bytea NOT NULL,             -- title and paragraphs
    put_at  timestamptz NOT NULL,
    read_at timestamptz
);
CREATE INDEX inbox_of ON delivery.inbox (number, put_at);

-- Calls as agents make them: each attempt, who made it, and what came of it.
CREATE TABLE delivery.call (
    message   uuid NOT NULL REFERENCES delivery.message (id) ON DELETE CASCADE,
    attempt   int NOT NULL,
    number    int NOT NULL,             -- whose key it is sealed under
    staff     uuid NOT NULL,            -- the member who opened it
    opened_at timestamptz NOT NULL,
    sealed    bytea,                    -- number and text while it is in hand, under the person's key
    outcome   text CHECK (outcome IN
              ('reached-interested', 'reached-not-now', 'no-answer', 'wrong-number', 'stop-calling')),
    ended_at  timestamptz,
    PRIMARY KEY (message, attempt),
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (outcome IS NULL OR sealed IS NULL)
);
CREATE INDEX call_in_hand ON delivery.call (staff) WHERE outcome IS NULL;
CREATE INDEX call_of ON delivery.call (number, opened_at);
CREATE INDEX call_ended ON delivery.call (staff, ended_at);

-- Letters that were printed together. They start when the mailing is handed over to the post.
CREATE TABLE delivery.mailing (
    id             uuid PRIMARY KEY,
    made_at        timestamptz NOT NULL,
    made_by        text NOT NULL,       -- a member's id, or `cli`
    letters        int NOT NULL CHECK (letters > 0),
    handed_over_at timestamptz,
    discarded_at   timestamptz,
    CHECK (handed_over_at IS NULL OR discarded_at IS NULL)
);
CREATE TABLE delivery.mailing_letter (
    mailing uuid NOT NULL REFERENCES delivery.mailing (id) ON DELETE CASCADE,
    page    int NOT NULL CHECK (page > 0),
    message uuid REFERENCES delivery.message (id) ON DELETE SET NULL,   -- null: the person was erased; pull the page out
    PRIMARY KEY (mailing, page)
);
CREATE INDEX mailing_letter_message ON delivery.mailing_letter (message);

-- Where a person's post goes, sealed under their key; the present one only.
CREATE TABLE subjects.address (
    number int PRIMARY KEY REFERENCES subjects.person (number),
    sealed bytea NOT NULL,
    since  timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON delivery.inbox, delivery.call, subjects.address TO {app};
GRANT SELECT, INSERT, UPDATE ON delivery.mailing, delivery.mailing_letter TO {app};
