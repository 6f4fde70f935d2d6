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
