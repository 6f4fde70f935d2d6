-- name: candidates
-- A search in vain counts for a day, and until a sync is started for the company. What was rejected may have come in since
-- as an expense of its own, by another file.
SELECT expense_no, expense_id, company_id, state, code,
       coalesce(absent_at > :day_ago AND absent_at <= :now AND NOT EXISTS (
           SELECT 1 FROM sync WHERE sync.company_no = expense.company_no AND sync.run_no > expense.absent_run), 0),
       state = 'rejected' AND EXISTS (
           SELECT 1 FROM expense AS other
           WHERE other.company_no = expense.company_no AND other.day = expense.day AND other.short_key = expense.short_key
             AND other.input_no > expense.input_no AND NOT (other.named = 1 AND expense.named = 1)
             AND NOT (other.state = 'rejected'))
FROM expense JOIN company USING (company_no)
WHERE state IN ('failed', 'in_doubt', 'rejected')
  AND (:company IS NULL OR company_id = :company)
  AND (:code IS NULL OR code = :code)
  AND (:expense IS NULL OR expense_id = :expense)
ORDER BY expense_no

-- name: resend
INSERT INTO resend (expense_no, company_no, known_foreign)
SELECT expense_no, company_no, coalesce((SELECT max(foreign_no) FROM foreign_sync), 0)
FROM expense WHERE expense_no = :expense_no AND state IN ('failed', 'in_doubt', 'rejected')
ON CONFLICT (expense_no) DO UPDATE SET known_foreign = excluded.known_foreign, looked_run = NULL

-- name: know_own_row
-- What its last sync said of it is what it stands as now, unless another sync has put it in doubt since.
INSERT INTO known_row (expense_no, sync_id, code)
SELECT expense_no, coalesce(expense.evidence_sync, sync.sync_id), expense.code
FROM expense LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
WHERE expense_no = :expense_no AND expense.state IN ('failed', 'in_doubt', 'rejected') AND expense.code <> 'other_sync'
  AND coalesce(expense.evidence_sync, sync.sync_id) IS NOT NULL
ON CONFLICT (expense_no, sync_id) DO UPDATE SET code = excluded.code

-- name: stage_again
-- An expense that was in a sync keeps its draft until that sync has been looked at once more.
UPDATE expense
SET state = 'staged', retries = retries + 1, absent_at = NULL, absent_run = NULL, evidence_sync = NULL,
    draft_no = CASE WHEN EXISTS (
        SELECT 1 FROM draft JOIN sync USING (sync_no)
        WHERE draft.draft_no = expense.draft_no AND sync.state IN ('judged', 'forgotten')
    ) THEN draft_no END
WHERE expense_no = :expense_no AND state IN ('failed', 'in_doubt', 'rejected')

-- name: event
INSERT INTO event (run_no, at, company_no, expense_no, kind, detail)
SELECT :run, :now, company_no, expense_no, 'retry', :detail FROM expense WHERE expense_no = :expense_no

-- name: failed_in_sync
SELECT expense_no FROM expense
WHERE state = 'failed' AND retries < :limit
  AND draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync)

-- name: failed_earlier
-- Those that failed before, in this run or in an earlier one, and whose last sync can be looked at once more.
SELECT expense_no FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state = 'failed' AND retries < :limit
  AND EXISTS (
      SELECT 1 FROM draft JOIN sync USING (sync_no)
      WHERE draft.draft_no = expense.draft_no AND sync.state IN ('judged', 'forgotten'))

-- name: due
-- Those that this run has not looked at yet; with `doubts` also those that another sync's row has put in doubt.
SELECT expense_no, expense_id, 1, known_foreign FROM resend JOIN expense USING (expense_no)
WHERE resend.company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND expense.state = 'staged' AND looked_run IS NOT :run
UNION ALL
SELECT expense_no, expense_id, 0, 0 FROM expense
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state = 'in_doubt' AND code = 'other_sync' AND :doubts
ORDER BY 1

-- name: known_rows
SELECT sync_id, code FROM known_row WHERE expense_no = :expense_no

-- name: origins
-- The syncs that were known before any choice (those started here: what is in them is known), and when others were.
SELECT sync_id, 0 FROM sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND sync_id IS NOT NULL AND adopted = 0
UNION ALL
SELECT sync_id, foreign_no FROM foreign_sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)

-- name: know_row
INSERT INTO known_row (expense_no, sync_id, code) VALUES (:expense_no, :sync_id, :code)
ON CONFLICT (expense_no, sync_id) DO UPDATE SET code = excluded.code

-- name: free
UPDATE resend SET looked_run = :run WHERE expense_no = :expense_no

-- name: detach
-- From the draft of its last sync, not from one that it has been put into since.
UPDATE expense SET draft_no = NULL, code = NULL, message = NULL
WHERE expense_no = :expense_no AND state = 'staged'
  AND (draft_no IS NULL OR (SELECT draft.state FROM draft WHERE draft.draft_no = expense.draft_no) = 'closed')

-- name: withdraw
DELETE FROM resend WHERE expense_no = :expense_no

-- name: verdict_event
INSERT INTO event (run_no, at, company_no, expense_no, kind, detail)
SELECT :run, :now, company_no, expense_no, 'looked', :detail FROM expense WHERE expense_no = :expense_no
