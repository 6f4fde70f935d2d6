-- name: begin
INSERT INTO sync (company_no, run_no, state, begun_at)
SELECT company_no, :run, 'starting', :now FROM company WHERE company_id = :company
RETURNING sync_no

-- name: take_draft
UPDATE draft SET state = 'started', sync_no = :sync WHERE draft_no = :draft AND state IN ('drafted', 'stored')

-- name: send_drafts
-- A choice to send again is one sync's: what that leaves needs another. The plus keeps SQLite from reading all that is staged.
UPDATE expense SET state = 'sent'
WHERE +state = 'staged' AND draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync)

-- name: running
UPDATE sync SET state = 'running', sync_id = :sync_id, adopted = :adopted, running_at = :now
WHERE sync_no = :sync AND state = 'starting'

-- name: void
UPDATE sync SET state = 'void' WHERE sync_no = :sync AND state = 'starting'

-- name: unsend
UPDATE expense SET state = 'staged'
WHERE state = 'sent' AND draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync)

-- name: give_back_drafts
UPDATE draft SET state = CASE WHEN dataset_id IS NULL THEN 'drafted' ELSE 'stored' END, sync_no = NULL
WHERE sync_no = :sync AND state = 'started'

-- name: open
SELECT sync_no, sync_id, state, status_code, error FROM sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state IN ('starting', 'running', 'finished')
ORDER BY sync_no

-- name: drafts_of
SELECT draft_no, expenses, dataset_id, dataset_run, alone FROM draft WHERE sync_no = :sync ORDER BY draft_no

-- name: expenses_of
SELECT expense_id, state FROM expense
WHERE draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync) AND state IN ('sent', 'in_doubt', 'failed', 'staged')

-- name: not_to_judge
SELECT expense_id FROM expense
WHERE draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync)
  AND (state = 'in_doubt' AND code = 'other_sync'
       OR state = 'staged' AND EXISTS (SELECT 1 FROM resend WHERE resend.expense_no = expense.expense_no))

-- name: spend
-- A choice to send again is one sync's: what that leaves needs another.
DELETE FROM resend WHERE expense_no IN (
    SELECT expense_no FROM expense WHERE draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync))

-- name: finished
UPDATE sync SET state = 'finished', status_code = :code, status_text = :text, error = :error, finished_at = :now,
    missing_run = NULL
WHERE sync_no = :sync AND state = 'running'

-- name: pace
UPDATE company SET pace = :pace WHERE company_no = (SELECT company_no FROM sync WHERE sync_no = :sync)

-- name: judged
UPDATE sync SET state = 'judged', judged_at = :now WHERE sync_no = :sync AND state = 'finished'

-- name: missing
-- Whether it was missing in an earlier run as well.
UPDATE sync SET missing_run = coalesce(missing_run, :run) WHERE sync_no = :sync AND state IN ('running', 'finished')
RETURNING missing_run < :run

-- name: is_missing
SELECT 1 FROM sync WHERE sync_no = :sync AND missing_run IS NOT NULL

-- name: seen
UPDATE sync SET missing_run = NULL WHERE sync_no = :sync AND state = 'running'

-- name: forget
UPDATE sync SET state = 'forgotten', judged_at = :now WHERE sync_no = :sync AND state IN ('running', 'finished')

-- name: doubt_remainder
UPDATE expense SET state = 'in_doubt', code = :code, message = :message
WHERE state = 'sent' AND draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync)

-- name: close_drafts
UPDATE draft SET state = 'closed' WHERE sync_no = :sync AND state = 'started'

-- name: posted_remainder
UPDATE expense SET state = 'posted', code = NULL, message = NULL
WHERE state = 'sent' AND draft_no IN (SELECT draft_no FROM draft WHERE sync_no = :sync)

-- name: verdict
UPDATE expense SET state = ?, code = ?, message = ?, evidence_sync = ?, external = ?
WHERE company_no = (SELECT company_no FROM company WHERE company_id = ?) AND expense_id = ?
  AND state IN ('staged', 'sent', 'in_doubt', 'failed')

-- name: detach
UPDATE expense SET draft_no = NULL, code = NULL, message = NULL
WHERE company_no = (SELECT company_no FROM company WHERE company_id = ?) AND expense_id = ? AND state = 'staged'

-- name: to_look_at
-- Syncs that are over and hold expenses in doubt, or expenses that shall be sent again: reading comes before writing.
-- State by state, so that each is looked up in the index of what is open.
WITH found (draft_no) AS (
    SELECT draft_no FROM expense
    WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
      AND state = 'staged' AND draft_no IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM resend WHERE resend.expense_no = expense.expense_no)
    UNION
    SELECT draft_no FROM expense
    WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
      AND state = 'in_doubt' AND draft_no IS NOT NULL AND :doubts
)
SELECT DISTINCT sync.sync_no, sync.sync_id, sync.state, sync.status_code, sync.error
FROM found CROSS JOIN draft USING (draft_no) CROSS JOIN sync USING (sync_no)
WHERE sync.state IN ('judged', 'forgotten')
ORDER BY sync.sync_no

-- name: known_ids
SELECT sync_id FROM sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND sync_id IS NOT NULL
UNION ALL
SELECT sync_id FROM foreign_sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)

-- name: started_here
SELECT sync_id FROM sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND sync_id IS NOT NULL

-- name: foreign
INSERT INTO foreign_sync (company_no, sync_id, seen_at)
SELECT company_no, :sync_id, :now FROM company WHERE company_id = :company
ON CONFLICT DO NOTHING

-- name: is_taken
SELECT 1 FROM sync WHERE sync_id = :sync_id
UNION ALL
SELECT 1 FROM foreign_sync WHERE sync_id = :sync_id

-- name: named_by
SELECT sync_no, sync_id, state, status_code, error FROM sync
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company) AND sync_id = :sync_id
UNION
SELECT sync.sync_no, sync.sync_id, sync.state, sync.status_code, sync.error FROM draft JOIN sync USING (sync_no)
WHERE draft.company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND draft.dataset_id = :dataset_id AND sync.sync_id IS NOT NULL
