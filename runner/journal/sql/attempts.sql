-- name: begin
INSERT INTO attempt (run_no, company_no, kind, draft_no, sync_no, receipt_no, idempotency_key, body_hash,
                     first_sent_at, first_boottime, first_served, last_run, last_sent_at, last_boottime, last_served)
SELECT :run, company_no, :kind, :draft, :sync, :receipt, :key, :body_hash,
       :now, :boottime, :served, :run, :now, :boottime, :served
FROM company WHERE company_id = :company
RETURNING attempt_no

-- name: again
-- The request is about to leave once more under its key; what is known of its earlier sends stays until then.
UPDATE attempt
SET sends = sends + 1, last_run = :run, last_sent_at = :now, last_boottime = :boottime, last_served = :served
WHERE attempt_no = :attempt

-- name: outcome
-- A later send of the same request that did not leave says nothing of an earlier one that did.
UPDATE attempt
SET outcome = CASE WHEN outcome = 'unknown' AND :outcome = 'not_sent' THEN outcome ELSE :outcome END, received = :received, http_status = :http_status, correlation_id = :correlation_id,
    detail = :detail, ended_at = :now
WHERE attempt_no = :attempt

-- name: of_sync
SELECT attempt_no, idempotency_key, body_hash, outcome, received, unbelieved_sync, unbelieved_dataset,
       run_no, first_sent_at, first_boottime, first_served, last_run, last_sent_at, last_boottime, last_served
FROM attempt WHERE sync_no = :subject AND kind = 'start' ORDER BY attempt_no DESC LIMIT 1

-- name: of_draft
SELECT attempt_no, idempotency_key, body_hash, outcome, received, unbelieved_sync, unbelieved_dataset,
       run_no, first_sent_at, first_boottime, first_served, last_run, last_sent_at, last_boottime, last_served
FROM attempt WHERE draft_no = :subject AND kind = 'create' ORDER BY attempt_no DESC LIMIT 1

-- name: of_receipt
SELECT attempt_no, idempotency_key, body_hash, outcome, received, unbelieved_sync, unbelieved_dataset,
       run_no, first_sent_at, first_boottime, first_served, last_run, last_sent_at, last_boottime, last_served
FROM attempt WHERE receipt_no = :subject AND kind = 'attach' ORDER BY attempt_no DESC LIMIT 1

-- name: sent
-- When an expense may have gone out, as this machine's clock has it: with its draft, or with the one it was split from.
SELECT attempt.first_sent_at FROM expense JOIN draft USING (draft_no) JOIN attempt ON attempt.draft_no = draft.draft_no
WHERE expense.company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense
UNION
SELECT attempt.first_sent_at FROM expense JOIN draft USING (draft_no) JOIN attempt ON attempt.draft_no = draft.split_from
WHERE expense.company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense

-- name: lost_starts
-- When a sync may have begun that was taken for one that never was.
SELECT attempt.first_sent_at FROM sync JOIN attempt USING (sync_no)
WHERE sync.company_no = (SELECT company_no FROM company WHERE company_id = :company) AND sync.state = 'void'
  AND attempt.outcome NOT IN ('refused', 'not_sent')

-- name: known_in
SELECT sync_id FROM known_row
WHERE expense_no = (
    SELECT expense_no FROM expense
    WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND expense_id = :expense)

-- name: unbelieved
UPDATE attempt SET unbelieved_sync = :sync_id, unbelieved_dataset = :dataset_id WHERE attempt_no = :attempt

-- name: forget_told_twice
UPDATE draft SET state = 'drafted', dataset_id = NULL, dataset_run = NULL
WHERE dataset_id = :dataset_id AND state = 'stored'
  AND company_no = (SELECT company_no FROM attempt WHERE attempt_no = :attempt)

-- name: any_unbelieved
SELECT EXISTS (
    SELECT 1 FROM attempt JOIN company USING (company_no)
    WHERE company_id = :company AND outcome = 'unknown'
      AND (unbelieved_sync IS NOT NULL OR unbelieved_dataset IS NOT NULL))
