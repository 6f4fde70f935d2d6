-- name: of
SELECT body FROM kept_rows WHERE input_no = :input AND first_line <= :line AND last_line >= :line

-- name: here
-- Of the file that is about to come in.
SELECT body FROM incoming_kept WHERE first_line <= :line AND last_line >= :line
