-- name: inputs
-- A reading of bytes that were known has no rows of its own: the first one has them.
SELECT input_no, name, path, receipts, mapping, sha256, delimiter, encoding, header, header_line, superseded, came_back,
       EXISTS (SELECT 1 FROM kept_rows WHERE kept_rows.input_no = input.input_no),
       CASE WHEN NOT EXISTS (SELECT 1 FROM input_row WHERE input_row.input_no = input.input_no) THEN (
           SELECT min(same.input_no) FROM input AS same
           WHERE same.sha256 = input.sha256 AND same.staged_at IS NOT NULL AND same.refused = 0) END
FROM input WHERE staged_at IS NOT NULL AND refused = 0 ORDER BY input_no

-- name: refused
SELECT input.name, row_error.expected FROM input JOIN row_error USING (input_no)
WHERE input.refused = 1 AND input.superseded = 0 AND settled = 0 AND dismissed = 0 ORDER BY input_no

-- name: kept
SELECT body, first_line, last_line FROM kept_rows WHERE input_no = :input AND first_line > :after
ORDER BY first_line LIMIT 1

-- name: rows
SELECT again.line, again.kind, coalesce(again.first_input, again.input_no), coalesce(again.first_line, again.line),
       coalesce(again.expense_no, origin.expense_no), input.name, coalesce(input.sha256, ''),
       input.superseded = 0
FROM input_row AS again
LEFT JOIN input_row AS origin ON origin.input_no = again.first_input AND origin.line = again.first_line
JOIN input ON input.input_no = coalesce(again.first_input, again.input_no)
WHERE again.input_no = :input AND again.line BETWEEN :first AND :last

-- name: has_receipts
SELECT EXISTS (SELECT 1 FROM receipt)

-- name: again
SELECT input_no, line FROM input_row
WHERE first_input = :first_input AND first_line = :first_line AND kind <> 0 ORDER BY input_no DESC

-- name: errors_at
SELECT line, code, column_name, value, expected, settled, input_no, error_no FROM row_error
WHERE input_no = :input AND line = :line ORDER BY error_no

-- name: errors_of
SELECT line, code, column_name, value, expected, settled, input_no, error_no FROM row_error
WHERE input_no = :input AND company_id = :company AND expense_id = :expense_id ORDER BY error_no LIMIT 20

-- name: came_in
SELECT expense_no FROM row_error
JOIN company ON company.company_id = row_error.company_id
JOIN expense ON expense.company_no = company.company_no AND expense.expense_id = row_error.expense_id
WHERE error_no = :error

-- name: expense
SELECT company.company_id, expense.expense_id,
       CASE WHEN expense.state = 'staged' AND company.hold_code IS NOT NULL THEN 'held'
            WHEN expense.state = 'sent' AND sync.state = 'starting' THEN 'in_doubt'
            ELSE expense.state END,
       CASE WHEN expense.state = 'staged' THEN company.hold_code ELSE expense.code END,
       CASE WHEN expense.state = 'staged' THEN company.hold_message ELSE expense.message END,
       expense.units, expense.nanos, expense.currency, draft.dataset_id, coalesce(evidence_sync, sync.sync_id),
       CASE WHEN expense.state = 'posted' THEN sync.judged_at END, expense.input_no, input.name, expense.line,
       expense.draft_no, draft.sync_no
FROM expense JOIN company USING (company_no) JOIN input ON input.input_no = expense.input_no
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

-- name: inputs_in_trouble
-- Those in which something stands that needs a person, where it stood last.
SELECT DISTINCT input_no FROM row_error WHERE settled = 0 AND dismissed = 0
UNION SELECT input_no FROM expense WHERE state = 'rejected' OR state = 'failed' OR state = 'in_doubt'
UNION SELECT expense.input_no FROM receipt JOIN expense USING (expense_no)
      WHERE receipt.state = 'rejected' OR receipt.state = 'in_doubt'
UNION SELECT expense.input_no FROM expense JOIN company USING (company_no)
      WHERE expense.state = 'staged' AND hold_code IS NOT NULL

-- name: troubled
SELECT expense_no FROM expense
WHERE (code IS NULL OR code <> 'dismissed')
  AND (state = 'rejected' OR (:all AND (state = 'failed' OR state = 'in_doubt'))) AND expense_no > :after
ORDER BY expense_no LIMIT :limit

-- name: place_of
SELECT input.name, expense.line FROM expense JOIN input USING (input_no) WHERE expense_no = :expense_no
