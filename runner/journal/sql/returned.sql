-- name: has_aliases
SELECT EXISTS (SELECT 1 FROM alias)

-- name: alias_of
SELECT expense_no, content_hash,
       (SELECT min(returned.at_line) FROM returned WHERE returned.expense_no = alias.expense_no AND input_no = :input)
FROM alias JOIN expense USING (expense_no)
WHERE alias.company_no = :company_no AND alias.expense_id = :expense_id

-- name: is_replaced
SELECT EXISTS (SELECT 1 FROM replaced WHERE expense_no = :expense_no AND content_hash = :content_hash)

-- name: replace
INSERT INTO replaced (expense_no, content_hash) VALUES (:expense_no, :content_hash) ON CONFLICT DO NOTHING

-- name: owner
-- Whose an id without a row is; and whether that expense is another row of the same file, which says so by itself.
WITH owner (expense_no) AS (
    SELECT expense_no FROM expense WHERE company_no = :company_no AND expense_id = :expense_id
    UNION SELECT expense_no FROM alias WHERE company_no = :company_no AND expense_id = :expense_id
)
SELECT expense_no, input.name, expense.line,
       expense.input_no = :input OR coalesce(substr(input.sha256, 1, 16) = :origin, 0) OR EXISTS (
           SELECT 1 FROM returned WHERE returned.expense_no = owner.expense_no AND returned.origin = :origin
       )
FROM owner CROSS JOIN expense USING (expense_no) JOIN input USING (input_no)

-- name: add_alias
INSERT INTO alias (company_no, expense_id, expense_no) VALUES (:company_no, :expense_id, :expense_no)

-- name: before
SELECT input_no, at_line, expense_no FROM returned WHERE origin = :origin AND line = :line

-- name: came_in_as
SELECT company.company_id, expense.expense_id
FROM returned JOIN expense USING (expense_no) JOIN company USING (company_no)
WHERE returned.origin = :origin AND returned.line = :line

-- name: settle_at
UPDATE row_error SET settled = 1 WHERE settled = 0 AND input_no = :input AND line = :line

-- name: settle_origin
UPDATE row_error SET settled = 1
WHERE settled = 0 AND line = :line AND input_no IN (
    SELECT input_no FROM input WHERE substr(sha256, 1, 16) = :origin AND input_no < :input
)

-- name: record
INSERT INTO returned (origin, line, input_no, at_line, expense_no, changed)
VALUES (:origin, :line, :input, :at_line, :expense_no, :changed)
ON CONFLICT (origin, line) DO UPDATE
SET input_no = excluded.input_no, at_line = excluded.at_line, expense_no = excluded.expense_no,
    changed = max(changed, excluded.changed)

-- name: mark
UPDATE input SET came_back = 1 WHERE input_no = :input

-- name: gone
-- Rows that came back wrong in an earlier reading of this file, and are not in it any more.
SELECT origin, line FROM returned JOIN input USING (input_no)
WHERE returned.expense_no IS NULL AND input.superseded = 1 AND input.name = :name

-- name: forget
DELETE FROM returned WHERE origin = :origin AND line = :line

-- name: reopen
UPDATE row_error SET settled = 0
WHERE settled = 1 AND line = :line AND input_no IN (
    SELECT input_no FROM input WHERE substr(sha256, 1, 16) = :origin AND superseded = 0
)

-- name: settle_returned
-- The file was read again: what is wrong with rows of it that came back is said where they came back.
UPDATE row_error SET settled = 1
WHERE input_no = :input AND settled = 0 AND EXISTS (
    SELECT 1 FROM returned
    WHERE returned.origin = substr(:sha256, 1, 16) AND returned.line = row_error.line AND returned.input_no <> :input
)
