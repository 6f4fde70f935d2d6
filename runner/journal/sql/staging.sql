-- name: begin_input
INSERT INTO input (run_no, name, path, receipts, mapping, source, sha256, size, begun_at)
VALUES (:run, :name, :path, :receipts, :mapping, :source, :sha256, :size, :now)
RETURNING input_no

-- name: forget_input
-- Nothing of it came in, and its bytes were none that stayed: there is nothing to be told of it.
DELETE FROM input WHERE input_no = :input AND staged_at IS NULL

-- name: end_input
UPDATE input
SET staged_at = :now, sha256 = :sha256, delimiter = :delimiter, encoding = :encoding, header = :header,
    header_line = :header_line, rows = :rows, repeated = :repeated, noted = :noted, refused = :refused,
    came_back = :came_back, company = :company
WHERE input_no = :input

-- name: count_reading
UPDATE journal SET readings = readings + 1

-- name: readings
SELECT readings FROM journal

-- name: notes
-- Readings that were begun and never ended, and files that were refused.
SELECT input_no, size, sha256 FROM input
WHERE superseded = 0 AND (staged_at IS NULL OR refused = 1) AND size > 0

-- name: meet
UPDATE input SET superseded = 1 WHERE input_no = :met

-- name: same_bytes
-- Readings of the same bytes that were cut off or refused.
SELECT input_no FROM input
WHERE sha256 = :sha256 AND input_no < :input AND superseded = 0 AND (staged_at IS NULL OR refused = 1)

-- name: settle_met
UPDATE row_error SET settled = 1 WHERE settled = 0 AND input_no = :met

-- name: add_companies
INSERT INTO company (company_id) SELECT company_id FROM incoming WHERE company_no IS NULL
GROUP BY company_id ORDER BY min(entry)
ON CONFLICT (company_id) DO NOTHING

-- name: find_companies
UPDATE incoming SET company_no = (SELECT company_no FROM company WHERE company.company_id = incoming.company_id)
WHERE company_no IS NULL

-- name: add_expenses
INSERT INTO expense (expense_no, company_no, expense_id, input_no, line, rows, named, cells, day, short_key, number, back,
                     content_hash, currency, units, nanos)
SELECT expense_no, company_no, expense_id, :input, entry, rows, named, cells, day, short_key, number, back,
       content_hash, currency, units, nanos
FROM incoming WHERE outcome = 'new' ORDER BY entry

-- name: add_payloads
INSERT INTO payload (expense_no, body) SELECT expense_no, payload FROM incoming WHERE outcome = 'new' ORDER BY entry

-- name: with_receipts
SELECT expense_no, company_no, receipts FROM incoming
WHERE receipts IS NOT NULL
  AND (outcome = 'new' OR outcome = 'corrected' OR (by_id = 1 AND (outcome = 'known' OR outcome = 'noted')))
ORDER BY entry

-- name: add_receipt
INSERT INTO receipt (expense_no, company_no, root, path, size, sha256) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (expense_no, path) DO UPDATE
SET root = excluded.root, size = excluded.size, sha256 = excluded.sha256, state = 'waiting', code = NULL, message = NULL
WHERE receipt.state = 'waiting' OR receipt.state = 'rejected'

-- name: count_new
INSERT INTO accepted (input_no, company_no, currency, expenses, billions, units, nanos)
SELECT :input, company_no, currency, count(*), sum(units / 1000000000), sum(units % 1000000000), sum(nanos) FROM incoming WHERE outcome = 'new'
GROUP BY company_no, currency

-- name: count_accepted
INSERT INTO accepted (input_no, company_no, currency, expenses, billions, units, nanos) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (input_no, company_no, currency) DO UPDATE
SET expenses = expenses + excluded.expenses, billions = billions + excluded.billions, units = units + excluded.units,
    nanos = nanos + excluded.nanos

-- name: corrections
SELECT incoming.expense_no, incoming.company_no, expense.currency, expense.units, expense.nanos,
       incoming.currency, incoming.units, incoming.nanos, incoming.entry
FROM incoming CROSS JOIN expense USING (expense_no) WHERE incoming.outcome = 'corrected' ORDER BY entry

-- name: replace
INSERT INTO replaced (expense_no, content_hash, cells)
SELECT expense.expense_no, expense.content_hash, expense.cells
FROM incoming CROSS JOIN expense USING (expense_no)
WHERE incoming.outcome = 'corrected' AND NOT (expense.content_hash = incoming.content_hash
                                               AND expense.cells = incoming.cells)
ON CONFLICT DO NOTHING

-- name: keep_replaced
-- What is corrected back to what it was before is no longer replaced.
DELETE FROM replaced WHERE (expense_no, content_hash) IN (
    SELECT expense_no, content_hash FROM incoming WHERE outcome = 'corrected')

-- name: corrected
SELECT content_hash, cells, day, short_key, back, currency, units, nanos, entry, rows, expense_no
FROM incoming WHERE outcome = 'corrected' ORDER BY entry

-- name: correct_expense
-- Only what is certainly not in the books may get other content.
UPDATE expense
SET content_hash = ?, cells = ?, day = ?, short_key = ?, back = ?, currency = ?, units = ?, nanos = ?, line = ?, rows = ?,
    input_no = ?, state = 'staged', draft_no = NULL, code = NULL, message = NULL, retries = 0
WHERE expense_no = ? AND (state = 'rejected' OR (state = 'staged' AND draft_no IS NULL))

-- name: correct_payloads
INSERT INTO payload (expense_no, body) SELECT expense_no, payload FROM incoming WHERE outcome = 'corrected'
ON CONFLICT (expense_no) DO UPDATE SET body = excluded.body, given = NULL

-- name: correct_payload_ids
-- The wire form names the expense by the id that it has, whatever its row is told by now.
SELECT incoming.entry, incoming.expense_id, expense.expense_id, incoming.payload
FROM incoming CROSS JOIN expense USING (expense_no)
WHERE incoming.outcome = 'corrected' AND incoming.expense_id <> expense.expense_id

-- name: rewrite_payload
UPDATE incoming SET payload = ? WHERE entry = ?

-- name: drop_receipts
-- The corrected row says anew which receipts it has; one whose upload was begun is kept with its attempts.
DELETE FROM receipt
WHERE expense_no IN (SELECT expense_no FROM incoming WHERE outcome = 'corrected')
  AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.receipt_no = receipt.receipt_no)

-- name: correction_events
INSERT INTO event (run_no, at, company_no, expense_no, kind, detail)
SELECT :run, :now, company_no, expense_no, 'corrected', 'its row came again with other content'
FROM incoming WHERE outcome = 'corrected' ORDER BY entry

-- name: add_aliases
-- An expense whose row got an id in mid-life is known by that one too.
INSERT INTO alias (company_no, expense_id, expense_no)
SELECT incoming.company_no, incoming.expense_id, incoming.expense_no
FROM incoming CROSS JOIN expense USING (expense_no)
WHERE incoming.named = 1 AND incoming.expense_id <> expense.expense_id AND incoming.company_no = expense.company_no
  AND (outcome = 'known' OR outcome = 'noted' OR outcome = 'corrected' OR outcome = 'conflict')
  AND NOT EXISTS (SELECT 1 FROM expense AS other WHERE other.company_no = incoming.company_no
                  AND other.expense_id = incoming.expense_id)
ON CONFLICT DO NOTHING

-- name: mark_kinds
-- Rows of what did not come in are wrong, or asked about.
UPDATE incoming_row SET kind = CASE incoming.outcome WHEN 'asked' THEN 3 WHEN 'asked_before' THEN 3 ELSE 1 END
FROM incoming WHERE incoming.entry = incoming_row.entry
  AND instr(' asked asked_before conflict another repeated_line ', ' ' || incoming.outcome || ' ') > 0

-- name: add_rows
INSERT INTO input_row (input_no, line, cells, kind, expense_no, first_input, first_line)
SELECT :input, line, incoming_row.cells, kind,
       CASE WHEN first_input IS NULL AND kind = 0 THEN incoming.expense_no END, first_input, first_line
FROM incoming_row LEFT JOIN incoming ON incoming.entry = incoming_row.entry
ORDER BY line

-- name: became
-- Rows that were nothing until now, and are one of these.
UPDATE input_row SET expense_no = found.expense_no, kind = 0
FROM (
    SELECT incoming_row.first_input, incoming_row.first_line, min(incoming.expense_no) AS expense_no
    FROM incoming_row CROSS JOIN incoming ON incoming.entry = incoming_row.entry
    WHERE incoming_row.first_input IS NOT NULL AND incoming_row.kind = 0
    GROUP BY incoming_row.first_input, incoming_row.first_line
) AS found
WHERE input_row.input_no = found.first_input AND input_row.line = found.first_line AND input_row.expense_no IS NULL

-- name: settle_places
-- What was wrong with a row that is right now, or wrong in another way here: where it first stood, and where it came again.
-- A question that nobody has answered stays one.
UPDATE row_error SET settled = 1
WHERE settled = 0 AND code <> 'id_conflict' AND input_no <> :input AND (
    (input_no, line) IN (
        SELECT first_input, first_line FROM incoming_row
        WHERE first_input IS NOT NULL AND (kind = 0 OR (kind <> 2 AND (how = 'returned' OR how = 'place')))
          AND NOT EXISTS (SELECT 1 FROM incoming WHERE incoming.entry = incoming_row.entry AND outcome = 'asked_before'))
    OR (input_no, line) IN (
        SELECT again.input_no, again.line FROM incoming_row
        CROSS JOIN input_row AS again ON again.first_input = incoming_row.first_input
            AND again.first_line = incoming_row.first_line
        WHERE incoming_row.first_input IS NOT NULL AND again.kind <> 0 AND again.first_input IS NOT NULL
          AND (incoming_row.kind = 0
               OR (incoming_row.kind <> 2 AND (incoming_row.how = 'returned' OR incoming_row.how = 'place')))
          AND NOT EXISTS (SELECT 1 FROM incoming WHERE incoming.entry = incoming_row.entry AND outcome = 'asked_before')))

-- name: settle_conflicts
-- A row that says again what the books say, with at least as many rows, in a later run: in bytes that are not known, or
-- in the file itself that contradicted. Known bytes beside that file say nothing of it.
UPDATE row_error SET settled = 1
WHERE settled = 0 AND code = 'id_conflict' AND input_no <> :input AND error_no IN (
    SELECT told.error_no FROM row_error AS told
    CROSS JOIN input ON input.input_no = told.input_no
    CROSS JOIN input_row AS again ON again.input_no = told.input_no AND again.line = told.line
    CROSS JOIN incoming_row ON incoming_row.first_input = coalesce(again.first_input, again.input_no)
        AND incoming_row.first_line = coalesce(again.first_line, again.line)
    LEFT JOIN incoming ON incoming.entry = incoming_row.entry
    WHERE told.settled = 0 AND told.code = 'id_conflict' AND (
        (incoming_row.how = 'returned' AND incoming_row.kind <> 2)
        OR (incoming_row.kind = 0 AND told.rows <= incoming.rows AND input.run_no < :run
            AND (:known IS NULL OR input.path = (SELECT path FROM input WHERE input_no = :input)))))

-- name: settle_ids
-- A later right reading of its id with at least as many rows: of another run, so that no order of files decides, and of
-- bytes that are not known already, unless they are in the file itself that was wrong.
UPDATE row_error SET settled = 1
WHERE settled = 0 AND error_no IN (
    SELECT row_error.error_no FROM incoming
    CROSS JOIN row_error ON row_error.expense_id = incoming.expense_id
    CROSS JOIN input ON input.input_no = row_error.input_no
    WHERE incoming.by_id = 1 AND row_error.settled = 0 AND row_error.company_id = incoming.company_id
      AND row_error.rows <= incoming.rows AND input.run_no < :run
      AND (:known IS NULL OR row_error.input_no < :known
           OR input.path = (SELECT path FROM input WHERE input_no = :input))
      AND instr(' new known noted corrected ', ' ' || incoming.outcome || ' ') > 0)

-- name: add_errors
-- What was wrong before with a row that stands here cell by cell is told already; and so is one that has come in, unless
-- it is a line of an expense that has got other lines since. Of known bytes it is told where they were read first.
INSERT INTO row_error (input_no, company_id, expense_key, expense_id, rows, line, code, column_name, value, expected)
SELECT :at, company_id, expense_key, expense_id, rows, incoming_error.line, code, column_name, value, expected
FROM incoming_error LEFT JOIN incoming_row
  ON incoming_row.line = incoming_error.line AND (incoming_row.how = 'known' OR incoming_row.how = 'cells')
WHERE NOT EXISTS (SELECT 1 FROM row_error AS told
                  WHERE told.input_no = incoming_row.first_input AND told.line = incoming_row.first_line)
  AND NOT ((rows = 1 OR how = 'known') AND EXISTS (
      SELECT 1 FROM input_row
      WHERE input_row.input_no = incoming_row.first_input AND input_row.line = incoming_row.first_line
        AND input_row.expense_no IS NOT NULL))
ORDER BY incoming_error.line

-- name: wrong_now
-- Rows of known bytes that were skipped, and are not any more.
UPDATE input_row SET kind = 1
WHERE kind = 2 AND (input_no, line) IN (
    SELECT first_input, first_line FROM incoming_row WHERE how = 'known' AND kind = 1)

-- name: add_questions
-- Where a row first stood it is asked about, and once.
INSERT INTO question (input_no, line, reason, other_no, company_id, expense_id, rows, cells, key, day, content_hash,
                      currency, units, nanos, back, payload, receipts, places)
SELECT coalesce(first_input, :input), coalesce(first_line, incoming.entry), reason, other_no, company_id,
       CASE by_id WHEN 1 THEN expense_id END, rows, incoming.cells, key, day, content_hash, currency, units, nanos, back,
       payload, receipts, (
           SELECT json_group_array(json_array(coalesce(own.first_input, :input), coalesce(own.first_line, own.line)))
           FROM incoming_row AS own WHERE own.entry = incoming.entry)
FROM incoming CROSS JOIN incoming_row ON incoming_row.line = incoming.entry
WHERE outcome = 'asked' ORDER BY incoming.entry
ON CONFLICT (input_no, line) DO UPDATE
SET reason = excluded.reason, other_no = excluded.other_no, answer = NULL, expense_id = excluded.expense_id,
    rows = excluded.rows, cells = excluded.cells, key = excluded.key, day = excluded.day,
    content_hash = excluded.content_hash, currency = excluded.currency, units = excluded.units,
    nanos = excluded.nanos, back = excluded.back, payload = excluded.payload, receipts = excluded.receipts,
    places = excluded.places

-- name: ask_about
-- Rows that were wrong, and are asked about now.
UPDATE input_row SET kind = 3
WHERE kind = 1 AND expense_no IS NULL AND (input_no, line) IN (
    SELECT first_input, first_line FROM incoming_row WHERE first_input IS NOT NULL AND kind = 3)

-- name: answer_by_setting
-- Questions that a setting has answered since.
UPDATE question SET answer = 'setting'
WHERE answer IS NULL AND (input_no, line) IN (
    SELECT first_input, first_line FROM incoming_row CROSS JOIN incoming USING (entry)
    WHERE first_input IS NOT NULL AND incoming.outcome <> 'asked' AND incoming.outcome <> 'asked_before')

-- name: outcomes
SELECT incoming.entry, rows, company_id, expense_id, expense_no, other_no, outcome, reason, repeated_line, payload, named,
       incoming_row.first_input, incoming_row.first_line
FROM incoming CROSS JOIN incoming_row ON incoming_row.line = incoming.entry WHERE outcome = :outcome AND incoming.entry > :after ORDER BY incoming.entry LIMIT :limit

-- name: forget_undecided
DELETE FROM incoming_error
WHERE code = 'id_conflict' OR code = 'possible_duplicate' OR code = 'line_repeated'
   OR (code = 'row_key_wrong' AND expected LIKE 'the id and company with which this row has come in%')

-- name: keep_rows
INSERT INTO kept_rows (input_no, first_line, last_line, body) SELECT :input, first_line, last_line, body FROM incoming_kept

-- name: sketch
INSERT INTO input_sketch (cells, input_no)
SELECT DISTINCT cells, :input FROM incoming_row ORDER BY cells LIMIT 64

-- name: gone
-- How many rows of an earlier reading do not stand in this one.
SELECT count(*) FROM input_row WHERE input_no = :earlier AND NOT EXISTS (
    SELECT 1 FROM incoming_row
    WHERE incoming_row.first_input = coalesce(input_row.first_input, input_row.input_no)
      AND incoming_row.first_line = coalesce(input_row.first_line, input_row.line))

-- name: supersede
UPDATE input SET superseded = 1 WHERE input_no = :earlier

-- name: drop_sketch
DELETE FROM input_sketch WHERE input_no = :earlier AND cells IN (SELECT cells FROM input_row WHERE input_no = :earlier)

-- name: drop_kept
-- Of a reading whose rows all stand in a later one and of which nothing is open.
DELETE FROM kept_rows WHERE input_no = :earlier AND NOT EXISTS (
    SELECT 1 FROM row_error WHERE row_error.input_no = :earlier AND settled = 0)

-- name: add_row_error
INSERT INTO row_error (input_no, company_id, expense_key, expense_id, rows, line, code, column_name, value, expected)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: unfinished_inputs
-- Readings that were begun and never ended.
SELECT name, path, receipts, mapping, input_no, sha256
FROM input WHERE staged_at IS NULL AND superseded = 0 ORDER BY input_no

-- name: open_row_errors
SELECT input.name, line, code, column_name, value, expected, company_id, expense_key
FROM row_error JOIN input USING (input_no)
WHERE settled = 0 AND dismissed = 0 ORDER BY input_no, line, error_no LIMIT :limit

-- name: count_row_errors
-- And of these what somebody has dismissed, and what is asked.
SELECT count(*), count(DISTINCT coalesce(company_id, '') || char(31) || input_no || char(31) || expense_key),
       count(*) FILTER (WHERE dismissed = 1),
       count(DISTINCT coalesce(company_id, '') || char(31) || input_no || char(31) || expense_key)
           FILTER (WHERE dismissed = 1),
       count(*) FILTER (WHERE dismissed = 0 AND code = 'possible_duplicate')
FROM row_error WHERE settled = 0

-- name: known_expense
SELECT state, (SELECT coalesce(given, body) FROM payload WHERE payload.expense_no = expense.expense_no),
       input.name, expense.line, company.company_id, expense.expense_id
FROM expense JOIN input USING (input_no) JOIN company USING (company_no) WHERE expense_no = :expense_no
