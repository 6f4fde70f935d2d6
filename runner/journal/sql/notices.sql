-- name: known
SELECT kind, subject, measure, code, since, told_at, resolved_at FROM notice WHERE channel = :channel

-- name: keep
INSERT INTO notice (channel, kind, subject, measure, code, since, told_at, resolved_at)
VALUES (:channel, :kind, :subject, :measure, :code, :since, :told_at, :resolved_at)
ON CONFLICT (channel, kind, subject) DO UPDATE SET
    measure = excluded.measure, code = excluded.code, told_at = excluded.told_at, resolved_at = excluded.resolved_at

-- name: forget
DELETE FROM notice WHERE channel = :channel AND kind = :kind AND subject = :subject

-- name: latest_batch
-- The last run that let new expenses in, and how many.
SELECT input.run_no, sum(accepted.expenses) FROM input JOIN accepted USING (input_no)
GROUP BY input.run_no HAVING sum(accepted.expenses) > 0 ORDER BY input.run_no DESC LIMIT 1

-- name: rejected_of_batch
-- Expenses that Codat or the preflight refused, and those that never entered because rows of theirs are wrong. A file
-- that is read again each night has its errors in its newest reading.
SELECT
    (SELECT count(*) FROM expense JOIN input USING (input_no)
     WHERE expense.state = 'rejected' AND input.run_no = :run),
    (SELECT count(DISTINCT coalesce(company_id, '') || char(31) || input_no || char(31) || expense_key)
     FROM row_error JOIN input USING (input_no) WHERE row_error.settled = 0 AND input.run_no >= :run)

-- name: latest_arrival
SELECT max(input.begun_at) FROM input
WHERE EXISTS (SELECT 1 FROM accepted WHERE accepted.input_no = input.input_no AND accepted.expenses > 0)

-- name: first_run
SELECT min(started_at) FROM run WHERE purpose = 'run'
