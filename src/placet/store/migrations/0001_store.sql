-- The application may see which migrations were applied, and nothing else of this schema.
GRANT USAGE ON SCHEMA store TO {app};
GRANT SELECT ON store.migration TO {app};

-- What is written once stays: for tables that even the application's own role must never change.
-- ENABLE ALWAYS binds superusers too; one who disables it is found by `placet ledger verify` and by the witness.
CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = '42501';
END $$;

-- What the planner knows of those tables of *schemas* that have grown by half since it last looked, brought up to date.
-- After many rows were written at once it believes for up to a minute (autovacuum) that there are few, and reads a
-- table whole to find thirty rows of it.
CREATE FUNCTION store.look_again(schemas text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grown regclass;
BEGIN
    FOR grown IN SELECT known.oid FROM pg_class AS known JOIN pg_namespace AS space ON space.oid = known.relnamespace
                 WHERE space.nspname = ANY(schemas) AND known.relkind = 'r'
                   AND pg_get_userbyid(known.relowner) = current_user
                   AND pg_relation_size(known.oid) > 1.5 * known.relpages * current_setting('block_size')::int
                 ORDER BY known.oid LOOP
        EXECUTE format('ANALYZE %s', grown);
    END LOOP;
END $$;
