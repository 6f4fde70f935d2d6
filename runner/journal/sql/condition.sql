-- name: states
SELECT 'expense', state, count(*) FROM expense GROUP BY state
UNION ALL SELECT 'draft', state, count(*) FROM draft GROUP BY state
UNION ALL SELECT 'sync', state, count(*) FROM sync GROUP BY state
UNION ALL SELECT 'receipt', state, count(*) FROM receipt GROUP BY state
UNION ALL SELECT 'attempt', kind || ' ' || coalesce(outcome, 'open'), count(*) FROM attempt GROUP BY kind, outcome
UNION ALL SELECT 'payload', 'kept', count(*) FROM payload

-- name: sync_codes
SELECT status_code, count(*) FROM sync WHERE status_code IS NOT NULL GROUP BY status_code ORDER BY status_code

-- name: answers
SELECT kind, http_status, count(*) FROM attempt WHERE http_status IS NOT NULL
GROUP BY kind, http_status ORDER BY kind, http_status

-- name: runs
SELECT run_no, purpose, started_at, ended_at, exit_code, version, flow, requests, retried, rate_limited, keys_honoured
FROM run ORDER BY run_no DESC LIMIT :limit

-- name: companies
SELECT company_id, hold_code,
       (SELECT count(*) FROM expense WHERE expense.company_no = company.company_no),
       (SELECT count(*) FROM sync WHERE sync.company_no = company.company_no)
FROM company WHERE hold_code IS NOT NULL OR EXISTS (
    SELECT 1 FROM sync WHERE sync.company_no = company.company_no AND sync.state IN ('starting', 'running', 'finished')
)
ORDER BY company_no LIMIT :limit
