CREATE SCHEMA delivery;

-- Messages and where each is; also those that were never sent, with the reason. A row is deleted with its person.
CREATE TABLE delivery.message (
    id          uuid PRIMARY KEY,
    number      int NOT NULL,
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),   -- of the trade: campaign/…, birthday/2026
    kind        text NOT NULL CHECK (kind IN ('service', 'offer', 'greeting', 'survey')),
    activity    text NOT NULL,
    channel     text NOT NULL,
    topic       text,
    template    text NOT NULL,
    language    text NOT NULL,
    sealed      bytea,                  -- what the template is filled with, under the person's key; null once it ended
    addressed   boolean NOT NULL DEFAULT false,   -- whether what is sealed names where it goes
    not_before  timestamptz NOT NULL,
    not_after   timestamptz NOT NULL,
    zone        text,
    state       text NOT NULL DEFAULT 'planned' CHECK (state IN
                ('planned', 'sending', 'sent', 'delivered', 'failed', 'deferred', 'unknown', 'refused')),
    reason      text,
    attempt     int NOT NULL DEFAULT 0,
    reference   text,                   -- of the last attempt, opaque: what carriers and bounces name it by
    address     bytea,                  -- keyed hash of where the last attempt went
    basis       text,                   -- what the gate's last yes stood on
    permit      text,                   -- and its permit
    started_at  timestamptz,
    lease_until timestamptz,
    carrier_id  text,
    planned_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    closed_at   timestamptz,            -- of `unknown`: nobody looks for it any more
    UNIQUE (key, number),               -- in this order: what is planned for many grows at one end
    CHECK (not_before < not_after OR state <> 'planned'),
    CHECK ((state = 'refused') <= (reason IS NOT NULL)),
    CHECK ((state = 'sending') <= (lease_until IS NOT NULL AND reference IS NOT NULL AND permit IS NOT NULL))
);
CREATE INDEX message_due ON delivery.message (channel, (kind <> 'service'), not_before)
    WHERE state IN ('planned', 'deferred');
CREATE INDEX message_sending ON delivery.message (lease_until) WHERE state = 'sending';
CREATE INDEX message_unknown ON delivery.message (channel, started_at) WHERE state = 'unknown' AND closed_at IS NULL;
CREATE INDEX message_started ON delivery.message (number, started_at) INCLUDE (kind, channel, topic, state)
    WHERE started_at IS NOT NULL;
CREATE INDEX message_of ON delivery.message (number, planned_at, id);
CREATE UNIQUE INDEX message_reference ON delivery.message (reference) WHERE reference IS NOT NULL;
CREATE INDEX message_worn_out ON delivery.message (address)
    WHERE state = 'failed' AND reason IN ('mailbox-full', 'not-reached-in-time');
CREATE INDEX message_carrier ON delivery.message (channel, carrier_id) WHERE carrier_id IS NOT NULL;

-- Addresses that are not written to: a keyed hash, whosever they are.
CREATE TABLE delivery.suppressed (
    channel text NOT NULL,
    address bytea NOT NULL CHECK (octet_length(address) = 32),
    why     text NOT NULL CHECK (why IN ('bounce', 'complaint', 'do-not-contact')),
    since   timestamptz NOT NULL,
    PRIMARY KEY (channel, address, why)
);

-- What a person does not want to be sent: '' stands for every one.
CREATE TABLE delivery.muted (
    number  int NOT NULL,
    kind    text NOT NULL DEFAULT '',
    topic   text NOT NULL DEFAULT '',
    channel text NOT NULL DEFAULT '',
    since   timestamptz NOT NULL,
    until   timestamptz,                -- a pause ends then; null: until the person says otherwise
    PRIMARY KEY (number, kind, topic, channel)
);

-- Who wants fewer messages of a kind than the policy allows.
CREATE TABLE delivery.slowed (
    number int NOT NULL,
    kind   text NOT NULL,
    since  timestamptz NOT NULL,
    PRIMARY KEY (number, kind)
);

-- What the sender of many messages has said about all of them: looked at when each would start, so that a pause of a
-- million messages is one row.
CREATE TABLE delivery.halted (
    key   text PRIMARY KEY,
    halt  text NOT NULL CHECK (halt IN ('paused', 'ended')),
    since timestamptz NOT NULL,
    swept_at timestamptz               -- of what was ended: every row says so
);
CREATE INDEX halted_unswept ON delivery.halted (since) WHERE halt = 'ended' AND swept_at IS NULL;

-- How far what follows the ledger here has come.
CREATE TABLE delivery.followed (
    what     text PRIMARY KEY,
    position bigint NOT NULL
);

-- How many mails of each kind came back on a day (UTC); of nobody in particular.
CREATE TABLE delivery.returned (
    day   date NOT NULL,
    what  text NOT NULL CHECK (what IN ('bounce', 'complaint', 'stop', 'unread')),
    count int NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, what)
);

-- The lock that a withdrawal takes anyway, since it changes the row: whoever sends takes it first, and asks the gate then.
-- Never waits: a row that is being changed is not returned, and the message waits for the next round.
CREATE FUNCTION consents.hold(numbers int[]) RETURNS TABLE (number int, purpose text, channel text)
LANGUAGE sql VOLATILE AS $$
    SELECT state.number, state.purpose, state.channel FROM consents.state
    WHERE state.number = ANY (numbers) AND state.decision = 'given'
    ORDER BY state.number, state.purpose, state.channel FOR SHARE SKIP LOCKED
$$;

GRANT USAGE ON SCHEMA delivery TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery.message TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery.suppressed, delivery.muted, delivery.slowed, delivery.halted TO {app};
GRANT SELECT, INSERT, UPDATE ON delivery.returned, delivery.followed TO {app};
