-- name: page
SELECT expense_no, expense_id, state, currency, units, nanos, (external OR code = 'resolved') AND evidence_sync IS NULL,
       (SELECT sync.state FROM draft JOIN sync USING (sync_no) WHERE draft.draft_no = expense.draft_no)
FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_no > :after
ORDER BY expense_no LIMIT :limit

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
