-- name: ids
-- The ids of these numbers; who was erased or merged meanwhile is left out.
SELECT id::text FROM subjects.current
WHERE number = ANY(%(numbers)s::int[]) AND erased_at IS NULL AND merged_into IS NULL ORDER BY number;
