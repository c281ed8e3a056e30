-- Places that must stop after a withdrawal (B8): a purpose, a queue, a replica, a subscriber. Each follows the changes
-- in order, so it acknowledges by position; what closed before it was there is not on its clock.
CREATE TABLE gate.stop (
    id              text PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('purpose', 'queue', 'replica', 'subscriber')),
    purposes        text[] NOT NULL CHECK (cardinality(purposes) > 0),   -- empty never means all
    time_limit      interval NOT NULL CHECK (time_limit > interval '0'),
    registered_at   timestamptz NOT NULL,
    since           bigint NOT NULL,     -- where the ledger ended when it was registered
    upto            bigint NOT NULL,     -- up to here it owes nothing: acknowledged, or not its purposes
    acknowledged_at timestamptz,         -- when it last acknowledged
    seen_at         timestamptz,         -- last sign of life, of those that give one
    gone_after      interval,            -- silent for so long, its process is gone, and answers no more by itself
    retired_at      timestamptz,
    until           bigint,              -- where the ledger ended when it was retired
    CHECK ((retired_at IS NULL) = (until IS NULL)),
    CHECK ((seen_at IS NULL) = (gone_after IS NULL))
);

-- One row for each batch that contained something of the stop's purposes: all of it up to *upto* has stopped at *at*.
CREATE TABLE gate.stop_ack (
    stop text NOT NULL REFERENCES gate.stop (id),
    upto bigint NOT NULL,
    at   timestamptz NOT NULL,
    PRIMARY KEY (stop, upto)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gate.stop_ack EXECUTE FUNCTION store.refuse_change();
ALTER TABLE gate.stop_ack ENABLE ALWAYS TRIGGER append_only;

-- While a row is open the gate says no for the purpose: a place that must stop for it does not answer.
CREATE TABLE gate.closure (
    purpose text NOT NULL,
    stop    text NOT NULL REFERENCES gate.stop (id),
    since   timestamptz NOT NULL,
    until   timestamptz CHECK (until >= since)
);
CREATE UNIQUE INDEX closure_open ON gate.closure (purpose, stop) WHERE until IS NULL;

-- While a row is open the gate says no for this person: on one purpose, or ('') on all (GDPR 18).
CREATE TABLE gate.restriction (
    number  int NOT NULL,
    purpose text NOT NULL DEFAULT '',
    since   timestamptz NOT NULL,
    until   timestamptz CHECK (until >= since)
);
CREATE UNIQUE INDEX restriction_open ON gate.restriction (number, purpose) WHERE until IS NULL;

-- Wakes the replicas; the truth is in the tables.
CREATE FUNCTION gate.wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('placet_gate', '');
    RETURN NULL;
END $$;
CREATE TRIGGER wake AFTER INSERT OR UPDATE ON gate.closure FOR EACH ROW EXECUTE FUNCTION gate.wake();
CREATE TRIGGER wake AFTER INSERT OR UPDATE ON gate.restriction FOR EACH ROW EXECUTE FUNCTION gate.wake();

GRANT SELECT, INSERT, UPDATE ON gate.stop TO {app};
GRANT SELECT, INSERT ON gate.stop_ack TO {app};
GRANT SELECT, INSERT, UPDATE (until) ON gate.closure, gate.restriction TO {app};

-- What ended somebody's consent, so that work under it must stop. `purpose` null: the person was erased, all of it must.
-- Closings are few among a million imported consents, and are looked for behind a position.
CREATE INDEX outbox_closing ON consents.outbox (position) WHERE decision NOT IN ('given', 'requested', 'published');
CREATE VIEW gate.closing AS
    SELECT position, number, purpose, channel FROM consents.change
    WHERE decision NOT IN ('given', 'requested', 'published');

-- The face of the stops for the folders above.
CREATE VIEW gate.stop_current AS SELECT id, kind, purposes, time_limit, registered_at, retired_at FROM gate.stop;
GRANT SELECT ON gate.closing, gate.stop_current TO {app};

-- Whose consent covers all that the activity asks for, at the start of this statement, and for whom none of it is
-- restricted. A merged identity is not asked for any more.
CREATE VIEW gate.consenting AS
    SELECT given.number
    FROM gate.asked() AS asked
    JOIN consents.current AS given ON given.purpose = asked.purpose AND given.channel = asked.channel
     AND given.decision = 'given' AND given.notice_major = asked.major
     AND (given.expires_at IS NULL OR given.expires_at > statement_timestamp())
    WHERE given.number NOT IN (SELECT number FROM subjects.current WHERE merged_into IS NOT NULL)
      AND NOT EXISTS (SELECT FROM gate.restriction AS held WHERE held.number = given.number AND held.until IS NULL
                      AND held.purpose IN ('', given.purpose))
    GROUP BY given.number
    HAVING count(*) = (SELECT count(*) FROM gate.asked());
