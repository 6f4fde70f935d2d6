-- name: page_with_open_work
SELECT company_no, company_id FROM company AS c
WHERE company_no > :after AND (
    hold_code IS NOT NULL
    OR EXISTS (SELECT 1 FROM expense WHERE company_no = c.company_no AND state = 'staged')
    OR EXISTS (SELECT 1 FROM expense WHERE company_no = c.company_no AND state = 'in_doubt')
    OR :auto_retry > 0 AND EXISTS (SELECT 1 FROM expense WHERE company_no = c.company_no AND state = 'failed'
                                   AND retries < :auto_retry AND draft_no IS NOT NULL)
    OR EXISTS (SELECT 1 FROM sync WHERE company_no = c.company_no AND state IN ('starting', 'running', 'finished'))
    OR EXISTS (SELECT 1 FROM receipt JOIN expense USING (expense_no)
               WHERE receipt.company_no = c.company_no AND receipt.state = 'waiting' AND expense.state = 'posted')
)
ORDER BY company_no LIMIT :limit

-- name: claim
UPDATE company SET owner = :run, epoch = epoch + 1 WHERE company_id = :company
RETURNING pace

-- name: id_of
SELECT company_id FROM company WHERE company_no = :company

-- name: served
UPDATE company SET served_run = :run WHERE company_id = :company

-- name: common_pace
-- Of the syncs that ended last, whatever their companies.
SELECT company.pace FROM sync JOIN company USING (company_no)
WHERE sync.finished_at IS NOT NULL AND company.pace IS NOT NULL
ORDER BY sync.sync_no DESC LIMIT 12

-- name: hold
-- What only another rebuild releases is not written over by what a look would release. A hold that was released and comes
-- again, before a sync that was started since has ended well, is the same one, and keeps its date.
UPDATE company
SET hold_code = :code, hold_message = :message, hold_hint = :hint, hold_run = :run,
    held_at = coalesce(held_at, CASE WHEN released_code = :code AND NOT EXISTS (
        SELECT 1 FROM sync
        WHERE sync.company_no = company.company_no AND sync_id IS NOT NULL AND state = 'judged' AND run_no >= released_run
          AND status_code BETWEEN 2000 AND 2999
    ) THEN released_since END, :now)
WHERE company_id = :company AND (hold_code IS NOT 'not_rebuilt' OR :code = 'not_rebuilt')

-- name: release
UPDATE company
SET released_code = hold_code, released_since = held_at, released_run = :run,
    hold_code = NULL, hold_message = NULL, hold_hint = NULL, held_at = NULL, hold_run = NULL
WHERE company_id = :company AND hold_code IS NOT NULL

-- name: hold_of
SELECT hold_code, hold_message, hold_hint, held_at, hold_run FROM company
WHERE company_id = :company AND hold_code IS NOT NULL

-- name: holds
SELECT company_id, hold_code, hold_message, hold_hint, held_at FROM company
WHERE hold_code IS NOT NULL ORDER BY company_no LIMIT :limit

-- name: ever_accepted
SELECT EXISTS (
    SELECT 1 FROM draft JOIN company USING (company_no)
    WHERE company_id = :company AND (dataset_id IS NOT NULL OR sync_no IS NOT NULL)
)

-- name: datasets_proven
-- Of this run: an account can be moved to the direct flow between two runs.
SELECT EXISTS (SELECT 1 FROM draft WHERE dataset_run = :run AND dataset_id IS NOT NULL)

-- name: all_ids
SELECT company_no, company_id FROM company WHERE company_no > :after ORDER BY company_no LIMIT :limit

-- name: named
SELECT company_id FROM (
    SELECT company_id FROM company
    UNION
    SELECT company_id FROM row_error WHERE :wrong_rows AND settled = 0
) WHERE company_id = :company COLLATE NOCASE
ORDER BY company_id <> :company LIMIT 1
