-- Of each topic: where its next portion ends, how much of it is old, and how that goes. What protects from doubling
-- is in none of them: identities, content hashes and states of expenses, paths of receipts, attempts, drafts, syncs.
-- An expense is old when it is posted, in no open draft, has its receipts settled, and nothing has happened to it
-- since `:before`.

-- name: payloads_portion
SELECT max(expense_no) FROM (
    SELECT expense_no FROM payload WHERE expense_no > :after ORDER BY expense_no LIMIT :limit
)

-- name: payloads_old
SELECT count(*), coalesce(sum(length(body) + coalesce(length(given), 0)), 0) FROM payload
WHERE EXISTS (
    SELECT 1 FROM expense JOIN input USING (input_no) LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
    WHERE expense.expense_no = payload.expense_no AND expense.state = 'posted' AND input.begun_at < :before
      AND (draft.draft_no IS NULL OR draft.state = 'closed') AND coalesce(sync.judged_at, '') < :before
      AND NOT EXISTS (SELECT 1 FROM event WHERE event.expense_no = expense.expense_no AND event.at >= :before)
      AND NOT EXISTS (
          SELECT 1 FROM receipt
          WHERE receipt.expense_no = expense.expense_no AND (receipt.state = 'waiting' OR receipt.state = 'in_doubt')
      )
)

-- name: payloads
DELETE FROM payload
WHERE expense_no > :after AND expense_no <= :until AND EXISTS (
    SELECT 1 FROM expense JOIN input USING (input_no) LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
    WHERE expense.expense_no = payload.expense_no AND expense.state = 'posted' AND input.begun_at < :before
      AND (draft.draft_no IS NULL OR draft.state = 'closed') AND coalesce(sync.judged_at, '') < :before
      AND NOT EXISTS (SELECT 1 FROM event WHERE event.expense_no = expense.expense_no AND event.at >= :before)
      AND NOT EXISTS (
          SELECT 1 FROM receipt
          WHERE receipt.expense_no = expense.expense_no AND (receipt.state = 'waiting' OR receipt.state = 'in_doubt')
      )
)

-- name: receipts_portion
SELECT max(receipt_no) FROM (
    SELECT receipt_no FROM receipt WHERE receipt_no > :after ORDER BY receipt_no LIMIT :limit
)

-- name: receipts_old
-- The folder of what is attached. Its path stays: the same row fed again must find its receipt attached.
SELECT count(*), coalesce(sum(length(root)), 0) FROM receipt
WHERE state = 'attached' AND root <> '' AND EXISTS (
    SELECT 1 FROM expense JOIN input USING (input_no) LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
    WHERE expense.expense_no = receipt.expense_no AND expense.state = 'posted' AND input.begun_at < :before
      AND coalesce(sync.judged_at, '') < :before
)

-- name: receipts
UPDATE receipt SET root = ''
WHERE receipt_no > :after AND receipt_no <= :until AND state = 'attached' AND root <> '' AND EXISTS (
    SELECT 1 FROM expense JOIN input USING (input_no) LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
    WHERE expense.expense_no = receipt.expense_no AND expense.state = 'posted' AND input.begun_at < :before
      AND coalesce(sync.judged_at, '') < :before
)

-- name: attempts_portion
SELECT max(attempt_no) FROM (
    SELECT attempt_no FROM attempt WHERE attempt_no > :after ORDER BY attempt_no LIMIT :limit
)

-- name: attempts_old
-- The words of an answer to an attempt whose outcome is known. The attempt itself stays.
SELECT count(*), coalesce(sum(length(detail)), 0) FROM attempt
WHERE detail IS NOT NULL AND ended_at < :before AND outcome IS NOT NULL AND outcome <> 'unknown'

-- name: attempts
UPDATE attempt SET detail = NULL
WHERE attempt_no > :after AND attempt_no <= :until
  AND detail IS NOT NULL AND ended_at < :before AND outcome IS NOT NULL AND outcome <> 'unknown'

-- name: errors_portion
SELECT max(error_no) FROM (
    SELECT error_no FROM row_error WHERE error_no > :after ORDER BY error_no LIMIT :limit
)

-- name: errors_old
SELECT count(*), coalesce(sum(length(expense_key) + coalesce(length(value), 0) + length(expected) + 40), 0)
FROM row_error
WHERE settled = 1 AND EXISTS (
    SELECT 1 FROM input WHERE input.input_no = row_error.input_no AND input.begun_at < :before
) AND NOT EXISTS (
    -- A row that is nothing yet: when it comes again, this is all that says that it has been told.
    SELECT 1 FROM input_row LEFT JOIN input_row AS origin
        ON origin.input_no = input_row.first_input AND origin.line = input_row.first_line
    WHERE input_row.input_no = row_error.input_no AND input_row.line = row_error.line
      AND coalesce(input_row.expense_no, origin.expense_no) IS NULL
)

-- name: errors
DELETE FROM row_error
WHERE error_no > :after AND error_no <= :until AND settled = 1 AND EXISTS (
    SELECT 1 FROM input WHERE input.input_no = row_error.input_no AND input.begun_at < :before
) AND NOT EXISTS (
    -- A row that is nothing yet: when it comes again, this is all that says that it has been told.
    SELECT 1 FROM input_row LEFT JOIN input_row AS origin
        ON origin.input_no = input_row.first_input AND origin.line = input_row.first_line
    WHERE input_row.input_no = row_error.input_no AND input_row.line = row_error.line
      AND coalesce(input_row.expense_no, origin.expense_no) IS NULL
)

-- name: rows_portion
SELECT max(rowid) FROM (SELECT rowid FROM kept_rows WHERE rowid > :after ORDER BY rowid LIMIT :limit)

-- name: rows_old
-- Rows as the user wrote them, where all that are kept together are in the books.
SELECT count(*), coalesce(sum(length(body)), 0) FROM kept_rows JOIN input AS begun USING (input_no)
WHERE begun.begun_at < :before AND NOT EXISTS (
    SELECT 1 FROM input_row
    LEFT JOIN input_row AS origin ON origin.input_no = input_row.first_input AND origin.line = input_row.first_line
    LEFT JOIN expense ON expense.expense_no = coalesce(input_row.expense_no, origin.expense_no)
    WHERE input_row.input_no = kept_rows.input_no AND input_row.kind <> 2
      AND input_row.line BETWEEN kept_rows.first_line AND kept_rows.last_line AND expense.state IS NOT 'posted'
)

-- name: rows
DELETE FROM kept_rows
WHERE rowid > :after AND rowid <= :until AND EXISTS (
    SELECT 1 FROM input AS begun WHERE begun.input_no = kept_rows.input_no AND begun.begun_at < :before AND NOT EXISTS (
    SELECT 1 FROM input_row
    LEFT JOIN input_row AS origin ON origin.input_no = input_row.first_input AND origin.line = input_row.first_line
    LEFT JOIN expense ON expense.expense_no = coalesce(input_row.expense_no, origin.expense_no)
    WHERE input_row.input_no = kept_rows.input_no AND input_row.kind <> 2
      AND input_row.line BETWEEN kept_rows.first_line AND kept_rows.last_line AND expense.state IS NOT 'posted'
)
)

-- name: events_portion
SELECT max(event_no) FROM (
    SELECT event_no FROM event WHERE event_no > :after ORDER BY event_no LIMIT :limit
)

-- name: events_old
SELECT count(*), coalesce(sum(coalesce(length(detail), 0) + length(kind) + 60), 0) FROM event
WHERE at < :before AND (expense_no IS NULL OR EXISTS (
    SELECT 1 FROM expense WHERE expense.expense_no = event.expense_no AND expense.state = 'posted'
))

-- name: events
DELETE FROM event
WHERE event_no > :after AND event_no <= :until AND at < :before AND (expense_no IS NULL OR EXISTS (
    SELECT 1 FROM expense WHERE expense.expense_no = event.expense_no AND expense.state = 'posted'
))

-- name: begin
INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id, started_boot, alive_boot)
VALUES ('prune', :now, :version, coalesce((SELECT flow FROM run ORDER BY run_no DESC LIMIT 1), 'datasets'),
        :pid, :host, :boot_id, :boottime, :boottime)
RETURNING run_no

-- name: end
UPDATE run SET ended_at = :now, alive_boot = max(alive_boot, :boottime), exit_code = 0 WHERE run_no = :run
