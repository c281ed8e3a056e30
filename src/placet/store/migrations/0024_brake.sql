-- Messages that their readers called unwanted (RFC 5965), each once; it goes with its message, and so with its person.
CREATE TABLE delivery.complaint (
    message uuid PRIMARY KEY REFERENCES delivery.message (id) ON DELETE CASCADE,
    at      timestamptz NOT NULL
);
GRANT SELECT, INSERT ON delivery.complaint TO {app};

-- What was written to where nobody is, counted by its key again and again while a campaign runs.
CREATE INDEX message_nobody ON delivery.message (key) WHERE state = 'failed' AND reason = 'no-such-mailbox';

-- Why a campaign was paused by itself: what came back, of how many messages, and the share above which it is. Append-only.
CREATE TABLE offers.campaign_brake (
    campaign uuid NOT NULL,
    version  int NOT NULL,                  -- the change that paused it
    what     text NOT NULL CHECK (what IN ('complaints', 'no-such-mailbox')),
    part     int NOT NULL CHECK (part > 0),
    whole    int NOT NULL CHECK (whole >= part),
    at_most  double precision NOT NULL CHECK (at_most > 0 AND at_most < 1),
    PRIMARY KEY (campaign, version),
    FOREIGN KEY (campaign, version) REFERENCES offers.campaign_change (campaign, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offers.campaign_brake
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE offers.campaign_brake ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON offers.campaign_brake TO {app};
