-- Surveys through every channel (O3).

-- Whose post can be delivered; what is above asks this before it plans a letter.
CREATE VIEW subjects.housed AS SELECT number FROM subjects.address;
GRANT SELECT ON subjects.housed TO {app};

-- Links that are printed: found by a keyed hash of the code on the paper, and opened by that code alone. Using one
-- changes nothing here. Deleted when their survey closes.
CREATE TABLE offers.survey_printed (
    code   bytea PRIMARY KEY CHECK (octet_length(code) = 32),
    survey uuid NOT NULL REFERENCES offers.survey (id),
    sealed bytea NOT NULL
);
CREATE INDEX survey_printed_of ON offers.survey_printed (survey);

-- Who has taken the link of an anonymous survey out of the app's inbox, so that nobody takes two: sets of numbers, 4096
-- in each. A set has no row, no time and no order of its members. Deleted when the survey closes.
CREATE TABLE offers.survey_taken (
    survey    uuid NOT NULL,
    anonymous boolean NOT NULL DEFAULT true CHECK (anonymous),
    part      int NOT NULL,
    members   bytea NOT NULL CHECK (octet_length(members) = 512),
    PRIMARY KEY (survey, part),
    FOREIGN KEY (survey, anonymous) REFERENCES offers.survey (id, anonymous)
);

-- The member of staff who wrote the answers down on the telephone; null: the person did.
ALTER TABLE offers.survey_reply ADD COLUMN written_by uuid;

GRANT SELECT, INSERT, DELETE ON offers.survey_printed TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON offers.survey_taken TO {app};
