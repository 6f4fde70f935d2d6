-- name: input_of
SELECT input_no FROM question WHERE question_no = :question

-- name: expenses_in
-- What the rows of a file are.
SELECT coalesce(again.expense_no, origin.expense_no) FROM input_row AS again
LEFT JOIN input_row AS origin ON origin.input_no = again.first_input AND origin.line = again.first_line
WHERE again.input_no = :input AND coalesce(again.expense_no, origin.expense_no) IS NOT NULL

-- name: candidates
-- The expense that was named in the question, then those that mean the same, then those that agree in day and amount.
SELECT expense_no FROM (
    SELECT other_no AS expense_no, 0 AS place FROM question WHERE question_no = :question AND other_no IS NOT NULL
    UNION ALL
    SELECT expense.expense_no, 1 + (expense.content_hash <> question.content_hash)
    FROM question JOIN company USING (company_id)
    CROSS JOIN expense ON expense.company_no = company.company_no AND expense.day = question.day
    WHERE question.question_no = :question AND expense.currency = question.currency
      AND CASE expense.back WHEN 1 THEN -expense.units ELSE expense.units END
          = CASE question.back WHEN 1 THEN -question.units ELSE question.units END
      AND CASE expense.back WHEN 1 THEN -expense.nanos ELSE expense.nanos END
          = CASE question.back WHEN 1 THEN -question.nanos ELSE question.nanos END
)
ORDER BY place, expense_no

-- name: question
SELECT input_no, line, company_id, expense_id, rows, cells, key, day, content_hash, currency, units, nanos, back, payload,
       receipts
FROM question WHERE question_no = :question

-- name: add_company
INSERT INTO company (company_id) VALUES (:company) ON CONFLICT (company_id) DO NOTHING

-- name: company_no
SELECT company_no FROM company WHERE company_id = :company

-- name: next_number
SELECT coalesce(max(number), 0) + 1 FROM expense
WHERE company_no = :company_no AND day = :day AND short_key = :short_key

-- name: is_taken
SELECT EXISTS (SELECT 1 FROM expense WHERE company_no = :company_no AND expense_id = :expense_id)

-- name: add_expense
INSERT INTO expense (company_no, expense_id, input_no, line, rows, named, cells, day, short_key, number, back,
                     content_hash, currency, units, nanos)
VALUES (:company_no, :expense_id, :input, :line, :rows, :named, :cells, :day, :short_key, :number, :back, :content,
        :currency, :units, :nanos)
RETURNING expense_no

-- name: add_payload
INSERT INTO payload (expense_no, body) VALUES (:expense_no, :body)

-- name: count
INSERT INTO accepted (input_no, company_no, currency, expenses, billions, units, nanos)
VALUES (:input, :company_no, :currency, 1, :units / 1000000000, :units % 1000000000, :nanos)
ON CONFLICT (input_no, company_no, currency) DO UPDATE
SET expenses = expenses + 1, billions = billions + excluded.billions, units = units + excluded.units, nanos = nanos + excluded.nanos

-- name: add_receipt
INSERT INTO receipt (expense_no, company_no, root, path, size, sha256) VALUES (?, ?, ?, ?, ?, ?)

-- name: places
-- Where its rows first stood, and where they came again.
SELECT json_extract(place.value, '$[0]'), json_extract(place.value, '$[1]')
FROM question, json_each(question.places) AS place WHERE question_no = :question
UNION
SELECT again.input_no, again.line FROM question, json_each(question.places) AS place
CROSS JOIN input_row AS again ON again.first_input = json_extract(place.value, '$[0]')
    AND again.first_line = json_extract(place.value, '$[1]')
WHERE question_no = :question AND again.first_input IS NOT NULL AND again.kind <> 0

-- name: settle_error
UPDATE row_error SET settled = 1 WHERE settled = 0 AND input_no = ? AND line = ?

-- name: became
UPDATE input_row SET expense_no = :expense_no, kind = 0
WHERE (input_no, line) IN (
    SELECT json_extract(place.value, '$[0]'), json_extract(place.value, '$[1]')
    FROM question, json_each(question.places) AS place WHERE question_no = :question)

-- name: end
UPDATE question SET answer = :answer WHERE question_no = :question
