-- How many said what, by the day on which it was said in the operator's zone: a roll-up of the ledger, never the truth.
-- '' stands for what a record does not say. `regretted`: of `given`, how many the same person took back within 7 days.
-- Rebuilt by `placet ledger rebuild --counts`.
CREATE TABLE consents.said (
    day            date NOT NULL,
    purpose        text NOT NULL,
    channel        text NOT NULL,
    decision       text NOT NULL,
    language       text NOT NULL,
    route          text NOT NULL,
    notice_version text NOT NULL,
    count          bigint NOT NULL CHECK (count >= 0),
    regretted      bigint NOT NULL DEFAULT 0 CHECK (regretted BETWEEN 0 AND count),
    PRIMARY KEY (day, purpose, channel, decision, language, route, notice_version)
);

-- Up to which position the roll-up goes, and in which zone its days begin; whoever counts on holds this row's lock.
CREATE TABLE consents.counted (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL DEFAULT 0,
    zone     text NOT NULL DEFAULT ''
);
INSERT INTO consents.counted DEFAULT VALUES;

GRANT SELECT, INSERT, UPDATE, DELETE ON consents.said TO {app};
GRANT SELECT, UPDATE ON consents.counted TO {app};

-- When the whole ledger was last recomputed, and whether it was as signed.
CREATE TABLE ledger.verification (
    at       timestamptz PRIMARY KEY,
    size     bigint NOT NULL,
    root     bytea NOT NULL CHECK (octet_length(root) = 32),
    findings bigint NOT NULL,
    states   bigint               -- how many states were not what the ledger leads to; null: not looked at
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.verification
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE ledger.verification ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON ledger.verification TO {app};

-- Up to which use the audit has replayed, what it found, and what each audience was found to be.
CREATE TABLE gate.audited (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    use  bigint NOT NULL DEFAULT 0,
    uses bigint NOT NULL DEFAULT 0,
    at   timestamptz
);
INSERT INTO gate.audited DEFAULT VALUES;
-- Ids that were passed over: a transaction that took one may commit later, or never did. Looked at again for an hour.
CREATE TABLE gate.audit_gap (
    first bigint PRIMARY KEY,
    last  bigint NOT NULL CHECK (last >= first),
    since timestamptz NOT NULL
);
CREATE TABLE gate.audit_finding (
    use      bigint PRIMARY KEY,
    activity text NOT NULL,
    at       timestamptz NOT NULL,
    why      text NOT NULL
);
CREATE TABLE gate.audited_audience (
    audience uuid PRIMARY KEY,
    why      text                 -- null: every member had consented
);
GRANT SELECT, UPDATE ON gate.audited TO {app};
GRANT SELECT, INSERT, DELETE ON gate.audit_gap, gate.audit_finding, gate.audited_audience TO {app};

-- Catalogues that somebody proposed, as their canonical JSON. `base` is the digest of the one that was in force then.
CREATE TABLE catalogue.draft (
    id          uuid PRIMARY KEY,
    digest      bytea NOT NULL CHECK (octet_length(digest) = 32),
    document    bytea NOT NULL,
    base        bytea CHECK (octet_length(base) = 32),
    why         text NOT NULL,
    proposed_by uuid NOT NULL,
    proposed_at timestamptz NOT NULL
);
-- What became of a draft, step by step; `published` names the position of the event in the ledger.
CREATE TABLE catalogue.draft_step (
    draft    uuid NOT NULL REFERENCES catalogue.draft,
    step     smallint NOT NULL CHECK (step > 0),
    what     text NOT NULL CHECK (what IN ('approved', 'refused', 'withdrawn', 'published')),
    by       uuid NOT NULL,
    reason   text,
    base     bytea CHECK (octet_length(base) = 32), -- of `approved`: what was in force when it was looked at
    position bigint,
    at       timestamptz NOT NULL,
    PRIMARY KEY (draft, step)
);
CREATE INDEX draft_age ON catalogue.draft (proposed_at DESC, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue.draft EXECUTE FUNCTION store.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue.draft_step EXECUTE FUNCTION store.refuse_change();
ALTER TABLE catalogue.draft ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE catalogue.draft_step ENABLE ALWAYS TRIGGER append_only;
GRANT SELECT, INSERT ON catalogue.draft, catalogue.draft_step TO {app};
