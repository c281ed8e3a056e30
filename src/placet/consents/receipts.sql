-- name: receipt
-- A record's exact bytes and place, the epoch of this log, and its subject's wrapped key (null once erased).
SELECT e.position, e.body, e.entry, h.epoch, s.id, s.wrapped_key
FROM ledger.entered AS e CROSS JOIN ledger.ending AS h LEFT JOIN subjects.current AS s ON s.id = e.subject
WHERE e.id = %(id)s AND e.subject IS NOT NULL AND e.decision <> 'erased';

-- name: receipts_of
-- Every record of a subject with its exact bytes and place, and the epoch of this log, oldest first.
SELECT e.id, e.position, e.body, e.entry, h.epoch
FROM ledger.entered AS e CROSS JOIN ledger.ending AS h
WHERE e.subject = %(subject)s AND e.decision <> 'erased' ORDER BY e.position;
