-- name: is_made
SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'journal')

-- name: known
SELECT journal_id, commits, open_run, lost FROM journal

-- name: count
-- Within each durable commit. Of what is lost the lock file is told nothing before the rebuild has ended.
UPDATE journal SET commits = commits + 1 RETURNING journal_id, commits, lost IS NULL

-- name: mark
-- The number goes beyond what the lock file knows, so that it is the newer one once the mark is gone.
UPDATE journal SET lost = coalesce(lost, :reason), commits = max(commits, :commit)

-- name: lives_lost
-- Before the mark: lives that are not in this file may have sent something, and nobody knows when.
INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id, started_boot, alive_boot)
SELECT 'copy', :now, '', coalesce((SELECT flow FROM run ORDER BY run_no DESC LIMIT 1), 'datasets'), 0, '', '', 0, 0
FROM journal WHERE lost IS NULL

-- name: open
UPDATE journal SET open_run = (SELECT coalesce(max(run_no), 0) + 1 FROM run)

-- name: close
UPDATE journal SET open_run = NULL
