-- name: mark
-- Written into copies only: whoever puts one in the journal's place has a journal older than reality, and nothing may
-- be sent from it before it has been rebuilt.
UPDATE journal SET open_run = NULL, lost = coalesce(lost, :reason)

-- name: lives_lost
INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id, started_boot, alive_boot)
VALUES ('copy', :now, :version, coalesce((SELECT flow FROM run ORDER BY run_no DESC LIMIT 1), 'datasets'),
        :pid, :host, '', 0, 0)

-- name: expenses
SELECT count(*) FROM expense
