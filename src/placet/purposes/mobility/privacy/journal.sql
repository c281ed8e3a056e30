-- name: debits
-- Every debit as the journal holds it, with the caps of the months it was charged to.
SELECT to_jsonb(debit) || jsonb_build_object('rho', debit.rho::text, 'caps', (
    SELECT jsonb_object_agg(account.month, account.cap::text) FROM mobility.account
    WHERE account.population = debit.population
      AND account.month BETWEEN date_trunc('month', debit.first::timestamp)::date AND debit.until - 1))
FROM mobility.debit ORDER BY debit.at, debit.product;

-- name: draws
-- Every draw as the journal holds it.
SELECT to_jsonb(draw) FROM mobility.draw ORDER BY draw.at, draw.debit;

-- name: recall_accounts
-- Open the accounts of these debits where the database has none, as they were.
INSERT INTO mobility.account (population, month, cap, opened_at)
SELECT DISTINCT row.population, cap.key::date, cap.value::numeric, %(now)s::timestamptz
FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (population text, caps jsonb), jsonb_each_text(row.caps) AS cap
ON CONFLICT DO NOTHING;

-- name: recall_debits
-- Enter the debits that the database has forgotten; the accounts are charged for them.
INSERT INTO mobility.debit (id, population, name, first, until, product, release, rho, sigma, cells, most, length,
                            sampler, grid_sha256, code_sha256, at)
SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (
    id uuid, population text, name text, first date, until date, product text, release text, rho numeric, sigma float8,
    cells int, most bigint, length float8, sampler text, grid_sha256 text, code_sha256 text, at timestamptz)
ON CONFLICT DO NOTHING;

-- name: recall_draws
-- Enter the draws that the database has forgotten.
INSERT INTO mobility.draw (debit, sha256, at)
SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS row (debit uuid, sha256 text, at timestamptz)
ON CONFLICT DO NOTHING;
