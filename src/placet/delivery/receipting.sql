-- name: begin
-- Follow from here on, where nobody has followed yet.
INSERT INTO delivery.followed (what, position) SELECT 'receipts', position FROM ledger.ending ON CONFLICT DO NOTHING;

-- name: span
-- From where to where a batch goes; no row while another process has it.
SELECT followed.position, least(followed.position + %(limit)s, ending.position)
FROM delivery.followed CROSS JOIN ledger.ending WHERE what = 'receipts' FOR UPDATE OF followed SKIP LOCKED;

-- name: written_down
-- What others wrote down for somebody.
SELECT position, body FROM ledger.entered
WHERE position > %(after)s AND position <= %(upto)s AND purpose IS NOT NULL
  AND convert_from(body, 'UTF8')::json ->> 'route' IN ('desk', 'phone', 'post')
ORDER BY position;

-- name: reached
-- Everything up to a position was told.
UPDATE delivery.followed SET position = %(position)s WHERE what = 'receipts';
