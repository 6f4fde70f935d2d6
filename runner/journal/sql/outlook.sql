-- name: undrafted
-- The longer list of states is that of the partial index, which is only used where it is written out, and company by
-- company: grouping the table itself goes by way of another index, through all that is done.
-- What is sent again keeps its draft, a closed one, until its last sync has been looked at.
SELECT company_no, count(*) FROM company CROSS JOIN expense USING (company_no)
WHERE state IN ('staged', 'failed', 'in_doubt') AND (
    state = 'staged' AND (draft_no IS NULL
        OR (SELECT draft.state FROM draft WHERE draft.draft_no = expense.draft_no) = 'closed')
    OR state = 'failed' AND retries < :auto_retry AND draft_no IS NOT NULL
)
GROUP BY company_no

-- name: drafts
SELECT company_no, sum(state = 'drafted'), sum(state = 'stored'), sum(expenses) FROM draft
WHERE state IN ('drafted', 'stored')
GROUP BY company_no

-- name: syncs
SELECT sync.company_no, count(DISTINCT sync_no), count(DISTINCT CASE WHEN sync.state <> 'finished' THEN sync_no END),
       coalesce(sum(draft.expenses), 0)
FROM sync LEFT JOIN draft USING (sync_no)
WHERE sync.state IN ('starting', 'running', 'finished')
GROUP BY sync.company_no

-- name: receipts
SELECT receipt.company_no, count(*) FROM receipt JOIN expense USING (expense_no)
WHERE receipt.state = 'waiting' AND expense.state IN ('staged', 'sent', 'posted')
GROUP BY receipt.company_no

-- name: first
SELECT company_no FROM company AS c
WHERE (EXISTS (SELECT 1 FROM expense WHERE company_no = c.company_no AND state = 'staged'))
  AND NOT EXISTS (SELECT 1 FROM sync WHERE company_no = c.company_no AND sync_id IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM foreign_sync WHERE company_no = c.company_no)

-- name: in_doubt
-- Company by company, as above.
SELECT company_no FROM company AS c
WHERE EXISTS (SELECT 1 FROM expense WHERE company_no = c.company_no AND state = 'in_doubt')

-- name: served
SELECT company_no, served_run FROM company WHERE served_run IS NOT NULL

-- name: held
SELECT company_no FROM company WHERE hold_code IS NOT NULL

-- name: open_receipts
SELECT count(*), coalesce(sum(receipt.size), 0) FROM receipt
JOIN expense USING (expense_no) JOIN company ON company.company_no = receipt.company_no
WHERE receipt.state = 'waiting' AND expense.state IN ('staged', 'sent', 'posted') AND company.hold_code IS NULL

-- name: open_expenses
-- What is not at its end yet, of companies that are not held.
SELECT (SELECT count(*) FROM expense JOIN company USING (company_no)
        WHERE state IN ('staged', 'failed', 'in_doubt') AND hold_code IS NULL AND (
            state = 'staged' AND (draft_no IS NULL
                OR (SELECT draft.state FROM draft WHERE draft.draft_no = expense.draft_no) = 'closed')
            OR state = 'failed' AND retries < :auto_retry AND draft_no IS NOT NULL))
     + (SELECT coalesce(sum(expenses), 0) FROM draft JOIN company USING (company_no)
        WHERE state IN ('drafted', 'stored') AND hold_code IS NULL)
     + (SELECT coalesce(sum(expenses), 0) FROM draft JOIN sync USING (sync_no)
        WHERE sync.state IN ('starting', 'running', 'finished'))

-- name: seen
SELECT company_no, linked_at, defaults_at, options_at FROM preflight
