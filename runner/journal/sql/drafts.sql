-- name: open_drafts
-- Not those with expenses that are sent again and were not looked for in this run.
SELECT draft_no, expenses, dataset_id, dataset_run, alone FROM draft
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND state IN ('drafted', 'stored')
  AND draft_no NOT IN (
      SELECT expense.draft_no FROM resend JOIN expense USING (expense_no)
      WHERE resend.company_no = draft.company_no AND looked_run IS NOT :run AND expense.draft_no IS NOT NULL)
ORDER BY draft_no LIMIT :limit

-- name: undrafted
SELECT expense_no FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state = 'staged' AND draft_no IS NULL
  AND NOT EXISTS (SELECT 1 FROM resend WHERE resend.expense_no = expense.expense_no AND looked_run IS NOT :run)
ORDER BY expense_no LIMIT :limit

-- name: free_expense
SELECT expense_no FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense
  AND state = 'staged' AND draft_no IS NULL

-- name: add_draft
INSERT INTO draft (company_no, expenses, split_from, alone)
SELECT company_no, :expenses, :split_from, :alone FROM company WHERE company_id = :company
RETURNING draft_no

-- name: fill_draft
UPDATE expense SET draft_no = :draft
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state = 'staged' AND draft_no IS NULL AND expense_no BETWEEN :first AND :last
  AND NOT EXISTS (SELECT 1 FROM resend WHERE resend.expense_no = expense.expense_no AND looked_run IS NOT :run)

-- name: put_in_draft
UPDATE expense SET draft_no = ? WHERE expense_no = ?

-- name: contents
SELECT expense_id, body FROM expense JOIN payload USING (expense_no)
WHERE draft_no = :draft AND state = 'staged' ORDER BY expense_no

-- name: contents_of_any
SELECT expense_id, body FROM expense JOIN payload USING (expense_no)
WHERE draft_no = :draft AND state IN ('staged', 'sent') ORDER BY expense_no

-- name: members
SELECT expense_no, expense_id FROM expense WHERE draft_no = :draft AND state = 'staged' ORDER BY expense_no

-- name: stored
UPDATE draft SET state = 'stored', dataset_id = :dataset, dataset_run = :run
WHERE draft_no = :draft AND state = 'drafted'

-- name: forget_dataset
UPDATE draft SET state = 'drafted', dataset_id = NULL, dataset_run = NULL
WHERE draft_no = :draft AND state = 'stored'

-- name: close
UPDATE draft SET state = 'closed' WHERE draft_no = :draft

-- name: unreject
-- Everything was refused, nothing ever accepted: that says nothing against single rows.
UPDATE expense SET state = 'staged', code = NULL, message = NULL, draft_no = NULL
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state = 'rejected' AND code = :code

-- name: count_rejected
SELECT count(*) FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state = 'rejected' AND code = :code

-- name: extra_drafts
SELECT count(*) FROM draft WHERE split_from IS NOT NULL

-- name: is_taken
-- A dataset that Codat has forgotten may be told again for its own draft, and for no other.
SELECT 1 FROM draft WHERE dataset_id = :dataset AND draft_no <> :draft
UNION ALL
SELECT 1 FROM attempt
WHERE unbelieved_dataset = :dataset AND NOT (draft_no IS :draft AND outcome = 'done')

-- name: remember_forgotten
UPDATE attempt SET unbelieved_dataset = (SELECT dataset_id FROM draft WHERE draft_no = :draft)
WHERE attempt_no = (SELECT max(attempt_no) FROM attempt WHERE draft_no = :draft AND kind = 'create' AND outcome = 'done')

-- name: misnamed
SELECT draft.draft_no, draft.expenses, draft.dataset_id, draft.dataset_run, draft.alone
FROM attempt JOIN company USING (company_no) JOIN draft USING (draft_no)
WHERE company_id = :company AND outcome = 'unknown' AND kind = 'create'
  AND (unbelieved_sync IS NOT NULL OR unbelieved_dataset IS NOT NULL) AND draft.state IN ('drafted', 'stored')
ORDER BY draft.draft_no

-- name: add_closed
INSERT INTO draft (company_no, expenses, state, sync_no)
SELECT company_no, :expenses, 'closed', :sync FROM company WHERE company_id = :company
RETURNING draft_no

-- name: move
UPDATE expense SET draft_no = ?
WHERE company_no = (SELECT company_no FROM company WHERE company_id = ?) AND expense_id = ?

-- name: close_open_draft
-- A dataset that holds an expense which has since been found posted must never be started.
UPDATE draft SET state = 'closed'
WHERE state IN ('drafted', 'stored') AND draft_no = (
    SELECT draft_no FROM expense
    WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense)
RETURNING draft_no

-- name: free_draft
UPDATE expense SET draft_no = NULL WHERE draft_no = :draft AND state = 'staged'
