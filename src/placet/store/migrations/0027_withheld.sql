-- What holds something of persons is told by its columns: whose row it is, what is sealed under a person's key, or a
-- reference to a person, a line, a message. `withheld`: row-level security is forced, so that a role that no policy
-- names gets no row, whatever it was granted.
CREATE VIEW gate.personal AS
    SELECT format('%I.%I', space.nspname, kind.relname) AS relation,
           kind.relrowsecurity AND kind.relforcerowsecurity AS withheld
    FROM pg_class AS kind JOIN pg_namespace AS space ON space.oid = kind.relnamespace
    WHERE kind.relkind IN ('r', 'p') AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'store')
      AND kind.relpersistence <> 't'
      AND (kind.oid IN ('subjects.person'::regclass, 'subjects.line'::regclass)
           OR EXISTS (SELECT FROM pg_attribute AS own WHERE own.attrelid = kind.oid AND NOT own.attisdropped
                      AND own.attname IN ('number', 'subject', 'representative', 'members', 'address', 'sealed'))
           OR EXISTS (SELECT FROM pg_constraint AS refers WHERE refers.conrelid = kind.oid AND refers.confrelid IN
                      ('subjects.person'::regclass, 'subjects.line'::regclass, 'delivery.message'::regclass)));
GRANT SELECT ON gate.personal TO {app};

-- Keeps *relation* from every purpose's role: the program and the owner see its rows, nobody else any. For tables that no
-- purpose reads by itself; `gate.guard` is for those that it does, and may be called on such a table later.
CREATE FUNCTION gate.withhold(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('DROP POLICY IF EXISTS "gate: the program" ON %s', relation);
    EXECUTE format('DROP POLICY IF EXISTS "gate: the owner" ON %s', relation);
    EXECUTE format('CREATE POLICY "gate: the program" ON %s TO {app} USING (true) WITH CHECK (true)', relation);
    EXECUTE format('CREATE POLICY "gate: the owner" ON %s TO {owner} USING (true) WITH CHECK (true)', relation);
END $$;
REVOKE EXECUTE ON FUNCTION gate.withhold(regclass) FROM PUBLIC;

-- All there are, but for those that are loaded by COPY, which PostgreSQL refuses on such tables: on them no purpose's role
-- has any right, so there the answer is a refusal.
SELECT gate.withhold(relation::regclass) FROM gate.personal
WHERE NOT withheld AND relation NOT IN (
    'subjects.person', 'subjects.contact', 'subjects.name_token', 'ledger.record', 'consents.state', 'consents.outbox',
    'delivery.message');

-- What runs with the owner's rights is for the program alone; PostgreSQL lets everybody call a function that it was not
-- told of.
REVOKE EXECUTE ON FUNCTION store.look_again(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.look_again(text[]) TO {app};
