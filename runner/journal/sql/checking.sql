-- name: error_groups
SELECT code, column_name, count(*), min(error_no) FROM row_error
WHERE settled = 0 GROUP BY code, column_name ORDER BY count(*) DESC, code, column_name

-- name: error
SELECT input.name, line, code, column_name, value, expected, company_id, expense_key
FROM row_error JOIN input USING (input_no) WHERE error_no = :number

-- name: errors_after
SELECT input_no, line, error_no, input.name, line, code, column_name, value, expected, company_id, expense_key
FROM row_error JOIN input USING (input_no)
WHERE settled = 0 AND (input_no, line, error_no) > (:input, :line, :number)
ORDER BY input_no, line, error_no LIMIT :limit

-- name: sizes
SELECT company_no, currency, units, count(*) FROM expense GROUP BY company_no, currency, units

-- name: staged_after
SELECT expense_no, company_no, company_id, expense_id, input.name, line, body
FROM expense JOIN payload USING (expense_no) JOIN company USING (company_no) JOIN input USING (input_no)
WHERE expense_no > :after ORDER BY expense_no LIMIT :limit

-- name: near_duplicates
-- Of equal company, merchant, type and amount, each expense beside the one before it by date. The sorting is done on
-- disk. CAST, because a BLOB is no JSON to SQLite.
WITH named AS (
    SELECT expense_no, company_no, currency, units, nanos,
           json_extract(CAST(body AS TEXT), '$.type') AS type,
           lower(trim(coalesce(json_extract(CAST(body AS TEXT), '$.merchantName'),
                               json_extract(CAST(body AS TEXT), '$.contactRef.id')))) AS merchant,
           julianday(json_extract(CAST(body AS TEXT), '$.issueDate')) AS day
    FROM payload CROSS JOIN expense USING (expense_no)
    WHERE (company_no, currency, units, nanos) IN (
        SELECT company_no, currency, units, nanos FROM expense
        GROUP BY company_no, currency, units, nanos HAVING count(*) > 1
    )
),
paired AS (
    SELECT expense_no, lag(expense_no) OVER same AS other_no, day - lag(day) OVER same AS apart
    FROM named WHERE merchant <> ''
    WINDOW same AS (PARTITION BY company_no, currency, units, nanos, type, merchant ORDER BY day, expense_no)
)
SELECT expense_no, other_no FROM paired WHERE apart <= :days ORDER BY expense_no

-- name: place
SELECT company_id, expense_id, input.name, line
FROM expense JOIN company USING (company_no) JOIN input USING (input_no) WHERE expense_no = :number

-- name: receipts
SELECT count(*), coalesce(sum(size), 0) FROM receipt

-- name: large_receipts
SELECT count(*), min(receipt_no) FROM receipt WHERE size > :size

-- name: receipt
SELECT expense_no, path, size FROM receipt WHERE receipt_no = :number
