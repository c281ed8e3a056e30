-- name: open_accounts
-- Open the accounts of these months where there are none.
INSERT INTO mobility.account (population, month, cap, opened_at)
SELECT %(population)s, month, %(cap)s, %(now)s FROM unnest(%(months)s::date[]) AS asked (month)
ORDER BY month ON CONFLICT (population, month) DO NOTHING;

-- name: accounts_of
-- The accounts of these months.
SELECT population, month, cap, spent FROM mobility.account
WHERE population = %(population)s AND month = ANY(%(months)s::date[]) ORDER BY month;

-- name: accounts
-- All accounts, the newest first.
SELECT population, month, cap, spent FROM mobility.account ORDER BY month DESC, population;

-- name: debit
-- Pay for a product of a release; nothing happens when it was paid for before. A trigger charges the accounts.
INSERT INTO mobility.debit (id, population, name, first, until, product, release, rho, sigma, cells, most, length,
                            sampler, grid_sha256, code_sha256, at)
VALUES (%(id)s, %(population)s, %(name)s, %(first)s, %(until)s, %(product)s, %(release)s, %(rho)s, %(sigma)s, %(cells)s,
        %(most)s, %(length)s, %(sampler)s, %(grid_sha256)s, %(code_sha256)s, %(at)s)
ON CONFLICT (release, product) DO NOTHING;

-- name: debits_of
-- What was charged to a month.
SELECT id, population, name, first, until, product, release, rho, sigma, cells, most, length, sampler, grid_sha256,
       code_sha256, at
FROM mobility.debit
WHERE population = %(population)s AND first < %(month)s::date + interval '1 month' AND until > %(month)s::date
ORDER BY at, product;

-- name: debits_for
-- What was paid for a release.
SELECT id, population, name, first, until, product, release, rho, sigma, cells, most, length, sampler, grid_sha256,
       code_sha256, at
FROM mobility.debit WHERE release = %(release)s ORDER BY at, product;

-- name: keep_draw
-- What the one draw of a debit came to; nothing happens where one is noted.
INSERT INTO mobility.draw (debit, sha256, at) VALUES (%(debit)s, %(sha256)s, %(now)s) ON CONFLICT (debit) DO NOTHING;

-- name: drawn
-- Whether the noise of a debit was kept.
SELECT sha256 FROM mobility.draw WHERE debit = %(debit)s;
