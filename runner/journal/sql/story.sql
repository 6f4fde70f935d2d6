-- name: find
SELECT expense_no, company_id, expense_id, input.name, line, expense.rows, state, code, message, currency, units, nanos,
       retries, draft_no, evidence_sync, external
FROM expense JOIN company USING (company_no) JOIN input USING (input_no)
WHERE expense_id = :id ORDER BY expense_no

-- name: wrong_rows
-- Rows that were to be the expense, and were never let in.
SELECT input.name, line, code, column_name, value, expected, company_id, expense_key
FROM row_error JOIN input USING (input_no)
WHERE settled = 0 AND expense_id = :id
ORDER BY input_no, line, error_no LIMIT :limit

-- name: payload
SELECT body FROM payload WHERE expense_no = :expense_no

-- name: drafts
-- The draft it is in and those it has left.
SELECT draft_no, draft.state, dataset_id, sync_no, sync.sync_id, sync.state, sync.status_code, sync.error, sync.adopted,
       sync.begun_at, sync.running_at, sync.finished_at, sync.judged_at
FROM draft LEFT JOIN sync USING (sync_no)
WHERE draft_no = :draft_no
   OR draft_no IN (SELECT draft_no FROM event WHERE expense_no = :expense_no AND draft_no IS NOT NULL)
ORDER BY draft_no

-- name: attempts
SELECT kind, idempotency_key, first_sent_at, last_sent_at, sends, outcome, http_status, correlation_id, detail, run_no
FROM attempt
WHERE draft_no = :draft_no OR sync_no = :sync_no
   OR receipt_no IN (SELECT receipt_no FROM receipt WHERE expense_no = :expense_no)
ORDER BY attempt_no

-- name: receipts
SELECT path, size, state, attachment_id, code, message FROM receipt WHERE expense_no = :expense_no ORDER BY receipt_no

-- name: events
-- And what people said of it or of its receipts.
SELECT at, kind, detail, run_no FROM event WHERE expense_no = :expense_no
UNION ALL
SELECT at, 'resolved', person || ' at ' || host || ' says: ' || coalesce('receipt ' || path || ' ', '') || answer
    || ', was ' || was || coalesce(' (' || note || ')', ''), run_no
FROM resolution LEFT JOIN receipt USING (receipt_no) WHERE resolution.expense_no = :expense_no
ORDER BY run_no, at
