CREATE SCHEMA gate;
GRANT USAGE ON SCHEMA gate TO {app};

-- Audiences as they were frozen: `members` is the roaring bitmap (portable format) that `sha256` is of.
CREATE TABLE gate.audience (
    id         uuid PRIMARY KEY,
    activity   text NOT NULL,
    channel    text,
    basis      text NOT NULL,
    needs      text[] NOT NULL,  -- the consents it stands on: `purpose` or `purpose/channel`
    epoch      text NOT NULL,
    position   bigint NOT NULL,
    as_of      timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > as_of),
    count      bigint NOT NULL,
    excluded   jsonb NOT NULL,
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    members    bytea NOT NULL
);
-- Bitmaps are as small as they get: trying to compress those of ten million persons took 50 of 60 ms.
ALTER TABLE gate.audience ALTER COLUMN members SET STORAGE EXTERNAL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gate.audience EXECUTE FUNCTION store.refuse_change();
ALTER TABLE gate.audience ENABLE ALWAYS TRIGGER append_only;

-- What was done with whose data, under which yes. A use without a permit may be told too: the audit finds it.
CREATE TABLE gate.use (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    activity text NOT NULL,
    channel  text,
    subject  uuid,
    audience uuid REFERENCES gate.audience (id),
    permit   text,
    epoch    text,
    position bigint,             -- where the ledger ended when the permit was judged, or the audience confirmed
    without  bytea,              -- members of the audience that were taken out when it was confirmed (roaring)
    at       timestamptz NOT NULL,
    outcome  text NOT NULL,
    CHECK (subject IS NOT NULL OR audience IS NOT NULL)
);
CREATE INDEX use_subject ON gate.use (subject, id) WHERE subject IS NOT NULL;
-- What a person's own pages ask: how often each activity, when last, and the newest of one activity.
CREATE INDEX use_activity ON gate.use (subject, activity, id) INCLUDE (at) WHERE subject IS NOT NULL;
CREATE INDEX use_audience ON gate.use (id) WHERE audience IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gate.use EXECUTE FUNCTION store.refuse_change();
ALTER TABLE gate.use ENABLE ALWAYS TRIGGER append_only;

GRANT SELECT, INSERT ON gate.audience, gate.use TO {app};

-- Purpose roles (B6). Roles belong to the server, not to the database, so `placet.gate.roles.ensure` makes them;
-- here is only which there are, and which tables they read through the gate.
CREATE TABLE gate.purpose_role (
    purpose text PRIMARY KEY,
    role    name NOT NULL UNIQUE
);
CREATE TABLE gate.guarded (relation text PRIMARY KEY);
GRANT SELECT ON gate.purpose_role TO {app};

-- What the activity in `placet.activity`, sent through the channel in `placet.channel`, asks for: one row for each
-- purpose ('' as channel) and one for each channel. No rows when it is unset or unknown, needs no consent, or does not
-- go with the channel, or when a purpose it needs is closed (0010): then nobody's rows are shown. The rule is that of placet.gate.rules, step 7; an activity that
-- sends must have its channel set here. A function, since it is planned once a session and asked once a statement.
CREATE FUNCTION gate.asked() RETURNS TABLE (purpose text, channel text, major int)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 2 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH need AS (
        SELECT need.purpose, notice.major, activity.channel AS own_channel, said.channel AS said_channel,
               CASE WHEN activity.channel IS NOT NULL THEN need.channel
                    WHEN need.purpose = split_part(activity.activity, '.', 1) THEN said.channel END AS channel
        FROM catalogue.current_activity AS activity
        CROSS JOIN (SELECT nullif(current_setting('placet.channel', true), '') AS channel) AS said
        JOIN catalogue.current_need AS need USING (activity)
        LEFT JOIN catalogue.current_notice AS notice ON notice.purpose = need.purpose
        WHERE activity.activity = current_setting('placet.activity', true)
    ), fitting AS (
        SELECT * FROM need
        WHERE (own_channel IS NULL OR own_channel = said_channel)
          AND (coalesce(own_channel, said_channel) IS NULL OR EXISTS (SELECT FROM need WHERE channel IS NOT NULL))
    )
    SELECT asked.* FROM (
        SELECT fitting.purpose, '' AS channel, fitting.major FROM fitting
        UNION ALL
        SELECT fitting.purpose, fitting.channel, fitting.major FROM fitting WHERE fitting.channel IS NOT NULL
    ) AS asked
    WHERE NOT EXISTS (
        SELECT FROM fitting JOIN gate.closure AS closed ON closed.purpose = fitting.purpose AND closed.until IS NULL);
END $$;
REVOKE EXECUTE ON FUNCTION gate.asked() FROM PUBLIC;

-- Puts the gate before *relation*, whose column `number` says whose row it is. For the owner; later folders call it
-- for every table with customer data. Calling it again brings the policies up to the roles there are.
CREATE FUNCTION gate.guard(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found   record;
    readers text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = 'number' AND NOT attisdropped) THEN
        RAISE EXCEPTION '% has no column `number` that says whose row it is; the gate cannot guard it', relation;
    END IF;
    INSERT INTO gate.guarded
        SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE pg_class.oid = relation
    ON CONFLICT DO NOTHING;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    FOR found IN SELECT polname FROM pg_policy WHERE polrelid = relation AND polname LIKE 'gate: %' LOOP
        EXECUTE format('DROP POLICY %I ON %s', found.polname, relation);
    END LOOP;
    -- The program itself reads and writes; the owner's views (`subjects.current`) read as the owner.
    EXECUTE format('CREATE POLICY "gate: the program" ON %s TO {app} USING (true) WITH CHECK (true)', relation);
    EXECUTE format('CREATE POLICY "gate: the owner" ON %s TO {owner} USING (true) WITH CHECK (true)', relation);
    FOR found IN SELECT purpose, role FROM gate.purpose_role LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %s FOR SELECT TO %I USING (EXISTS (SELECT FROM gate.%I AS open WHERE open.number = %s.number))',
            'gate: ' || found.purpose, relation, found.role, 'open_' || found.purpose, relation);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', (SELECT nspname FROM pg_class JOIN pg_namespace
            ON pg_namespace.oid = relnamespace WHERE pg_class.oid = relation), found.role);
        EXECUTE format('GRANT SELECT ON %s TO %I', relation, found.role);
    END LOOP;
    SELECT string_agg(quote_ident(role), ', ') INTO readers FROM gate.purpose_role;
    IF readers IS NOT NULL THEN
        -- Above READ COMMITTED a snapshot outlives a withdrawal, so there it shows nothing.
        EXECUTE format(
            'CREATE POLICY "gate: each statement sees the present" ON %s AS RESTRICTIVE TO %s'
            ' USING ((SELECT current_setting(''transaction_isolation'') = ''read committed''))', relation, readers);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION gate.guard(regclass) FROM PUBLIC;

-- Persons and contacts are loaded by COPY, which PostgreSQL refuses on guarded tables; no purpose's role has any right
-- on them, so there the answer is no for everyone. Roles on lines and mandates are shown of consenting customers only.
SELECT gate.guard('subjects.line_role'), gate.guard('subjects.mandate');
