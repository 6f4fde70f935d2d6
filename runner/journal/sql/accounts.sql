-- name: by_state
SELECT company_no, currency, state, count(*), sum(units), sum(nanos) FROM expense
GROUP BY company_no, currency, state

-- name: in_starting_syncs
-- Their sync was begun and has no outcome: these are in doubt, whatever they are stored as.
SELECT expense.company_no, expense.currency, count(*), sum(expense.units), sum(expense.nanos)
FROM sync JOIN draft USING (sync_no) JOIN expense USING (draft_no)
WHERE sync.state = 'starting' AND expense.state = 'sent'
GROUP BY expense.company_no, expense.currency

-- name: accepted
SELECT company_no, currency, sum(expenses), sum(units), sum(nanos) FROM accepted GROUP BY company_no, currency

-- name: companies
SELECT company_no, company_id, hold_code FROM company

-- name: open_syncs
SELECT count(*) FROM sync WHERE state IN ('starting', 'running', 'finished')

-- name: attention
SELECT company.company_id, expense.expense_id, expense.state, expense.code, expense.message,
       input.name, expense.line
FROM expense JOIN company USING (company_no) JOIN input USING (input_no)
WHERE expense.state IN ('rejected', 'failed', 'in_doubt')
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
