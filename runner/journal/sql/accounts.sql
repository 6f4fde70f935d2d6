-- name: by_state
-- In the order of the file: by way of the index each row would be a jump.
SELECT company_no, currency, state, count(*), sum(units), sum(nanos) FROM expense NOT INDEXED
GROUP BY company_no, currency, state

-- name: in_starting_syncs
-- Their sync was begun and has no outcome: these are in doubt, whatever they are stored as.
SELECT expense.company_no, expense.currency, count(*), sum(expense.units), sum(expense.nanos)
FROM sync CROSS JOIN draft USING (sync_no) CROSS JOIN expense USING (draft_no)
WHERE sync.state = 'starting' AND expense.state = 'sent'
GROUP BY expense.company_no, expense.currency

-- name: accepted
SELECT company_no, currency, sum(expenses), sum(units), sum(nanos) FROM accepted GROUP BY company_no, currency

-- name: companies
SELECT company_no, company_id, hold_code FROM company

-- name: open_syncs
SELECT count(*) FROM sync WHERE state IN ('starting', 'running', 'finished')

-- name: attention
-- State by state, so that each is looked up in an index: this is asked of finished journals of any size.
WITH found (expense_no) AS (
    SELECT expense_no FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'rejected'
    UNION ALL
    SELECT expense_no FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'failed'
    UNION ALL
    SELECT expense_no FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'in_doubt'
)
SELECT company.company_id, expense.expense_id, expense.state, expense.code, expense.message,
       input.name, expense.line
FROM found CROSS JOIN expense USING (expense_no) JOIN company USING (company_no) JOIN input USING (input_no)
ORDER BY expense.company_no, expense.expense_no LIMIT :limit

-- name: attachable
SELECT count(*) FROM receipt JOIN expense USING (expense_no)
WHERE receipt.state = 'waiting' AND expense.state = 'posted'

-- name: listing
SELECT company.company_id, expense.expense_id,
       CASE WHEN expense.state = 'staged' AND hold_code IS NOT NULL THEN 'held' ELSE expense.state END,
       coalesce(expense.code, ''), expense.message, input.name, expense.line, currency, units, nanos,
       (SELECT count(*) FROM receipt WHERE receipt.expense_no = expense.expense_no AND receipt.state = 'attached')
FROM expense JOIN company USING (company_no) JOIN input USING (input_no)
ORDER BY expense.company_no, expense.expense_no LIMIT :limit
