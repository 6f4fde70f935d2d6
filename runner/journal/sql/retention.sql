-- name: portion
-- Where the next portion of payloads ends; NULL: there are no more.
SELECT max(expense_no) FROM (
    SELECT expense_no FROM payload WHERE expense_no > :after ORDER BY expense_no LIMIT :limit
)

-- name: drop_settled
-- Posted is final: nothing sends, splits, replays or compares the wire form of such an expense again. Its draft must
-- be closed, or gone, so that no request that is under way can need it; its receipts settled.
DELETE FROM payload
WHERE expense_no > :after AND expense_no <= :until AND EXISTS (
    SELECT 1 FROM expense LEFT JOIN draft USING (draft_no)
    WHERE expense.expense_no = payload.expense_no AND expense.state = 'posted'
      AND (draft.draft_no IS NULL OR draft.state = 'closed')
      AND NOT EXISTS (
          SELECT 1 FROM receipt
          WHERE receipt.expense_no = payload.expense_no AND (receipt.state = 'waiting' OR receipt.state = 'in_doubt')
      )
)

-- name: rows_portion
SELECT max(rowid) FROM (SELECT rowid FROM kept_rows WHERE rowid > :after ORDER BY rowid LIMIT :limit)

-- name: drop_rows
-- Rows as the user wrote them, where all that are kept together are in the books or were skipped.
DELETE FROM kept_rows
WHERE rowid > :after AND rowid <= :until AND NOT EXISTS (
    SELECT 1 FROM input_row
    LEFT JOIN input_row AS origin ON origin.input_no = input_row.first_input AND origin.line = input_row.first_line
    LEFT JOIN expense ON expense.expense_no = coalesce(input_row.expense_no, origin.expense_no)
    WHERE input_row.input_no = kept_rows.input_no AND input_row.kind <> 2
      AND input_row.line BETWEEN kept_rows.first_line AND kept_rows.last_line AND expense.state IS NOT 'posted'
)
