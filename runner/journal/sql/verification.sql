-- name: page
SELECT expense.expense_id, expense.state, expense.currency, expense.units, expense.nanos,
       (expense.external OR expense.code = 'resolved') AND expense.evidence_sync IS NULL,
       sync.state, coalesce(expense.evidence_sync, sync.sync_id)
FROM expense LEFT JOIN draft ON draft.draft_no = expense.draft_no LEFT JOIN sync ON sync.sync_no = draft.sync_no
WHERE expense.company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense.expense_id > :after
ORDER BY expense.expense_id LIMIT :limit

-- name: unnamed_to_send
SELECT EXISTS (
    SELECT 1 FROM expense
    WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND state = 'staged' AND named = 0)

-- name: agreed_to
SELECT compared_to FROM company
WHERE company_id = :company AND compared_to IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM sync WHERE sync.company_no = company.company_no AND sync.state = 'starting')
  AND NOT EXISTS (SELECT 1 FROM expense WHERE expense.company_no = company.company_no AND expense.state = 'in_doubt')

-- name: agreed
UPDATE company SET compared_to = :to WHERE company_id = :company AND compared_to IS NOT :to

-- name: to_be_listed
SELECT sync_id FROM sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND sync_id IS NOT NULL
  AND state <> 'forgotten'

-- name: to_compare_again
-- State by state, so that each is looked up in the index of what is open.
SELECT sync_id FROM sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND sync_id IS NOT NULL
  AND begun_at >= :since
UNION
SELECT sync.sync_id FROM expense JOIN draft USING (draft_no) JOIN sync USING (sync_no)
WHERE expense.company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND expense.state = 'failed' AND sync.sync_id IS NOT NULL
UNION
SELECT sync.sync_id FROM expense JOIN draft USING (draft_no) JOIN sync USING (sync_no)
WHERE expense.company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND expense.state = 'staged' AND expense.draft_no IS NOT NULL AND sync.sync_id IS NOT NULL

-- name: found
UPDATE expense
SET state = :state, code = :code, message = :message, evidence_sync = :evidence, external = :external
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense
  AND state IN ('staged', 'in_doubt', 'failed', 'rejected')

-- name: unreject
UPDATE expense SET state = 'staged', draft_no = NULL
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense
  AND state = 'rejected'

-- name: doubt_receipts
UPDATE receipt SET state = 'in_doubt', code = :code, message = :message
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND state = 'waiting'
  AND EXISTS (SELECT 1 FROM expense WHERE expense.expense_no = receipt.expense_no AND expense.state = 'posted')

-- name: absent
UPDATE expense SET absent_at = :now, absent_run = :run
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense
  AND state = 'in_doubt'

-- name: event
INSERT INTO event (run_no, at, company_no, expense_no, kind, detail)
SELECT :run, :now, company_no, expense_no, :kind, :detail FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense

-- name: withdraw
DELETE FROM resend WHERE expense_no = (
    SELECT expense_no FROM expense
    WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense)

-- name: know_row
INSERT INTO known_row (expense_no, sync_id, code)
SELECT expense_no, :sync_id, :code FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense
ON CONFLICT (expense_no, sync_id) DO UPDATE SET code = excluded.code
