-- name: entries
-- The logged bytes of positions %(first)s to %(last)s: the commitment of a record, an event in clear behind 0x02.
SELECT coalesce(entry, '\x02'::bytea || body) FROM ledger.record
WHERE position BETWEEN %(first)s AND %(last)s ORDER BY position;

-- name: recorded_at
-- When the row at a position was recorded.
SELECT recorded_at FROM ledger.record WHERE position = %(position)s;

-- name: position_of
-- The position of a record or event by its id.
SELECT position FROM ledger.record WHERE id = %(id)s;

-- name: try_keeper_lock
-- Only one keeper signs: held until the transaction ends.
SELECT pg_try_advisory_xact_lock(7811886);

-- name: wait_keeper_lock
-- As `try_keeper_lock`, but wait for the one who signs now.
SELECT pg_advisory_xact_lock(7811886);

-- name: tile
-- One full tile.
SELECT hashes FROM ledger.tile WHERE level = %(level)s AND n = %(n)s;

-- name: tiles
-- Neighbouring full tiles of one level, from left to right.
SELECT n, hashes FROM ledger.tile WHERE level = %(level)s AND n BETWEEN %(first)s AND %(last)s ORDER BY n;

-- name: tile_count
-- How many full tiles each level has.
SELECT level, count(*) FROM ledger.tile GROUP BY level ORDER BY level;

-- name: add_tiles
-- Full tiles by COPY; they are written once.
COPY ledger.tile (level, n, hashes) FROM STDIN (FORMAT BINARY);

-- name: add_checkpoint
-- The checkpoint that is published with this transaction.
INSERT INTO ledger.checkpoint (size, epoch, root, note, signed_at)
VALUES (%(size)s, %(epoch)s, %(root)s, %(note)s, %(signed_at)s);

-- name: latest_checkpoint
-- The newest checkpoint of an epoch, with its cosignatures.
SELECT epoch, size, root, note, signed_at, ARRAY(
    SELECT line FROM ledger.cosignature AS c WHERE c.epoch = k.epoch AND c.size = k.size ORDER BY witness)
FROM ledger.checkpoint AS k WHERE epoch = %(epoch)s ORDER BY size DESC LIMIT 1;

-- name: checkpoint
-- The checkpoint of one epoch and size, with its cosignatures.
SELECT epoch, size, root, note, signed_at, ARRAY(
    SELECT line FROM ledger.cosignature AS c WHERE c.epoch = k.epoch AND c.size = k.size ORDER BY witness)
FROM ledger.checkpoint AS k WHERE epoch = %(epoch)s AND size = %(size)s;

-- name: latest_cosigned_checkpoint
-- The newest checkpoint of an epoch that at least one witness cosigned.
SELECT epoch, size, root, note, signed_at, ARRAY(
    SELECT line FROM ledger.cosignature AS c WHERE c.epoch = k.epoch AND c.size = k.size ORDER BY witness)
FROM ledger.checkpoint AS k
WHERE epoch = %(epoch)s AND size = (SELECT max(size) FROM ledger.cosignature WHERE epoch = %(epoch)s);

-- name: largest_checkpoint
-- The largest tree that was ever signed, in whichever epoch: so far reach the tiles.
SELECT epoch, size, root, note, signed_at, ARRAY[]::text[] FROM ledger.checkpoint
ORDER BY size DESC, signed_at DESC LIMIT 1;

-- name: checkpoints
-- Every checkpoint of sizes %(first)s to %(last)s, in all epochs.
SELECT epoch, size, root, note, signed_at, ARRAY(
    SELECT line FROM ledger.cosignature AS c WHERE c.epoch = k.epoch AND c.size = k.size ORDER BY witness)
FROM ledger.checkpoint AS k WHERE size BETWEEN %(first)s AND %(last)s ORDER BY size, signed_at;

-- name: epochs
-- The epochs that signed checkpoints in the order of their first, then the present one. Jumps along the index.
WITH RECURSIVE every AS (
    SELECT min(epoch) AS epoch FROM ledger.checkpoint
    UNION ALL
    SELECT (SELECT min(k.epoch) FROM ledger.checkpoint AS k WHERE k.epoch > every.epoch) FROM every WHERE every.epoch IS NOT NULL
), present AS (SELECT epoch FROM ledger.head)
SELECT epoch FROM (SELECT epoch FROM every WHERE epoch IS NOT NULL UNION SELECT epoch FROM present) AS known
ORDER BY epoch = (SELECT epoch FROM present),
    (SELECT min(k.size) FROM ledger.checkpoint AS k WHERE k.epoch = known.epoch);

-- name: add_cosignature
-- A witness's cosignature; the first one for a checkpoint stays.
INSERT INTO ledger.cosignature (epoch, size, witness, line, signed_at)
VALUES (%(epoch)s, %(size)s, %(witness)s, %(line)s, %(signed_at)s) ON CONFLICT DO NOTHING;

-- name: begin_epoch
-- A restored database goes on under another name.
UPDATE ledger.head SET epoch = %(epoch)s;

-- name: rows
-- Whole rows for verification, as raw bytes (COPY).
COPY (SELECT position, id, recorded_at, subject, purpose, channel, decision, occurred_at, body, entry
    FROM ledger.record WHERE position BETWEEN %(first)s AND %(last)s ORDER BY position) TO STDOUT (FORMAT BINARY);

-- name: extent
-- Where the rows really begin and end, beside what the head says.
SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM ledger.record;

-- name: logged
-- Positions %(first)s to %(last)s with what is hashed and what it stands for.
SELECT position, body, coalesce(entry, '\x02'::bytea || body) FROM ledger.record
WHERE position BETWEEN %(first)s AND %(last)s ORDER BY position;

-- name: keep_verification
-- The whole ledger was recomputed.
INSERT INTO ledger.verification (at, size, root, findings, states)
VALUES (%(at)s, %(size)s, %(root)s, %(findings)s, %(states)s) ON CONFLICT DO NOTHING;

-- name: latest_verification
-- When the whole ledger was last recomputed, and what was found.
SELECT at, size, root, findings, states FROM ledger.verification ORDER BY at DESC LIMIT 1;
