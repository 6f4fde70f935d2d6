-- name: begin_input
INSERT INTO input (run_no, name, path, receipts, mapping, begun_at)
VALUES (:run, :name, :path, :receipts, :mapping, :now)
RETURNING input_no

-- name: end_input
UPDATE input
SET staged_at = :now, sha256 = :sha256, delimiter = :delimiter, encoding = :encoding, rows = :rows,
    repeated = :repeated
WHERE input_no = :input

-- name: supersede_inputs
-- A file of the same name has been read again: its newest reading says what is wrong with it now. With :only_same only
-- if it has the same bytes. A reading that was cut off is superseded by what it had let in, not by its name.
UPDATE input SET superseded = 1
WHERE name = :name AND input_no < :input AND superseded = 0 AND staged_at IS NOT NULL
  AND (NOT :only_same OR sha256 IS :sha256)

-- name: settle_superseded
UPDATE row_error SET settled = 1
WHERE settled = 0 AND input_no IN (SELECT input_no FROM input WHERE name = :name AND superseded = 1)

-- name: settle_accepted
-- An expense that was wrong under this id has since been accepted.
UPDATE row_error SET settled = 1
WHERE settled = 0 AND expense_id IS NOT NULL AND code <> 'id_conflict' AND EXISTS (
    SELECT 1 FROM expense JOIN company USING (company_no)
    WHERE company.company_id = row_error.company_id AND expense.expense_id = row_error.expense_id
      -- A rejected one that was read before the error is what the wrong row was meant to correct.
      AND (expense.state <> 'rejected' OR expense.input_no > row_error.input_no)
)

-- name: unfinished_inputs
-- Of what came in, a later file may have corrected some, or it may itself have corrected what was there before.
SELECT name, path, receipts, mapping, input_no, sha256,
       max((SELECT coalesce(sum(expenses), 0) FROM accepted WHERE accepted.input_no = input.input_no),
           (SELECT count(*) FROM expense WHERE expense.input_no = input.input_no))
FROM input WHERE staged_at IS NULL AND superseded = 0 ORDER BY input_no

-- name: know_content
UPDATE input SET sha256 = :sha256 WHERE input_no = :input

-- name: read_since
SELECT EXISTS (SELECT 1 FROM input WHERE sha256 = :sha256 AND input_no > :input AND staged_at IS NOT NULL)

-- name: add_company
INSERT INTO company (company_id) VALUES (:company) ON CONFLICT (company_id) DO NOTHING

-- name: company_no
SELECT company_no FROM company WHERE company_id = :company

-- name: last_expense
SELECT coalesce(max(expense_no), 0) FROM expense

-- name: add_expense
INSERT INTO expense (company_no, expense_id, input_no, line, rows, content_hash, currency, units, nanos)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (company_no, expense_id) DO NOTHING

-- name: added_since
SELECT expense_no, company_no, expense_id FROM expense WHERE expense_no > :last

-- name: add_payload
INSERT INTO payload (expense_no, body) VALUES (?, ?)

-- name: known_expense
SELECT expense_no, content_hash, state, units, nanos, currency,
       (SELECT coalesce(given, body) FROM payload WHERE payload.expense_no = expense.expense_no)
FROM expense WHERE company_no = :company_no AND expense_id = :expense_id

-- name: correct_expense
-- Only what Codat or a person rejected may get other content: it is certainly not in the books.
UPDATE expense
SET content_hash = :content_hash, currency = :currency, units = :units, nanos = :nanos, state = 'staged',
    draft_no = NULL, code = NULL, message = NULL, input_no = :input, line = :line, rows = :rows,
    retries = 0
WHERE expense_no = :expense_no AND state = 'rejected'

-- name: correct_payload
INSERT INTO payload (expense_no, body) VALUES (:expense_no, :payload)
ON CONFLICT (expense_no) DO UPDATE SET body = excluded.body, given = NULL

-- name: drop_receipts
-- The corrected row says anew which receipts it has; one whose upload was begun is kept with its attempts.
DELETE FROM receipt
WHERE expense_no = :expense_no AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.receipt_no = receipt.receipt_no)

-- name: correction_event
INSERT INTO event (run_no, at, company_no, expense_no, kind, detail)
VALUES (:run, :now, :company_no, :expense_no, 'corrected', :detail)

-- name: add_receipt
INSERT INTO receipt (expense_no, company_no, root, path, size, sha256) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (expense_no, path) DO UPDATE
SET root = excluded.root, size = excluded.size, sha256 = excluded.sha256, state = 'waiting', code = NULL, message = NULL
WHERE receipt.state = 'waiting' OR receipt.state = 'rejected'

-- name: count_accepted
INSERT INTO accepted (input_no, company_no, currency, expenses, units, nanos) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (input_no, company_no, currency) DO UPDATE
SET expenses = expenses + excluded.expenses, units = units + excluded.units, nanos = nanos + excluded.nanos

-- name: add_row_error
INSERT INTO row_error (input_no, company_id, expense_key, expense_id, line, code, column_name, value, expected)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: open_row_errors
SELECT input.name, line, code, column_name, value, expected, company_id, expense_key
FROM row_error JOIN input USING (input_no)
WHERE settled = 0 AND dismissed = 0 ORDER BY input_no, line, error_no LIMIT :limit

-- name: count_row_errors
-- And of these what somebody has dismissed.
SELECT count(*), count(DISTINCT coalesce(company_id, '') || char(31) || input_no || char(31) || expense_key),
       count(*) FILTER (WHERE dismissed = 1),
       count(DISTINCT coalesce(company_id, '') || char(31) || input_no || char(31) || expense_key)
           FILTER (WHERE dismissed = 1)
FROM row_error WHERE settled = 0
