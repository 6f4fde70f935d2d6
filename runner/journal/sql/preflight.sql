-- name: known
SELECT linked_at, bank_account, supplier, defaults_at, options, options_at
FROM preflight JOIN company USING (company_no) WHERE company_id = :company

-- name: linked
INSERT INTO preflight (company_no, linked_at) SELECT company_no, :now FROM company WHERE company_id = :company
ON CONFLICT (company_no) DO UPDATE SET linked_at = excluded.linked_at

-- name: defaults
INSERT INTO preflight (company_no, bank_account, supplier, defaults_at)
SELECT company_no, :bank_account, :supplier, :now FROM company WHERE company_id = :company
ON CONFLICT (company_no) DO UPDATE
SET bank_account = excluded.bank_account, supplier = excluded.supplier, defaults_at = excluded.defaults_at

-- name: options
INSERT INTO preflight (company_no, options, options_at)
SELECT company_no, :options, :now FROM company WHERE company_id = :company
ON CONFLICT (company_no) DO UPDATE SET options = excluded.options, options_at = excluded.options_at

-- name: to_send
-- What a create may carry: undrafted expenses, and drafts that no sync has taken yet.
SELECT
    EXISTS (SELECT 1 FROM expense WHERE company_no = c.company_no AND state = 'staged' AND draft_no IS NULL),
    EXISTS (SELECT 1 FROM draft WHERE company_no = c.company_no AND state IN ('drafted', 'stored')),
    EXISTS (SELECT 1 FROM expense JOIN payload USING (expense_no)
            WHERE company_no = c.company_no AND state = 'staged' AND instr(body, :bank_account) = 0),
    EXISTS (SELECT 1 FROM expense JOIN payload USING (expense_no)
            WHERE company_no = c.company_no AND state = 'staged' AND instr(body, :contact) = 0)
FROM company AS c WHERE company_id = :company

-- name: page
-- Only what is in no draft: the body of a draft may have been sent, and must stay the same under its key.
SELECT expense_no, coalesce(given, body), given IS NOT NULL, retries, code
FROM expense JOIN payload USING (expense_no)
WHERE company_no = (SELECT company_no FROM company WHERE company_id = :company)
  AND state = 'staged' AND draft_no IS NULL AND expense_no > :after
ORDER BY expense_no LIMIT :limit

-- name: rewrite
UPDATE payload
SET given = CASE WHEN coalesce(given, body) = :body THEN NULL ELSE coalesce(given, body) END, body = :body
WHERE expense_no = :expense_no
  AND EXISTS (SELECT 1 FROM expense WHERE expense_no = :expense_no AND state = 'staged' AND draft_no IS NULL)

-- name: reject
UPDATE expense SET state = 'rejected', code = :code, message = :message
WHERE expense_no = :expense_no AND state = 'staged' AND draft_no IS NULL
