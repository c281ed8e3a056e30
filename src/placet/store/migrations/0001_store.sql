-- The application may see which migrations were applied, and nothing else of this schema.
GRANT USAGE ON SCHEMA store TO {app};
GRANT SELECT ON store.migration TO {app};

-- What is written once stays: for tables that even the application's own role must never change.
-- ENABLE ALWAYS binds superusers too; one who disables it is found by `placet ledger verify` and by the witness.
CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = '42501';
END $$;
