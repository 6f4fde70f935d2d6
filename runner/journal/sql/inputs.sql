-- name: known_before
-- The same bytes, read to their end by an earlier reading.
SELECT name, run_no FROM input
WHERE sha256 = :sha256 AND input_no < :input AND staged_at IS NOT NULL ORDER BY input_no LIMIT 1

-- name: is_another
SELECT EXISTS (SELECT 1 FROM input WHERE name = :name AND sha256 IS NOT :sha256)

-- name: put_away
UPDATE input SET name = :name, path = :name WHERE input_no = :input

-- name: count_wrong
SELECT count(*), count(DISTINCT coalesce(company_id, '') || char(31) || expense_key)
FROM row_error WHERE input_no = :input

-- name: errors_of
SELECT input.name, line, code, column_name, value, expected, company_id, expense_key
FROM row_error JOIN input USING (input_no)
WHERE input_no = :input ORDER BY line, error_no LIMIT :limit
