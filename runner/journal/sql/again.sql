-- name: candidates
SELECT expense_no, expense_id, company_id, state, code, absent_at IS NOT NULL
FROM expense JOIN company USING (company_no)
WHERE state IN ('failed', 'in_doubt', 'rejected')
  AND (:company IS NULL OR company_id = :company)
  AND (:code IS NULL OR code = :code)
  AND (:expense IS NULL OR expense_id = :expense)
ORDER BY expense_no

-- name: stage_again
-- An expense that was in a sync keeps its draft until that sync has been looked at once more.
UPDATE expense
SET state = 'staged', retries = retries + 1, again = 1, absent_at = NULL,
    draft_no = CASE WHEN EXISTS (
        SELECT 1 FROM draft JOIN sync USING (sync_no)
        WHERE draft.draft_no = expense.draft_no AND sync.state IN ('judged', 'forgotten')
    ) THEN draft_no END
WHERE expense_no = :expense_no AND state IN ('failed', 'in_doubt', 'rejected')

-- name: event
INSERT INTO event (run_no, at, company_no, expense_no, kind, detail)
SELECT :run, :now, company_no, expense_no, 'retry', :detail FROM expense WHERE expense_no = :expense_no
