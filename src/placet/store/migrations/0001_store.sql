-- The application may see which migrations were applied, and nothing else of this schema.
GRANT USAGE ON SCHEMA store TO {app};
GRANT SELECT ON store.migration TO {app};

-- What is written once stays: for tables that even the application's own role must never change.
-- ENABLE ALWAYS binds superusers too; one who disables it is found by `placet ledger verify` and by the witness.
CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = '42501';
END $$;

-- What the planner knows of the tables of *schemas*, brought up to date now. After many rows were written at once it
-- believes for up to a minute (autovacuum) that there are few, and reads a table whole to find thirty rows of it.
CREATE FUNCTION store.look_again(schemas text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known record;
BEGIN
    FOR known IN SELECT schemaname, tablename FROM pg_tables
                 WHERE schemaname = ANY(schemas) AND tableowner = current_user ORDER BY 1, 2 LOOP
        EXECUTE format('ANALYZE %I.%I', known.schemaname, known.tablename);
    END LOOP;
END $$;
