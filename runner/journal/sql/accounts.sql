-- name: bounds
SELECT (SELECT min(expense_no) FROM expense), (SELECT max(expense_no) FROM expense)

-- name: next
SELECT expense_no, company_no, currency, state FROM expense WHERE expense_no >= :first ORDER BY expense_no LIMIT 1

-- name: alike
-- In the order of the file, here and below: by way of an index each row would be a jump. Units are added in two parts, as
-- no file may let them overflow.
SELECT count(*), sum(units / 1000000000), sum(units % 1000000000), sum(nanos) FROM expense NOT INDEXED
WHERE expense_no BETWEEN :first AND :last AND company_no = :company AND state = :state AND currency = :currency

-- name: mixed
SELECT company_no, currency, state, count(*), sum(units / 1000000000), sum(units % 1000000000), sum(nanos) FROM expense NOT INDEXED
WHERE expense_no BETWEEN :first AND :last
GROUP BY company_no, currency, state

-- name: in_starting_syncs
-- Their sync was begun and has no outcome: these are in doubt, whatever they are stored as. A start that the run at
-- work has begun and that got no answer yet is none of these: whoever has begun it waits for the answer.
SELECT expense.company_no, expense.currency, count(*), sum(expense.units / 1000000000), sum(expense.units % 1000000000), sum(expense.nanos)
FROM sync CROSS JOIN draft USING (sync_no) CROSS JOIN expense USING (draft_no)
WHERE sync.state = 'starting' AND expense.state = 'sent' AND coalesce((
      SELECT max(attempt.run_no IS NOT :at_work OR attempt.outcome IS NOT NULL AND attempt.outcome <> 'not_sent')
      FROM attempt WHERE attempt.sync_no = sync.sync_no AND attempt.kind = 'start'
  ), 1)
GROUP BY expense.company_no, expense.currency

-- name: accepted
SELECT company_no, currency, sum(expenses), sum(billions), sum(units), sum(nanos) FROM accepted GROUP BY company_no, currency

-- name: companies
SELECT company_no, company_id, hold_code FROM company

-- name: open_syncs
SELECT count(*) FROM sync WHERE state IN ('starting', 'running', 'finished')

-- name: attention
-- State by state, so that each is looked up in an index: this is asked of finished journals of any size.
WITH found (expense_no) AS (
    SELECT expense_no FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'rejected' AND code <> 'dismissed'
    UNION ALL
    SELECT expense_no FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'failed'
    UNION ALL
    SELECT expense_no FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'in_doubt'
), first (expense_no) AS MATERIALIZED (
    SELECT expense_no FROM found CROSS JOIN expense USING (expense_no)
    ORDER BY expense.company_no, expense.expense_no LIMIT :limit
)
SELECT company.company_id, expense.expense_id, expense.state, expense.code, expense.message,
       input.name, expense.line,
       (SELECT json_extract(CAST(body AS TEXT), '$.reference') FROM payload
        WHERE payload.expense_no = expense.expense_no)
FROM first CROSS JOIN expense USING (expense_no) JOIN company USING (company_no) JOIN input USING (input_no)
ORDER BY expense.company_no, expense.expense_no

-- name: count_attention
SELECT (SELECT count(*) FROM company CROSS JOIN expense USING (company_no)
        WHERE expense.state = 'rejected' AND code <> 'dismissed')
     + (SELECT count(*) FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'failed')
     + (SELECT count(*) FROM company CROSS JOIN expense USING (company_no) WHERE expense.state = 'in_doubt')

-- name: may_be_retried
-- Those that a later run sends again by itself: what was in no draft of this journal only a person does.
SELECT EXISTS (
    SELECT 1 FROM company CROSS JOIN expense USING (company_no)
    WHERE expense.state = 'failed' AND retries < :limit AND draft_no IS NOT NULL
)

-- name: attachable
SELECT count(*) FROM receipt JOIN expense USING (expense_no)
WHERE receipt.state = 'waiting' AND expense.state = 'posted'

-- name: listing
SELECT company.company_id, expense.expense_id,
       CASE WHEN expense.state = 'staged' AND hold_code IS NOT NULL THEN 'held' ELSE expense.state END,
       coalesce(expense.code, ''), expense.message, input.name, expense.line, currency, units, nanos,
       (SELECT count(*) FROM receipt WHERE receipt.expense_no = expense.expense_no AND receipt.state = 'attached')
FROM expense JOIN company USING (company_no) JOIN input USING (input_no)
ORDER BY expense.company_no, expense.expense_no LIMIT :limit

-- name: by_word
-- What stands where it does by somebody's word: found by what was said, which is little.
SELECT expense.code, currency, count(*), sum(units / 1000000000), sum(units % 1000000000), sum(nanos) FROM expense
WHERE expense_no IN (SELECT expense_no FROM resolution WHERE answer IN ('posted', 'dismissed') AND receipt_no IS NULL)
  AND (expense.state = 'posted' AND expense.code = 'resolved' OR expense.state = 'rejected' AND expense.code = 'dismissed')
GROUP BY expense.code, currency

-- name: dismissed_receipts
SELECT count(*) FROM receipt
WHERE receipt_no IN (SELECT receipt_no FROM resolution WHERE answer = 'dismissed')
  AND state = 'rejected' AND code = 'dismissed'
