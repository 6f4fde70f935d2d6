-- name: undrafted
-- The longer list of states is that of the partial index, which is only used where it is written out.
SELECT company_no, count(*) FROM expense
WHERE state IN ('staged', 'failed', 'in_doubt') AND state = 'staged' AND draft_no IS NULL
GROUP BY company_no

-- name: drafts
SELECT company_no, sum(state = 'drafted'), sum(state = 'stored') FROM draft
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

-- name: held
SELECT company_no FROM company WHERE hold_code IS NOT NULL
