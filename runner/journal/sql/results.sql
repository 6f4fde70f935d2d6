-- name: inputs
SELECT input_no, name, path, receipts, mapping, sha256, superseded, came_back FROM input
WHERE staged_at IS NOT NULL ORDER BY input_no

-- name: has_own
-- Whether a reading brought anything that did not first stand in another file.
SELECT EXISTS (
    SELECT 1 FROM expense WHERE input_no = :input
      AND NOT EXISTS (SELECT 1 FROM returned WHERE returned.expense_no = expense.expense_no)
) OR EXISTS (
    SELECT 1 FROM row_error WHERE input_no = :input AND settled = 0
      AND NOT EXISTS (SELECT 1 FROM returned WHERE returned.input_no = :input AND at_line = row_error.line)
)

-- name: wrong_lines
SELECT DISTINCT line FROM row_error WHERE input_no = :input ORDER BY line

-- name: has
-- What there is at all, so that it is not looked for row by row where there is none.
SELECT EXISTS (SELECT 1 FROM row_error WHERE input_no = :input), EXISTS (SELECT 1 FROM returned),
       EXISTS (SELECT 1 FROM receipt)

-- name: returned
SELECT returned.expense_no, returned.input_no, returned.at_line, returned.changed, input.name
FROM returned JOIN input USING (input_no) WHERE returned.origin = :origin AND returned.line = :line

-- name: expense_no
SELECT expense_no FROM expense JOIN company USING (company_no)
WHERE company_id = :company AND expense_id = :expense_id
UNION ALL
SELECT alias.expense_no FROM alias JOIN company USING (company_no)
WHERE company_id = :company AND expense_id = :expense_id
LIMIT 1

-- name: expense
SELECT company.company_id, expense.expense_id,
       CASE WHEN expense.state = 'staged' AND company.hold_code IS NOT NULL THEN 'held'
            WHEN expense.state = 'sent' AND sync.state = 'starting' THEN 'in_doubt'
            ELSE expense.state END,
       CASE WHEN expense.state = 'staged' THEN company.hold_code ELSE expense.code END,
       CASE WHEN expense.state = 'staged' THEN company.hold_message ELSE expense.message END,
       expense.units, expense.nanos, expense.currency, draft.dataset_id, coalesce(evidence_sync, sync.sync_id),
       CASE WHEN expense.state = 'posted' THEN sync.judged_at END, expense.input_no,
       (SELECT max(input_no) FROM returned WHERE returned.expense_no = expense.expense_no),
       expense.draft_no, draft.sync_no
FROM expense JOIN company USING (company_no)
LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
WHERE expense_no = :expense_no

-- name: correlation_id
SELECT correlation_id FROM (
    SELECT attempt_no, correlation_id FROM attempt WHERE draft_no = :draft AND correlation_id IS NOT NULL
    UNION ALL
    SELECT attempt_no, correlation_id FROM attempt WHERE sync_no = :sync AND correlation_id IS NOT NULL
) ORDER BY attempt_no DESC LIMIT 1

-- name: receipts
SELECT state, count(*), min(code), min(message) FROM receipt WHERE expense_no = :expense_no GROUP BY state

-- name: errors_at
SELECT line, code, column_name, value, expected, settled FROM row_error
WHERE input_no = :input AND line = :line ORDER BY error_no

-- name: errors_of
SELECT line, code, column_name, value, expected, settled FROM row_error
WHERE input_no = :input AND expense_id = :expense_id AND company_id = :company ORDER BY error_no LIMIT 20

-- name: inputs_in_trouble
-- Those in which something stands that needs a person: where it stood last, and where else it may be found.
SELECT DISTINCT input_no FROM row_error WHERE settled = 0
UNION SELECT input_no FROM expense WHERE state = 'rejected' OR state = 'failed' OR state = 'in_doubt'
UNION SELECT returned.input_no FROM returned JOIN expense USING (expense_no)
      WHERE state = 'rejected' OR state = 'failed' OR state = 'in_doubt'
UNION SELECT expense.input_no FROM receipt JOIN expense USING (expense_no)
      WHERE receipt.state = 'rejected' OR receipt.state = 'in_doubt'
UNION SELECT expense.input_no FROM expense JOIN company USING (company_no)
      WHERE expense.state = 'staged' AND hold_code IS NOT NULL

-- name: open_lines
SELECT count(DISTINCT line) FROM row_error WHERE input_no = :input AND settled = 0

-- name: troubled
SELECT expense_no FROM expense
WHERE code <> 'dismissed' AND (state = 'rejected' OR (:all AND (state = 'failed' OR state = 'in_doubt'))) AND expense_no > :after
ORDER BY expense_no LIMIT :limit

-- name: place_of
SELECT input.name, expense.line FROM expense JOIN input USING (input_no) WHERE expense_no = :expense_no
