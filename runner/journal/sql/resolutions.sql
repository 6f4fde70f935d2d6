-- name: expenses
-- Named by id whatever their state; otherwise those of which the answer could be said.
SELECT expense_no, company_id, expense_id, currency, units, nanos,
       expense.state, expense.code, sync.state, sync.sync_no, expense.draft_no
FROM expense JOIN company USING (company_no) LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
WHERE (:company IS NULL OR company_id = :company)
  AND (:code IS NULL OR expense.code = :code)
  AND (:sync IS NULL OR coalesce(evidence_sync, sync.sync_id) = :sync)
  AND (:ids IS NULL OR expense_id IN (SELECT value FROM json_each(:ids)))
  AND (:ids IS NOT NULL OR instr(:states, ' ' || expense.state || ' ') > 0)
ORDER BY expense_no

-- name: receipts
SELECT receipt_no, company_id, expense_id, currency, units, nanos, receipt.state, receipt.code, receipt.path
FROM receipt JOIN expense USING (expense_no) JOIN company ON company.company_no = receipt.company_no
LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
WHERE (:company IS NULL OR company_id = :company)
  AND (:code IS NULL OR receipt.code = :code)
  AND (:sync IS NULL OR coalesce(evidence_sync, sync.sync_id) = :sync)
  AND (:ids IS NULL OR expense_id IN (SELECT value FROM json_each(:ids)))
  AND instr(:states, ' ' || receipt.state || ' ') > 0
ORDER BY receipt_no

-- name: rows
-- An expense that never came in, once for all that is wrong with it.
SELECT min(error_no), coalesce(row_error.company_id, ''), coalesce(expense_id, expense_key), code, input.name, min(line)
FROM row_error JOIN input USING (input_no)
WHERE settled = 0 AND dismissed = 0
  AND (:company IS NULL OR company_id = :company)
  AND (:code IS NULL OR code = :code) AND :sync IS NULL
  AND (:ids IS NULL OR expense_id IN (SELECT value FROM json_each(:ids)))
GROUP BY row_error.input_no, row_error.company_id, expense_key
ORDER BY 1

-- name: questions
SELECT question_no, 'q' || input_no || '.' || line, input.name, line, company_id, reason, currency, units, nanos
FROM question JOIN input USING (input_no)
WHERE answer IS NULL AND (:company IS NULL OR company_id = :company)
  AND (:questions IS NULL OR input_no || '.' || line IN (SELECT value FROM json_each(:questions)))
  AND (:name IS NULL OR input.name = :name OR EXISTS (
      SELECT 1 FROM input_row AS again JOIN input AS later ON later.input_no = again.input_no
      WHERE again.first_input = question.input_no AND again.first_line = question.line
        AND again.first_input IS NOT NULL AND again.kind <> 0 AND later.name = :name))
ORDER BY question_no

-- name: say_of_question
INSERT INTO resolution (run_no, at, person, host, answer, note, was, input_no, line)
SELECT :run, :now, :person, :host, :answer, :note, 'asked (' || reason || ')', input_no, line
FROM question WHERE question_no = :place

-- name: inputs
SELECT input_no, name, path, sha256, refused FROM input
WHERE name = :name AND superseded = 0 AND (staged_at IS NULL OR refused = 1)

-- name: say_of_expense
INSERT INTO resolution (run_no, at, person, host, answer, note, was, expense_no)
SELECT :run, :now, :person, :host, :answer, :note, state || coalesce(' (' || code || ')', ''), expense_no
FROM expense WHERE expense_no = :place

-- name: say_of_receipt
INSERT INTO resolution (run_no, at, person, host, answer, note, was, expense_no, receipt_no)
SELECT :run, :now, :person, :host, :answer, :note, state || coalesce(' (' || code || ')', ''), expense_no, receipt_no
FROM receipt WHERE receipt_no = :place

-- name: say_of_row
INSERT INTO resolution (run_no, at, person, host, answer, note, was, input_no, line)
SELECT :run, :now, :person, :host, :answer, :note, 'rejected (' || code || ')', input_no, line
FROM row_error WHERE error_no = :place

-- name: say_of_input
INSERT INTO resolution (run_no, at, person, host, answer, note, was, input_no)
SELECT :run, :now, :person, :host, :answer, :note, CASE refused WHEN 1 THEN 'refused' ELSE 'begun' END,
       input_no FROM input WHERE input_no = :place

-- name: posted
UPDATE expense SET state = 'posted', code = 'resolved', message = :message, evidence_sync = NULL,
    absent_at = NULL, absent_run = NULL
WHERE expense_no = :place AND (state = 'in_doubt' OR state = 'failed')

-- name: doubt_receipts
UPDATE receipt SET state = 'in_doubt', code = 'resolved',
    message = 'The expense is posted by somebody''s word: its receipt can only be attached by hand.'
WHERE expense_no = :place AND state = 'waiting'

-- name: dismissed_expense
UPDATE expense SET code = 'dismissed', message = :message WHERE expense_no = :place AND state = 'rejected'

-- name: dismissed_row
UPDATE row_error SET dismissed = 1
WHERE settled = 0 AND (input_no, expense_key, coalesce(company_id, '')) = (
    SELECT input_no, expense_key, coalesce(company_id, '') FROM row_error WHERE error_no = :place)

-- name: dismissed_receipt
UPDATE receipt SET code = 'dismissed', message = :message WHERE receipt_no = :place AND state = 'rejected'

-- name: attached_receipt
UPDATE receipt SET state = 'attached', code = 'resolved', message = :message
WHERE receipt_no = :place AND state = 'in_doubt'

-- name: missing_receipt
UPDATE receipt SET state = 'waiting', code = NULL, message = NULL WHERE receipt_no = :place AND state = 'in_doubt'

-- name: missing_attempt
UPDATE attempt SET outcome = 'absent', detail = :message, ended_at = :now
WHERE receipt_no = :place AND kind = 'attach' AND (outcome IS NULL OR outcome = 'unknown')

-- name: dropped_input
UPDATE input SET superseded = 1 WHERE input_no = :place AND (staged_at IS NULL OR refused = 1)

-- name: dropped_errors
UPDATE row_error SET dismissed = 1 WHERE input_no = :place AND settled = 0
