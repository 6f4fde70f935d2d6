-- name: company_no
SELECT company_no FROM company WHERE company_id = :company

-- name: company_ids
SELECT company_id FROM company

-- name: runs
SELECT run_no, purpose, started_at, ended_at, exit_code, version, flow, requests, retried, rate_limited
FROM run ORDER BY run_no DESC LIMIT :limit

-- name: request_totals
-- Of runs those that speak with Codat; one without an end, killed or at work, has told nothing of its requests.
SELECT coalesce(sum(requests), 0), coalesce(sum(retried), 0), coalesce(sum(rate_limited), 0),
       coalesce(sum(purpose IN ('run', 'verify', 'rebuild')), 0),
       coalesce(max(purpose IN ('run', 'verify', 'rebuild') AND ended_at IS NULL), 0)
FROM run

-- name: receipts_by_company
-- Of the waiting ones those apart whose expense stands in the books: they are missing there.
SELECT company.company_id, receipt.state,
       receipt.state = 'waiting' AND expense.state = 'posted' AS missing, count(*)
FROM receipt JOIN expense USING (expense_no) JOIN company ON company.company_no = receipt.company_no
WHERE :no IS NULL OR receipt.company_no = :no
GROUP BY receipt.company_no, receipt.state, missing

-- name: broken_by_company
SELECT company_id, count(*), count(DISTINCT input_no || char(31) || expense_key)
FROM row_error WHERE settled = 0 AND (:company IS NULL OR company_id = :company)
GROUP BY company_id

-- name: open_syncs_by_company
SELECT company_id, count(*) FROM sync JOIN company USING (company_no)
WHERE state IN ('starting', 'running', 'finished') AND (:no IS NULL OR sync.company_no = :no)
GROUP BY sync.company_no

-- name: last_syncs
-- With max(), SQLite takes the other columns from the row of the maximum.
SELECT company_id, count(*), max(sync_no), status_code, begun_at
FROM sync JOIN company USING (company_no)
WHERE sync.state <> 'void' AND (:no IS NULL OR sync.company_no = :no)
GROUP BY sync.company_no

-- name: sync_count
SELECT count(*) FROM sync WHERE state <> 'void' AND (:no IS NULL OR company_no = :no)

-- name: syncs
-- Those that have not ended well come first, so that a bound never hides them.
SELECT sync_no, company_id, sync_id, sync.state, status_code, error, adopted, begun_at,
       coalesce(finished_at, judged_at), run_no
FROM sync JOIN company USING (company_no)
WHERE sync.state <> 'void' AND (:no IS NULL OR sync.company_no = :no)
ORDER BY sync.state = 'judged' AND status_code = 2000, sync_no DESC LIMIT :limit

-- name: contents_of_syncs
-- Every expense once, in the order of the file.
SELECT draft.sync_no, count(*), sum(expense.state = 'posted' AND expense.evidence_sync IS NULL)
FROM expense NOT INDEXED JOIN draft ON draft.draft_no = expense.draft_no
WHERE draft.sync_no IS NOT NULL AND (:no IS NULL OR expense.company_no = :no)
GROUP BY draft.sync_no

-- name: judged_times
SELECT sync_no, judged_at FROM sync WHERE judged_at IS NOT NULL AND (:no IS NULL OR company_no = :no)

-- name: attached_times
SELECT substr(ended_at, 1, 19), count(*) FROM attempt
WHERE kind = 'attach' AND outcome = 'done' AND ended_at IS NOT NULL AND (:no IS NULL OR company_no = :no)
GROUP BY 1

-- name: expense_causes
-- Row by row: their messages have ids in them, and what they have in common only their reader can tell.
SELECT state, code, message, company_no, currency, units, nanos
FROM expense
WHERE (state = 'rejected' OR state = 'failed' OR state = 'in_doubt') AND (:no IS NULL OR company_no = :no)

-- name: unanswered_causes
SELECT count(*), count(DISTINCT expense.company_no), sum(expense.units / 1000000000), sum(expense.units % 1000000000),
       sum(expense.nanos), expense.currency
FROM sync CROSS JOIN draft USING (sync_no) CROSS JOIN expense USING (draft_no)
WHERE sync.state = 'starting' AND expense.state = 'sent' AND (:no IS NULL OR sync.company_no = :no)
  AND coalesce((
      SELECT max(attempt.run_no IS NOT :at_work OR attempt.outcome IS NOT NULL AND attempt.outcome <> 'not_sent')
      FROM attempt WHERE attempt.sync_no = sync.sync_no AND attempt.kind = 'start'
  ), 1)
GROUP BY expense.currency

-- name: row_causes
SELECT code, count(*), count(DISTINCT company_id) FROM row_error
WHERE settled = 0 AND (:company IS NULL OR company_id = :company) GROUP BY code

-- name: receipt_causes
SELECT receipt.state, coalesce(receipt.code, 'not_uploaded'), receipt.message, receipt.company_no
FROM receipt JOIN expense USING (expense_no)
WHERE (receipt.state = 'rejected' OR receipt.state = 'in_doubt'
       OR (receipt.state = 'waiting' AND expense.state = 'posted'))
  AND (:no IS NULL OR receipt.company_no = :no)

-- name: expenses
-- The gravest of each company first. State by state, so that each is looked up in an index.
WITH found (expense_no, company_no, gravity) AS (
    SELECT expense_no, company_no, 0 FROM company CROSS JOIN expense USING (company_no)
    WHERE expense.state = 'in_doubt' AND (:no IS NULL OR company_no = :no)
    UNION ALL
    SELECT expense.expense_no, expense.company_no, 0
    FROM sync CROSS JOIN draft USING (sync_no) CROSS JOIN expense USING (draft_no)
    WHERE sync.state = 'starting' AND expense.state = 'sent' AND (:no IS NULL OR sync.company_no = :no)
      AND coalesce((
          SELECT max(attempt.run_no IS NOT :at_work OR attempt.outcome IS NOT NULL AND attempt.outcome <> 'not_sent')
          FROM attempt WHERE attempt.sync_no = sync.sync_no AND attempt.kind = 'start'
      ), 1)
    UNION ALL
    SELECT expense_no, company_no, 1 FROM company CROSS JOIN expense USING (company_no)
    WHERE expense.state = 'failed' AND (:no IS NULL OR company_no = :no)
    UNION ALL
    SELECT expense_no, company_no, 2 FROM company CROSS JOIN expense USING (company_no)
    WHERE expense.state = 'rejected' AND (:no IS NULL OR company_no = :no)
), ranked (expense_no, place) AS (
    SELECT expense_no, row_number() OVER (PARTITION BY company_no ORDER BY gravity, expense_no) FROM found
)
SELECT company.company_id, expense.expense_id, CASE expense.state WHEN 'sent' THEN 'in_doubt' ELSE expense.state END,
       CASE expense.state WHEN 'sent' THEN 'start_unanswered' ELSE expense.code END, expense.message,
       input.name, expense.line, expense.currency, expense.units, expense.nanos,
       coalesce(expense.evidence_sync, sync.sync_id), CAST(payload.body AS TEXT)
FROM ranked CROSS JOIN expense USING (expense_no)
JOIN company ON company.company_no = expense.company_no
JOIN input ON input.input_no = expense.input_no
LEFT JOIN draft ON draft.draft_no = expense.draft_no
LEFT JOIN sync ON sync.sync_no = draft.sync_no
LEFT JOIN payload ON :described AND payload.expense_no = expense.expense_no
WHERE place <= :each ORDER BY expense.company_no, place

-- name: row_errors
WITH ranked AS (
    SELECT error_no, row_number() OVER (PARTITION BY company_id ORDER BY error_no) AS place FROM row_error
    WHERE settled = 0 AND (:company IS NULL OR company_id = :company)
)
SELECT company_id, expense_id, code, column_name, value, expected, input.name, line
FROM ranked CROSS JOIN row_error USING (error_no) JOIN input USING (input_no)
WHERE place <= :each ORDER BY company_id, place

-- name: receipts
WITH ranked AS (
    SELECT receipt_no, row_number() OVER (
        PARTITION BY receipt.company_no ORDER BY receipt.state = 'waiting', receipt.state = 'rejected', receipt_no
    ) AS place
    FROM receipt JOIN expense USING (expense_no)
    WHERE (receipt.state = 'rejected' OR receipt.state = 'in_doubt'
           OR (receipt.state = 'waiting' AND expense.state = 'posted'))
      AND (:no IS NULL OR receipt.company_no = :no)
)
SELECT company_id, expense_id, receipt.state, coalesce(receipt.code, 'not_uploaded'), receipt.message, receipt.path,
       input.name, line, currency, units, nanos
FROM ranked CROSS JOIN receipt USING (receipt_no)
JOIN expense ON expense.expense_no = receipt.expense_no
JOIN company ON company.company_no = receipt.company_no
JOIN input ON input.input_no = expense.input_no
WHERE place <= :each ORDER BY receipt.company_no, place

-- name: input_count
SELECT count(*) FROM input
WHERE :no IS NULL OR input_no IN (SELECT input_no FROM accepted WHERE company_no = :no)

-- name: inputs
SELECT name, sha256, rows, repeated,
       (SELECT coalesce(sum(expenses), 0) FROM accepted
        WHERE accepted.input_no = input.input_no AND (:no IS NULL OR company_no = :no)),
       mapping, begun_at, staged_at, superseded, run_no
FROM input
WHERE :no IS NULL OR input_no IN (SELECT input_no FROM accepted WHERE company_no = :no)
ORDER BY input_no DESC LIMIT :limit
