-- name: rows
SELECT code, count(*), min(error_no) FROM row_error WHERE settled = 0 GROUP BY code ORDER BY count(*) DESC, code

-- name: row_example
SELECT company_id, input.name, line, column_name, value, expected
FROM row_error JOIN input USING (input_no) WHERE error_no = :number

-- name: expenses
SELECT state, code, count(*), min(expense_no) FROM expense
WHERE state IN ('rejected', 'failed', 'in_doubt') GROUP BY state, code ORDER BY count(*) DESC, code

-- name: expense_example
SELECT company_id, input.name, line, expense_id, message
FROM expense JOIN company USING (company_no) JOIN input USING (input_no) WHERE expense_no = :number

-- name: receipts
SELECT state, code, count(*), min(receipt_no) FROM receipt
WHERE state IN ('rejected', 'in_doubt') GROUP BY state, code ORDER BY count(*) DESC, code

-- name: receipt_example
SELECT company_id, input.name, line, receipt.path, receipt.message
FROM receipt JOIN expense USING (expense_no) JOIN company ON company.company_no = expense.company_no
JOIN input USING (input_no) WHERE receipt_no = :number
