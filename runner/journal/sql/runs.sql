-- name: begin
INSERT INTO run (started_at, version, flow, pid, host, boot_id)
VALUES (:now, :version, :flow, :pid, :host, :boot_id)
RETURNING run_no

-- name: end
UPDATE run
SET ended_at = :now, exit_code = :exit_code, requests = :requests, retried = :retried, rate_limited = :rate_limited
WHERE run_no = :run

-- name: last_activity
SELECT max(moment) FROM (
    SELECT max(ended_at) AS moment FROM run
    UNION ALL
    SELECT max(started_at) FROM run
    UNION ALL
    SELECT last_sent_at FROM attempt WHERE attempt_no = (SELECT max(attempt_no) FROM attempt)
)

-- name: keys_honoured
UPDATE run SET keys_honoured = :honoured WHERE run_no = :run

-- name: totals
SELECT coalesce(sum(requests), 0), coalesce(sum(retried), 0), coalesce(sum(rate_limited), 0), count(*) FROM run

-- name: event
INSERT INTO event (run_no, at, company_no, expense_no, draft_no, kind, detail)
SELECT :run, :now, company_no, :expense_no, :draft_no, :kind, :detail FROM company WHERE company_id = :company
