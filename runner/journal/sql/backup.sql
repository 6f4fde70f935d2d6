-- name: mark
-- Written into copies only: whoever puts one in the journal's place has a journal older than reality, and nothing may
-- be sent from it before it has been rebuilt.
INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id)
VALUES ('copy', :now, :version, coalesce((SELECT flow FROM run ORDER BY run_no DESC LIMIT 1), 'datasets'),
        :pid, :host, '')

-- name: expenses
SELECT count(*) FROM expense
