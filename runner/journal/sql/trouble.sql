-- name: rows
SELECT code, count(*), min(error_no) FROM row_error WHERE settled = 0 AND dismissed = 0 GROUP BY code ORDER BY count(*) DESC, code

-- name: row_example
SELECT company_id, input.name, line, expense_key, column_name, value, expected
FROM row_error JOIN input USING (input_no) WHERE error_no = :number

-- name: expenses
-- Their messages have ids in them: what they have in common only their reader can tell.
SELECT state, code, message, expense_no FROM expense
WHERE state IN ('rejected', 'failed', 'in_doubt') AND code <> 'dismissed' ORDER BY expense_no

-- name: expense_example
SELECT company_id, input.name, line, expense_id, message,
       (SELECT json_extract(CAST(body AS TEXT), '$.reference') FROM payload
        WHERE payload.expense_no = expense.expense_no)
FROM expense JOIN company USING (company_no) JOIN input USING (input_no) WHERE expense_no = :number

-- name: receipts
SELECT state, code, message, receipt_no FROM receipt
WHERE state IN ('rejected', 'in_doubt') AND code <> 'dismissed' ORDER BY receipt_no

-- name: receipt_example
SELECT company_id, input.name, line, receipt.path, receipt.message
FROM receipt JOIN expense USING (expense_no) JOIN company ON company.company_no = expense.company_no
JOIN input USING (input_no) WHERE receipt_no = :number
