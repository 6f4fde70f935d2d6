-- name: begin
INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id)
VALUES (:purpose, :now, :version, :flow, :pid, :host, :boot_id)
RETURNING run_no

-- name: end
UPDATE run
SET ended_at = :now, ended_boot = :boottime, exit_code = :exit_code, requests = :requests, retried = :retried, rate_limited = :rate_limited
WHERE run_no = :run

-- name: previous_life
SELECT ended_at, ended_boot, boot_id FROM run ORDER BY run_no DESC LIMIT 1

-- name: open_rebuild
-- The latest rebuild, unless it came to its end.
SELECT run_no FROM run WHERE purpose = 'rebuild' AND exit_code IS NOT 0
AND run_no = (SELECT max(run_no) FROM run WHERE purpose = 'rebuild')

-- name: keys_honoured
UPDATE run SET keys_honoured = :honoured WHERE run_no = :run

-- name: totals
SELECT coalesce(sum(requests), 0), coalesce(sum(retried), 0), coalesce(sum(rate_limited), 0), count(*) FROM run

-- name: event
INSERT INTO event (run_no, at, company_no, expense_no, draft_no, kind, detail)
SELECT :run, :now, company_no, :expense_no, :draft_no, :kind, :detail FROM company WHERE company_id = :company
