-- name: life
-- The boot that a life was of; how long it and those after it have watched, it since a boot time of its own, they in
-- all, but for the one that asks; and when the first of those after it in the boot of the one that asks began.
SELECT boot_id, max(0.0, alive_boot - :boottime) + coalesce(
    (SELECT sum(later.alive_boot - later.started_boot) FROM run AS later
     WHERE later.run_no > run.run_no AND later.run_no < :run), 0.0),
    (SELECT min(later.started_boot) FROM run AS later
     WHERE later.run_no > run.run_no AND later.boot_id = :boot_id)
FROM run WHERE run_no = :life

-- name: last_speaking
-- The last earlier life that spoke with Codat, and how it ended.
SELECT run_no, ended_at, alive_boot, alive_served FROM run
WHERE purpose IN ('run', 'verify', 'rebuild', 'copy') AND run_no <> :run ORDER BY run_no DESC LIMIT 1

-- name: last_sending
-- The last earlier life that may have had an effect; of what is not in a copy, nobody knows when it left.
SELECT run_no, ended_at, alive_boot, alive_served FROM run
WHERE purpose IN ('run', 'copy') AND run_no <> :run ORDER BY run_no DESC LIMIT 1

-- name: watched
SELECT coalesce(sum(alive_boot - started_boot), 0.0) FROM run WHERE run_no <> :run

-- name: after
-- The life that found the journal left behind: when it began, the one before it was over.
SELECT run_no, started_at, started_boot, NULL FROM run WHERE run_no > :life ORDER BY run_no LIMIT 1
