-- name: waiting
SELECT receipt.receipt_no, expense.expense_id, receipt.root, receipt.path, receipt.size, receipt.sha256,
       CASE WHEN expense.code = 'resolved' THEN NULL ELSE coalesce(expense.evidence_sync, sync.sync_id) END, expense.external
FROM receipt
JOIN expense USING (expense_no)
LEFT JOIN draft USING (draft_no)
LEFT JOIN sync USING (sync_no)
WHERE receipt.company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND receipt.state = 'waiting' AND expense.state = 'posted'
ORDER BY receipt.receipt_no LIMIT :limit

-- name: attached
UPDATE receipt SET state = 'attached', attachment_id = :attachment, code = NULL, message = NULL
WHERE receipt_no = :receipt AND state <> 'attached'

-- name: judged
UPDATE receipt SET state = :state, code = :code, message = :message WHERE receipt_no = :receipt

-- name: retry_in_doubt
UPDATE receipt SET state = 'waiting', code = NULL, message = NULL
WHERE state = 'in_doubt'

-- name: counts
SELECT state, count(*) FROM receipt GROUP BY state
