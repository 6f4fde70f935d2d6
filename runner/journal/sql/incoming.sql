-- name: rows
-- A file's rows on their way in. Kinds as in `input_row`; `entry` is the line of the first row of its expense.
-- `first_input` and `first_line`: the row that it is, where an earlier reading had it, and `how` that is known.
CREATE TEMP TABLE incoming_row (
    line        INTEGER PRIMARY KEY,
    cells       INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    entry       INTEGER,
    origin      TEXT,
    origin_line INTEGER,
    first_input INTEGER,
    first_line  INTEGER,
    how         TEXT
)

-- name: expenses
-- What its right rows make; `outcome` and what follows it are found by comparing. `named`: its id is the user's own;
-- `by_id`: it is fixed, by that or by a `_row_key`.
CREATE TEMP TABLE incoming (
    entry         INTEGER PRIMARY KEY,
    company_id    TEXT NOT NULL,
    company_no    INTEGER,
    expense_id    TEXT NOT NULL,
    named         INTEGER NOT NULL,
    by_id         INTEGER NOT NULL,
    returned      INTEGER NOT NULL,
    rows          INTEGER NOT NULL,
    cells         INTEGER NOT NULL,
    key           BLOB NOT NULL,
    short_key     INTEGER NOT NULL,
    day           TEXT NOT NULL,
    content_hash  BLOB NOT NULL,
    currency      TEXT NOT NULL,
    units         INTEGER NOT NULL,
    nanos         INTEGER NOT NULL,
    back          INTEGER NOT NULL,
    payload       BLOB NOT NULL,
    receipts      TEXT,
    repeated_line INTEGER,
    outcome       TEXT,
    expense_no    INTEGER,
    number        INTEGER,
    other_no      INTEGER,
    reason        TEXT
)

-- name: errors
CREATE TEMP TABLE incoming_error (
    line        INTEGER NOT NULL,
    company_id  TEXT,
    expense_key TEXT NOT NULL,
    expense_id  TEXT,
    rows        INTEGER NOT NULL,
    code        TEXT NOT NULL,
    column_name TEXT,
    value       TEXT,
    expected    TEXT NOT NULL
)

-- name: kept
CREATE TEMP TABLE incoming_kept (first_line INTEGER PRIMARY KEY, last_line INTEGER NOT NULL, body BLOB NOT NULL)

-- name: earlier
-- Rows of earlier readings that this one's may be, by the cells that they have: 1 as they were read and are, 2 as they
-- were read and are no more, since a correction has come in, 3 as that correction says.
CREATE TEMP TABLE earlier (
    first_input INTEGER NOT NULL,
    first_line  INTEGER NOT NULL,
    cells       INTEGER NOT NULL,
    expense_no  INTEGER,
    rank        INTEGER NOT NULL,
    PRIMARY KEY (cells, first_input, first_line)
) WITHOUT ROWID

-- name: candidates
-- Expenses that this file's may be, each with the row that it first was.
CREATE TEMP TABLE candidate (
    expense_no   INTEGER PRIMARY KEY,
    first_input  INTEGER,
    first_line   INTEGER,
    company_no   INTEGER NOT NULL,
    day          TEXT NOT NULL,
    short_key    INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    cells        INTEGER NOT NULL,
    named        INTEGER NOT NULL,
    same_source  INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    units        INTEGER NOT NULL,
    nanos        INTEGER NOT NULL,
    taken        INTEGER NOT NULL DEFAULT 0
)

-- name: pairs
CREATE TEMP TABLE pair (entry INTEGER PRIMARY KEY, first_input INTEGER, first_line INTEGER, expense_no INTEGER)

-- name: add_row
INSERT INTO incoming_row (line, cells, kind, origin, origin_line) VALUES (?, ?, ?, ?, ?)

-- name: add_expense
INSERT INTO incoming (entry, company_id, expense_id, named, by_id, returned, rows, cells, key, short_key, day,
                      content_hash,
                      currency, units, nanos, back, payload, receipts, repeated_line)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: belongs
UPDATE incoming_row SET kind = 0, entry = ? WHERE line = ?

-- name: belong_alone
-- Rows that are an expense each.
UPDATE incoming_row SET kind = 0, entry = line WHERE line IN (SELECT entry FROM incoming WHERE rows = 1)

-- name: add_error
INSERT INTO incoming_error (line, company_id, expense_key, expense_id, rows, code, column_name, value, expected)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: add_kept
INSERT INTO incoming_kept (first_line, last_line, body) VALUES (?, ?, ?)

-- name: index_cells
CREATE INDEX IF NOT EXISTS temp.incoming_row_cells ON incoming_row (cells)

-- name: index_entry
CREATE INDEX IF NOT EXISTS temp.incoming_row_entry ON incoming_row (entry) WHERE entry IS NOT NULL

-- name: index_first
CREATE INDEX IF NOT EXISTS temp.incoming_row_first ON incoming_row (first_input, first_line) WHERE first_input IS NOT NULL
