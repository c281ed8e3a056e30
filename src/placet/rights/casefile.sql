-- name: rows_of
-- Every row of the log that stands under the ids of a person: records, and the event of an erasure.
SELECT position, decision, body, entry FROM ledger.entered WHERE subject = ANY (%(subjects)s::uuid[]) ORDER BY position;
