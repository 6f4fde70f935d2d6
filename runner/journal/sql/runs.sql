-- name: begin
INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id, started_boot, alive_boot)
VALUES (:purpose, :now, :version, :flow, :pid, :host, :boot_id, :boottime, :boottime)
RETURNING run_no

-- name: end
UPDATE run
SET ended_at = :now, alive_served = :served,
    alive_boot = CASE WHEN run_no = (SELECT max(run_no) FROM run) THEN max(alive_boot, :boottime) ELSE alive_boot END,
    exit_code = :exit_code, requests = :requests, retried = :retried, rate_limited = :rate_limited
WHERE run_no = :run

-- name: alive
-- A life that was stopped, and goes on when others have come after it, has not watched what they have.
UPDATE run SET alive_boot = max(alive_boot, :boottime) WHERE run_no = :run AND run_no = (SELECT max(run_no) FROM run)

-- name: at_work
-- The run of a process that holds the journal: its row is the latest, and not from before it took the lock.
SELECT run_no FROM run
WHERE run_no = (SELECT max(run_no) FROM run) AND ended_at IS NULL AND pid = :pid AND host = :host AND started_at >= :since

-- name: open_rebuild
-- Why nothing may be sent before a rebuild has ended.
SELECT lost FROM journal WHERE lost IS NOT NULL

-- name: begin_rebuild
UPDATE journal SET lost = coalesce(lost, :reason)

-- name: end_rebuild
-- Of a rebuild that came to its end only; the number of this commit goes to the lock file.
UPDATE journal SET lost = NULL
WHERE :exit_code = 0 AND (SELECT purpose FROM run WHERE run_no = :run) = 'rebuild'

-- name: keys_honoured
UPDATE run SET keys_honoured = :honoured WHERE run_no = :run

-- name: totals
-- Of runs those that speak with Codat; one without an end, killed or at work, has told nothing of its requests.
SELECT coalesce(sum(requests), 0), coalesce(sum(retried), 0), coalesce(sum(rate_limited), 0),
       coalesce(sum(purpose IN ('run', 'verify', 'rebuild')), 0),
       coalesce(max(purpose IN ('run', 'verify', 'rebuild') AND ended_at IS NULL), 0)
FROM run

-- name: lives
SELECT run_no, started_at, ended_at, exit_code FROM run WHERE purpose = 'run' ORDER BY run_no DESC LIMIT :limit

-- name: event
INSERT INTO event (run_no, at, company_no, expense_no, draft_no, kind, detail)
SELECT :run, :now, company_no, :expense_no, :draft_no, :kind, :detail FROM company WHERE company_id = :company
