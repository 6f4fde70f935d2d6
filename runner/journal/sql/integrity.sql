-- Each statement whose name begins with a rule's gives, for what breaks the rule: company, subject.

-- name: sent_without_open_sync
-- What is called sent belongs to a draft that is in a sync which has not been judged.
SELECT company_id, 'expense ' || expense_id
FROM expense JOIN company USING (company_no) LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
WHERE expense.state = 'sent'
  AND (draft.state IS NOT 'started' OR coalesce(sync.state, 'void') IN ('judged', 'void', 'forgotten'))

-- name: started_draft_without_open_sync
SELECT company_id, 'draft ' || draft_no
FROM draft JOIN company USING (company_no) JOIN sync USING (sync_no)
WHERE draft.state = 'started' AND sync.state IN ('judged', 'void', 'forgotten')

-- name: draft_too_full
SELECT company_id, 'draft ' || draft.draft_no
FROM draft JOIN company USING (company_no)
WHERE (SELECT count(*) FROM expense WHERE expense.draft_no = draft.draft_no) > draft.expenses

-- name: posted_without_evidence
-- Posted is what a judged sync of its draft, or another sync, completed; or what nobody knows who posted.
SELECT company_id, 'expense ' || expense_id
FROM expense JOIN company USING (company_no) LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
WHERE expense.state = 'posted' AND expense.evidence_sync IS NULL AND expense.external = 0
  AND coalesce(sync.state, 'void') NOT IN ('judged', 'forgotten')

-- name: payload_missing
-- Only what stands in the books can do without its wire form.
SELECT company_id, 'expense ' || expense_id
FROM expense JOIN company USING (company_no)
WHERE expense.state <> 'posted' AND NOT EXISTS (SELECT 1 FROM payload WHERE payload.expense_no = expense.expense_no)

-- name: attached_to_unposted
SELECT company_id, 'receipt ' || receipt_no
FROM receipt JOIN expense USING (expense_no) JOIN company ON company.company_no = expense.company_no
WHERE receipt.state = 'attached' AND expense.state <> 'posted'

-- name: attempt_left_open
-- Only a run that died, or one that is still at work, may leave an attempt without an outcome.
SELECT company_id, 'attempt ' || attempt_no
FROM attempt JOIN company USING (company_no) JOIN run USING (run_no)
WHERE attempt.outcome IS NULL AND run.ended_at IS NOT NULL

-- name: running_sync_without_start
-- A sync of ours that has an id was begun by an attempt; one that started by itself was begun by its draft's.
SELECT company_id, 'sync ' || sync_id
FROM sync JOIN company USING (company_no)
WHERE sync_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.sync_no = sync.sync_no)
  AND NOT EXISTS (SELECT 1 FROM draft JOIN attempt USING (draft_no) WHERE draft.sync_no = sync.sync_no)

-- name: of_two_companies
SELECT company_id, 'expense ' || expense_id
FROM expense JOIN company USING (company_no) JOIN draft USING (draft_no)
WHERE draft.company_no <> expense.company_no
UNION ALL
SELECT company_id, 'draft ' || draft_no
FROM draft JOIN company USING (company_no) JOIN sync USING (sync_no) WHERE sync.company_no <> draft.company_no
UNION ALL
SELECT company_id, 'receipt ' || receipt_no
FROM receipt JOIN company USING (company_no) JOIN expense USING (expense_no)
WHERE expense.company_no <> receipt.company_no

-- name: amount_of_two_signs
SELECT company_id, 'expense ' || expense_id
FROM expense JOIN company USING (company_no)
WHERE units > 0 AND nanos < 0 OR units < 0 AND nanos > 0
