-- name: begin
-- Follow from here on, where nobody has followed yet.
INSERT INTO delivery.followed (what, position) SELECT 'renewals', position FROM ledger.ending ON CONFLICT DO NOTHING;

-- name: span
-- From where to where; no row while another process has it.
SELECT followed.position, ending.position
FROM delivery.followed CROSS JOIN ledger.ending WHERE what = 'renewals' FOR UPDATE OF followed SKIP LOCKED;

-- name: published
-- Which texts changed in substance.
SELECT purpose, max(notice_major) FROM consents.change
WHERE position > %(after)s AND position <= %(upto)s AND decision = 'published' AND number IS NULL GROUP BY purpose;

-- name: lapsed
-- Whose yes was said on an earlier text.
SELECT number FROM consents.current
WHERE purpose = %(purpose)s AND channel = '' AND decision = 'given' AND notice_major < %(major)s;

-- name: reached
-- Everything up to a position was told.
UPDATE delivery.followed SET position = %(position)s WHERE what = 'renewals';
