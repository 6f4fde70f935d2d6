-- name: cut_off
-- Corrections are counted where they came in, so that there is a sum even if it is 0.
SELECT input_no, name, sha256, came_back, EXISTS (SELECT 1 FROM accepted WHERE accepted.input_no = input.input_no)
FROM input WHERE staged_at IS NULL AND superseded = 0 AND input_no < :input

-- name: input_of
SELECT input_no FROM expense WHERE expense_no = :expense_no

-- name: left
-- Those that no later reading has corrected.
SELECT count(*) FROM expense WHERE input_no = :cut_off

-- name: supersede
UPDATE input SET superseded = 1 WHERE input_no = :cut_off

-- name: settle_errors
UPDATE row_error SET settled = 1 WHERE settled = 0 AND input_no = :cut_off AND :settle
