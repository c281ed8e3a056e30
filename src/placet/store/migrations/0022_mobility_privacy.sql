CREATE SCHEMA mobility;
GRANT USAGE ON SCHEMA mobility TO {app};

-- What a population's privacy may cost in a calendar month, and has cost. One row is what all releases that touch the
-- month share, whatever they count. `spent` follows the debits and nothing else; the cap stays as it was opened.
CREATE TABLE mobility.account (
    population text NOT NULL CHECK (population <> ''),
    month      date NOT NULL CHECK (extract(day FROM month) = 1),
    cap        numeric NOT NULL CHECK (cap > 0),
    spent      numeric NOT NULL DEFAULT 0 CHECK (spent >= 0),
    opened_at  timestamptz NOT NULL,
    PRIMARY KEY (population, month),
    CONSTRAINT within_cap CHECK (spent <= cap)
);

-- One row for each product of a release: written and committed before its noise is drawn. Append-only.
CREATE TABLE mobility.debit (
    id          uuid PRIMARY KEY,
    population  text NOT NULL,
    name        text NOT NULL,                              -- of the window
    first       date NOT NULL,
    until       date NOT NULL,
    product     text NOT NULL,
    release     text NOT NULL,
    rho         numeric NOT NULL CHECK (rho > 0),           -- zero-concentrated differential privacy
    sigma       float8 NOT NULL CHECK (sigma > 0),          -- of the noise, in counted units
    cells       int NOT NULL CHECK (cells > 0),             -- how far one person can move it: L0,
    most        bigint NOT NULL CHECK (most > 0),           -- L-infinity
    length      float8 NOT NULL CHECK (length > 0),         -- and L2
    sampler     text NOT NULL CHECK (sampler IN ('opendp', 'table')),
    grid_sha256 text NOT NULL CHECK (grid_sha256 ~ '^[0-9a-f]{64}$'),
    code_sha256 text NOT NULL CHECK (code_sha256 ~ '^[0-9a-f]{64}$'),
    at          timestamptz NOT NULL,
    UNIQUE (release, product),
    CHECK (first < until),
    -- Whoever pays less than their noise reveals is refused.
    CONSTRAINT paid_in_full CHECK (rho::float8 >= length * length / (2 * sigma * sigma))
);

-- What came of a debit: the hash of the noisy counts that were kept. A second draw is refused. Append-only.
CREATE TABLE mobility.draw (
    debit  uuid PRIMARY KEY REFERENCES mobility.debit (id),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    at     timestamptz NOT NULL
);

-- Only debits move an account, and only upwards.
CREATE FUNCTION mobility.guard_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.spent = 0 THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.population, NEW.month, NEW.cap, NEW.opened_at)
            = (OLD.population, OLD.month, OLD.cap, OLD.opened_at) AND NEW.spent >= OLD.spent THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a privacy budget only fills up: % refused', TG_OP USING ERRCODE = '42501';
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON mobility.account
    FOR EACH ROW EXECUTE FUNCTION mobility.guard_account();
ALTER TABLE mobility.account ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER kept BEFORE TRUNCATE ON mobility.account EXECUTE FUNCTION store.refuse_change();
ALTER TABLE mobility.account ENABLE ALWAYS TRIGGER kept;

-- A debit charges every calendar month that its window touches: what is learned of the window is learned of each. The
-- row lock of each account lets one debit after the other in; its CHECK refuses the first that would pass the cap.
CREATE FUNCTION mobility.charge() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    touched date;
BEGIN
    FOR touched IN SELECT generate_series(date_trunc('month', NEW.first::timestamp), NEW.until - 1, '1 month')::date LOOP
        UPDATE mobility.account SET spent = spent + NEW.rho WHERE population = NEW.population AND month = touched;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no account was opened for %', touched USING ERRCODE = '42501';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER charge AFTER INSERT ON mobility.debit FOR EACH ROW EXECUTE FUNCTION mobility.charge();
ALTER TABLE mobility.debit ENABLE ALWAYS TRIGGER charge;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mobility.debit
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE mobility.debit ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mobility.draw
    EXECUTE FUNCTION store.refuse_change();
ALTER TABLE mobility.draw ENABLE ALWAYS TRIGGER append_only;

GRANT SELECT, INSERT (population, month, cap, opened_at) ON mobility.account TO {app};
GRANT SELECT, INSERT ON mobility.debit, mobility.draw TO {app};
