-- The journal: everything that was intended and everything that is known.
-- States are checked, illegal transitions are refused, intentions cannot be rewritten: by the schema itself.

-- What the journal is: one row. `commits` counts its durable commits; its lock file is told of each.
CREATE TABLE journal (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    journal_id TEXT NOT NULL,
    commits    INTEGER NOT NULL,
    -- How many files have come in: what a file was compared with still holds as long as none has since.
    readings   INTEGER NOT NULL DEFAULT 0,
    open_run   INTEGER,
    lost       TEXT
) STRICT;

INSERT INTO journal (one, journal_id, commits) VALUES (1, lower(hex(randomblob(16))), 0);

CREATE TABLE run (
    run_no        INTEGER PRIMARY KEY,
    purpose       TEXT NOT NULL CHECK (purpose IN ('run', 'check', 'verify', 'rebuild', 'retry', 'resolve', 'prune', 'copy')),
    started_at    TEXT NOT NULL,
    ended_at      TEXT,
    exit_code     INTEGER,
    version       TEXT NOT NULL,
    flow          TEXT NOT NULL CHECK (flow IN ('datasets', 'direct')),
    pid           INTEGER NOT NULL,
    host          TEXT NOT NULL,
    boot_id       TEXT NOT NULL,
    -- From when to when, by the boot clock, this life has watched the world, as far as it is on disk; and the time at
    -- the service then, seconds since 1970, where its answers told.
    started_boot  REAL NOT NULL,
    alive_boot    REAL NOT NULL,
    alive_served  REAL,
    requests      INTEGER NOT NULL DEFAULT 0,
    retried       INTEGER NOT NULL DEFAULT 0,
    rate_limited  INTEGER NOT NULL DEFAULT 0,
    keys_honoured INTEGER CHECK (keys_honoured IN (0, 1)),
    CHECK ((ended_at IS NULL) = (exit_code IS NULL)),
    CHECK (alive_boot >= started_boot)
) STRICT;

CREATE TABLE company (
    company_no   INTEGER PRIMARY KEY,
    company_id   TEXT NOT NULL UNIQUE,
    owner        INTEGER REFERENCES run (run_no),
    epoch        INTEGER NOT NULL DEFAULT 0,
    -- The last run in which a request about it left.
    served_run   INTEGER REFERENCES run (run_no),
    -- How long its last syncs took, from which the next look at one is planned.
    pace         TEXT,
    -- Codat's time up to which its syncs were read by the last comparison that agreed.
    compared_to  TEXT,
    hold_code    TEXT,
    hold_message TEXT,
    hold_hint    TEXT,
    held_at      TEXT,
    hold_run     INTEGER REFERENCES run (run_no),
    -- The hold that a look released last: if it comes again before anything went well, it was never over.
    released_code  TEXT,
    released_since TEXT,
    released_run   INTEGER REFERENCES run (run_no),
    CHECK ((hold_code IS NULL) = (held_at IS NULL) AND (hold_code IS NULL) = (hold_message IS NULL))
) STRICT;

-- One reading of one file. `sha256` is taken before anything is parsed; `staged_at` is when it came in, whole.
CREATE TABLE input (
    input_no    INTEGER PRIMARY KEY,
    run_no      INTEGER NOT NULL REFERENCES run (run_no),
    name        TEXT NOT NULL,
    path        TEXT,
    receipts    TEXT,
    mapping     TEXT,
    -- What its rows are compared with: the mapping profile's name; blank for canonical columns, which are one source.
    source      TEXT NOT NULL DEFAULT '',
    sha256      TEXT,
    size        INTEGER,
    -- The company that all its rows belong to, where no cell says it: the same bytes of two companies are two files.
    company     TEXT NOT NULL DEFAULT '',
    delimiter   TEXT,
    encoding    TEXT,
    header      TEXT,
    header_line INTEGER,
    rows        INTEGER NOT NULL DEFAULT 0,
    repeated    INTEGER NOT NULL DEFAULT 0,
    noted       INTEGER NOT NULL DEFAULT 0,
    begun_at    TEXT NOT NULL,
    staged_at   TEXT,
    -- Whether it was refused as a whole.
    refused     INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1)),
    -- Whether its rows stand in a later reading, or its bytes were read after all, or somebody has dropped it.
    superseded  INTEGER NOT NULL DEFAULT 0 CHECK (superseded IN (0, 1)),
    -- Whether it is a file of rejects that came back.
    came_back   INTEGER NOT NULL DEFAULT 0 CHECK (came_back IN (0, 1))
) STRICT;

CREATE INDEX input_by_name ON input (name);
CREATE INDEX input_by_content ON input (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX input_open ON input (input_no) WHERE superseded = 0 AND (staged_at IS NULL OR refused = 1);

-- What intake counted while it let expenses in: one side of the accounting identity,
-- the other being the expenses themselves, by state.
CREATE TABLE accepted (
    input_no   INTEGER NOT NULL REFERENCES input (input_no),
    company_no INTEGER NOT NULL REFERENCES company (company_no),
    currency   TEXT NOT NULL,
    expenses   INTEGER NOT NULL,
    -- Billions of units are added apart from the rest: no file may let a sum overflow.
    billions   INTEGER NOT NULL,
    units      INTEGER NOT NULL,
    nanos      INTEGER NOT NULL,
    PRIMARY KEY (input_no, company_no, currency)
) STRICT, WITHOUT ROWID;

-- What every row of a reading was, for ever: its cells, and what it became. Kinds: 0 right, 1 wrong, 2 skipped, 3 asked.
-- A row that an earlier reading had is that row: then `first_input` and `first_line` say where it stood first, and what
-- it became is said there alone.
CREATE TABLE input_row (
    input_no    INTEGER NOT NULL REFERENCES input (input_no),
    line        INTEGER NOT NULL,
    cells       INTEGER NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    expense_no  INTEGER REFERENCES expense (expense_no),
    first_input INTEGER REFERENCES input (input_no),
    first_line  INTEGER,
    PRIMARY KEY (input_no, line),
    CHECK ((first_input IS NULL) = (first_line IS NULL)),
    CHECK (first_input IS NULL OR expense_no IS NULL)
) STRICT, WITHOUT ROWID;

-- Rows that are nothing yet: wrong ones and questions.
CREATE INDEX input_row_open ON input_row (cells) WHERE expense_no IS NULL AND first_input IS NULL AND kind <> 2;

-- Where a row that was wrong or asked about came again, and was so in another way.
CREATE INDEX input_row_again ON input_row (first_input, first_line) WHERE first_input IS NOT NULL AND kind <> 0;

-- The smallest digests of a reading's cells, so that a revision of it is known by them.
CREATE TABLE input_sketch (
    cells    INTEGER NOT NULL,
    input_no INTEGER NOT NULL REFERENCES input (input_no),
    PRIMARY KEY (cells, input_no)
) STRICT, WITHOUT ROWID;

-- The rows as the user wrote them, some at a time: compressed MessagePack, a list of line, cells and the rule that skips it.
CREATE TABLE kept_rows (
    input_no   INTEGER NOT NULL REFERENCES input (input_no),
    first_line INTEGER NOT NULL,
    last_line  INTEGER NOT NULL,
    body       BLOB NOT NULL,
    PRIMARY KEY (input_no, first_line)
) STRICT;

CREATE TABLE row_error (
    error_no    INTEGER PRIMARY KEY,
    input_no    INTEGER NOT NULL REFERENCES input (input_no),
    company_id  TEXT,
    expense_key TEXT NOT NULL,
    expense_id  TEXT,
    -- How many rows of the file are that expense's.
    rows        INTEGER NOT NULL DEFAULT 1,
    line        INTEGER NOT NULL,
    code        TEXT NOT NULL,
    column_name TEXT,
    value       TEXT,
    expected    TEXT NOT NULL,
    settled     INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1)),
    -- Somebody has said that the row will not come any more.
    dismissed   INTEGER NOT NULL DEFAULT 0 CHECK (dismissed IN (0, 1))
) STRICT;

CREATE INDEX row_error_open ON row_error (input_no, line) WHERE settled = 0;
CREATE INDEX row_error_at ON row_error (input_no, line);
CREATE INDEX row_error_conflict ON row_error (input_no, line) WHERE settled = 0 AND code = 'id_conflict';
CREATE INDEX row_error_of_expense ON row_error (input_no, expense_id) WHERE expense_id IS NOT NULL;
CREATE INDEX row_error_open_id ON row_error (expense_id) WHERE expense_id IS NOT NULL AND settled = 0;

-- A row that may be an expense which is known already: what it would become, until a person says which it is. `other`
-- is an expense that it may be; none where a whole file's days are the question.
CREATE TABLE question (
    question_no  INTEGER PRIMARY KEY,
    input_no     INTEGER NOT NULL REFERENCES input (input_no),
    line         INTEGER NOT NULL,
    reason       TEXT NOT NULL CHECK (reason IN ('overlap', 'alike', 'source', 'returned')),
    other_no     INTEGER REFERENCES expense (expense_no),
    company_id   TEXT NOT NULL,
    expense_id   TEXT,
    rows         INTEGER NOT NULL,
    cells        INTEGER NOT NULL,
    key          BLOB NOT NULL,
    day          TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    currency     TEXT NOT NULL,
    units        INTEGER NOT NULL,
    nanos        INTEGER NOT NULL,
    back         INTEGER NOT NULL,
    payload      BLOB NOT NULL,
    receipts     TEXT,
    -- JSON: input and line of each of its rows.
    places       TEXT NOT NULL,
    answer       TEXT CHECK (answer IN ('same', 'other', 'setting')),
    UNIQUE (input_no, line)
) STRICT;

CREATE INDEX question_open ON question (company_id) WHERE answer IS NULL;

CREATE TABLE sync (
    sync_no     INTEGER PRIMARY KEY,
    company_no  INTEGER NOT NULL REFERENCES company (company_no),
    run_no      INTEGER NOT NULL REFERENCES run (run_no),
    state       TEXT NOT NULL CHECK (state IN ('starting', 'running', 'finished', 'judged', 'void', 'forgotten')),
    sync_id     TEXT,
    status_code INTEGER,
    status_text TEXT,
    error       TEXT,
    adopted     INTEGER NOT NULL DEFAULT 0 CHECK (adopted IN (0, 1)),
    begun_at    TEXT NOT NULL,
    running_at  TEXT,
    finished_at TEXT,
    judged_at   TEXT,
    -- The first run in which Codat no longer knew it.
    missing_run INTEGER REFERENCES run (run_no),
    CHECK ((state IN ('running', 'finished', 'judged', 'forgotten')) = (sync_id IS NOT NULL)),
    CHECK (state = 'forgotten' OR (state IN ('finished', 'judged')) = (status_code IS NOT NULL)),
    CHECK ((state IN ('judged', 'forgotten')) = (judged_at IS NOT NULL))
) STRICT;

-- Per company, at most one sync whose fate is unknown.
CREATE UNIQUE INDEX sync_of_unknown_fate ON sync (company_no) WHERE state = 'starting';
CREATE UNIQUE INDEX sync_identity ON sync (company_no, sync_id) WHERE sync_id IS NOT NULL;
CREATE INDEX sync_by_id ON sync (sync_id) WHERE sync_id IS NOT NULL;
CREATE INDEX sync_void ON sync (company_no) WHERE state = 'void';
CREATE INDEX sync_open ON sync (company_no, sync_no) WHERE state IN ('starting', 'running', 'finished');

-- Syncs found at Codat that hold nothing of ours, so that each is read only once; numbered in the order of finding.
CREATE TABLE foreign_sync (
    foreign_no INTEGER PRIMARY KEY,
    company_no INTEGER NOT NULL REFERENCES company (company_no),
    sync_id    TEXT NOT NULL,
    seen_at    TEXT NOT NULL,
    UNIQUE (company_no, sync_id)
) STRICT;

CREATE INDEX foreign_sync_by_id ON foreign_sync (sync_id);

CREATE TABLE draft (
    draft_no    INTEGER PRIMARY KEY,
    company_no  INTEGER NOT NULL REFERENCES company (company_no),
    expenses    INTEGER NOT NULL CHECK (expenses BETWEEN 1 AND 50),
    state       TEXT NOT NULL DEFAULT 'drafted' CHECK (state IN ('drafted', 'stored', 'started', 'closed')),
    dataset_id  TEXT,
    dataset_run INTEGER REFERENCES run (run_no),
    sync_no     INTEGER REFERENCES sync (sync_no),
    split_from  INTEGER REFERENCES draft (draft_no),
    alone       INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1)),
    CHECK (state <> 'stored' OR dataset_id IS NOT NULL),
    CHECK (state <> 'started' OR sync_no IS NOT NULL),
    CHECK (state NOT IN ('drafted', 'stored') OR sync_no IS NULL)
) STRICT;

CREATE INDEX draft_open ON draft (company_no, draft_no) WHERE state IN ('drafted', 'stored');
-- A dataset's id is believed for one draft.
CREATE UNIQUE INDEX draft_of_dataset ON draft (dataset_id) WHERE dataset_id IS NOT NULL;
CREATE INDEX draft_of_sync ON draft (sync_no) WHERE sync_no IS NOT NULL;
CREATE INDEX draft_taken ON draft (company_no) WHERE dataset_id IS NOT NULL OR sync_no IS NOT NULL;
CREATE INDEX draft_of_run ON draft (dataset_run) WHERE dataset_id IS NOT NULL;

CREATE TABLE expense (
    expense_no    INTEGER PRIMARY KEY,
    company_no    INTEGER NOT NULL REFERENCES company (company_no),
    expense_id    TEXT NOT NULL,
    input_no      INTEGER NOT NULL REFERENCES input (input_no),
    line          INTEGER NOT NULL,
    rows          INTEGER NOT NULL,
    -- Whether its file gave it an id; what it is told by otherwise (see runner/domain/identity.py): the digest of its
    -- cells, and of what it means the key, whose beginning is indexed, the day as written, and its number among equal ones.
    named         INTEGER NOT NULL CHECK (named = 0 OR named = 1),
    cells         INTEGER NOT NULL,
    day           TEXT NOT NULL,
    short_key     INTEGER NOT NULL,
    number        INTEGER,
    -- Whether a positive amount is money that comes back.
    back          INTEGER NOT NULL CHECK (back = 0 OR back = 1),
    content_hash  BLOB NOT NULL,
    currency      TEXT NOT NULL,
    units         INTEGER NOT NULL,
    nanos         INTEGER NOT NULL CHECK (nanos BETWEEN -999999999 AND 999999999),
    -- Here and in the indexes and the trigger of this table nothing is an IN list. SQLite builds a table of such a
    -- list for every statement, in a trigger even for every row (more than half of what an expense cost); and it
    -- uses an index with `WHERE state IN (...)` for no query that asks for one state.
    state         TEXT NOT NULL DEFAULT 'staged'
                  CHECK (state = 'staged' OR state = 'sent' OR state = 'posted'
                         OR state = 'rejected' OR state = 'failed' OR state = 'in_doubt'),
    draft_no      INTEGER REFERENCES draft (draft_no),
    code          TEXT,
    message       TEXT,
    retries       INTEGER NOT NULL DEFAULT 0,
    -- When all that Codat lists was searched for an expense in doubt, after quiescence and in vain; and in which run.
    absent_at     TEXT,
    absent_run    INTEGER REFERENCES run (run_no),
    -- What says where it stands, if that is not the sync of its draft; `external` when it is posted by no sync of ours.
    evidence_sync TEXT,
    external      INTEGER NOT NULL DEFAULT 0 CHECK (external = 0 OR external = 1),
    CHECK (state <> 'sent' OR draft_no IS NOT NULL),
    CHECK (code IS NOT NULL OR state = 'staged' OR state = 'sent' OR state = 'posted'),
    UNIQUE (company_no, expense_id)
) STRICT;

CREATE INDEX expense_of_day ON expense (company_no, day, short_key);
CREATE INDEX expense_open ON expense (company_no, state, draft_no, expense_no)
    WHERE state = 'staged' OR state = 'failed' OR state = 'in_doubt';
CREATE INDEX expense_rejected ON expense (company_no, expense_no) WHERE state = 'rejected';
CREATE INDEX expense_of_draft ON expense (draft_no) WHERE draft_no IS NOT NULL;

-- Expenses that somebody has chosen to send again, until a sync has them: the syncs of others up to `known_foreign` were
-- known then, and `looked_run` is the run that has looked at Codat since, before it may send them.
CREATE TABLE resend (
    expense_no    INTEGER PRIMARY KEY REFERENCES expense (expense_no),
    company_no    INTEGER NOT NULL REFERENCES company (company_no),
    known_foreign INTEGER NOT NULL,
    looked_run    INTEGER REFERENCES run (run_no)
) STRICT;

CREATE INDEX resend_of_company ON resend (company_no);

-- What a sync's row was known to say of an expense when it was chosen to be sent again: as long as the row says no
-- more, it counts for nothing.
CREATE TABLE known_row (
    expense_no INTEGER NOT NULL REFERENCES expense (expense_no),
    sync_id    TEXT NOT NULL,
    code       TEXT NOT NULL,
    PRIMARY KEY (expense_no, sync_id)
) STRICT, WITHOUT ROWID;

-- The wire form, made once at staging. Apart from `expense`, so that adding up the books does not read it.
-- `given` is what the row said, where the preflight has put ids in the place of names and codes.
CREATE TABLE payload (
    expense_no INTEGER PRIMARY KEY REFERENCES expense (expense_no),
    body       BLOB NOT NULL,
    given      BLOB
) STRICT;

-- Further ids by which an expense is known: ids that its file gave its row in mid-life.
CREATE TABLE alias (
    company_no INTEGER NOT NULL REFERENCES company (company_no),
    expense_id TEXT NOT NULL,
    expense_no INTEGER NOT NULL REFERENCES expense (expense_no),
    PRIMARY KEY (company_no, expense_id)
) STRICT;

-- What a correction has replaced: the file that it came from may be read again, and says nothing new.
CREATE TABLE replaced (
    expense_no   INTEGER NOT NULL REFERENCES expense (expense_no),
    content_hash BLOB NOT NULL,
    cells        INTEGER NOT NULL,
    PRIMARY KEY (expense_no, content_hash, cells)
) STRICT;

-- What Codat last said that a company accepts, and when: `options` is compressed JSON. A time without a value means
-- that Codat was asked and did not say.
CREATE TABLE preflight (
    company_no   INTEGER PRIMARY KEY REFERENCES company (company_no),
    linked_at    TEXT,
    bank_account INTEGER CHECK (bank_account IN (0, 1)),
    supplier     INTEGER CHECK (supplier IN (0, 1)),
    defaults_at  TEXT,
    options      BLOB,
    options_at   TEXT
) STRICT;

CREATE TABLE receipt (
    receipt_no    INTEGER PRIMARY KEY,
    expense_no    INTEGER NOT NULL REFERENCES expense (expense_no),
    company_no    INTEGER NOT NULL REFERENCES company (company_no),
    root          TEXT NOT NULL,
    path          TEXT NOT NULL,
    size          INTEGER NOT NULL,
    sha256        BLOB NOT NULL CHECK (length(sha256) = 32),
    state         TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'attached', 'rejected', 'in_doubt')),
    attachment_id TEXT,
    code          TEXT,
    message       TEXT,
    CHECK (state = 'attached' OR attachment_id IS NULL),
    CHECK (state <> 'attached' OR attachment_id IS NOT NULL OR code IS 'resolved'),
    CHECK (state NOT IN ('rejected', 'in_doubt') OR code IS NOT NULL),
    UNIQUE (expense_no, path)
) STRICT;

CREATE INDEX receipt_waiting ON receipt (company_no, receipt_no) WHERE state = 'waiting';
CREATE INDEX receipt_in_doubt ON receipt (company_no, receipt_no) WHERE state = 'in_doubt';

-- One intention to have one effect at Codat. Never deleted; what was intended is never rewritten. When it left first
-- and last is told by three clocks: the wall's, the boot's of the run that sent it, and the service's where known.
CREATE TABLE attempt (
    attempt_no      INTEGER PRIMARY KEY,
    run_no          INTEGER NOT NULL REFERENCES run (run_no),
    company_no      INTEGER NOT NULL REFERENCES company (company_no),
    kind            TEXT NOT NULL CHECK (kind IN ('create', 'start', 'attach')),
    draft_no        INTEGER REFERENCES draft (draft_no),
    sync_no         INTEGER REFERENCES sync (sync_no),
    receipt_no      INTEGER REFERENCES receipt (receipt_no),
    idempotency_key TEXT NOT NULL,
    body_hash       BLOB NOT NULL,
    first_sent_at   TEXT NOT NULL,
    first_boottime  REAL NOT NULL,
    first_served    REAL,
    last_run        INTEGER NOT NULL REFERENCES run (run_no),
    last_sent_at    TEXT NOT NULL,
    last_boottime   REAL NOT NULL,
    last_served     REAL,
    sends           INTEGER NOT NULL DEFAULT 1,
    outcome         TEXT CHECK (outcome IN ('done', 'refused', 'not_sent', 'unknown', 'absent')),
    received        INTEGER NOT NULL DEFAULT 0 CHECK (received IN (0, 1)),
    http_status     INTEGER,
    correlation_id  TEXT,
    detail          TEXT,
    ended_at        TEXT,
    -- Ids in its answer that are believed for nothing: of a sync or a dataset that was something else already, or of a
    -- dataset that Codat has forgotten since.
    unbelieved_sync    TEXT,
    unbelieved_dataset TEXT,
    CHECK (kind <> 'create' OR draft_no IS NOT NULL),
    CHECK (kind <> 'start' OR sync_no IS NOT NULL),
    CHECK (kind <> 'attach' OR receipt_no IS NOT NULL)
) STRICT;

CREATE INDEX attempt_of_draft ON attempt (draft_no) WHERE draft_no IS NOT NULL;
CREATE INDEX attempt_of_sync ON attempt (sync_no) WHERE sync_no IS NOT NULL;
CREATE INDEX attempt_unbelieved ON attempt (company_no, outcome)
    WHERE unbelieved_sync IS NOT NULL OR unbelieved_dataset IS NOT NULL;
CREATE INDEX attempt_unbelieved_dataset ON attempt (unbelieved_dataset) WHERE unbelieved_dataset IS NOT NULL;
CREATE INDEX attempt_of_receipt ON attempt (receipt_no) WHERE receipt_no IS NOT NULL;

-- What happened to one expense out of the ordinary: the ordinary is told by its draft, dataset and sync.
CREATE TABLE event (
    event_no   INTEGER PRIMARY KEY,
    run_no     INTEGER NOT NULL REFERENCES run (run_no),
    at         TEXT NOT NULL,
    company_no INTEGER NOT NULL REFERENCES company (company_no),
    expense_no INTEGER REFERENCES expense (expense_no),
    draft_no   INTEGER REFERENCES draft (draft_no),
    kind       TEXT NOT NULL,
    detail     TEXT
) STRICT;

CREATE INDEX event_of_expense ON event (expense_no) WHERE expense_no IS NOT NULL;

CREATE TRIGGER expense_transition BEFORE UPDATE OF state ON expense
WHEN OLD.state <> NEW.state AND instr(
    ' staged>sent staged>posted staged>rejected staged>failed staged>in_doubt ' ||
    ' sent>staged sent>posted sent>rejected sent>failed sent>in_doubt ' ||
    ' failed>staged failed>posted failed>rejected failed>in_doubt ' ||
    ' in_doubt>staged in_doubt>posted in_doubt>rejected in_doubt>failed ' ||
    ' rejected>staged rejected>posted ',
    ' ' || OLD.state || '>' || NEW.state || ' ') = 0
BEGIN
    SELECT RAISE(ABORT, 'an expense cannot go from this state to that one');
END;

CREATE TRIGGER sync_transition BEFORE UPDATE OF state ON sync
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN (
    'starting>running', 'starting>void', 'running>finished', 'finished>judged', 'running>forgotten', 'finished>forgotten'
)
BEGIN
    SELECT RAISE(ABORT, 'a sync cannot go from this state to that one');
END;

CREATE TRIGGER draft_transition BEFORE UPDATE OF state ON draft
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN (
    'drafted>stored', 'drafted>started', 'drafted>closed', 'stored>drafted', 'stored>started', 'stored>closed',
    'started>drafted', 'started>stored', 'started>closed'
)
BEGIN
    SELECT RAISE(ABORT, 'a draft cannot go from this state to that one');
END;

CREATE TRIGGER receipt_transition BEFORE UPDATE OF state ON receipt
WHEN OLD.state <> NEW.state AND (OLD.state = 'attached' OR OLD.state = 'rejected' AND NEW.state <> 'waiting')
BEGIN
    SELECT RAISE(ABORT, 'a receipt cannot go from this state to that one');
END;

CREATE TRIGGER attempt_kept BEFORE DELETE ON attempt
BEGIN
    SELECT RAISE(ABORT, 'attempts are never deleted');
END;

CREATE TRIGGER attempt_intent BEFORE UPDATE OF
    run_no, company_no, kind, draft_no, sync_no, receipt_no, idempotency_key, body_hash, first_sent_at,
    first_boottime, first_served ON attempt
BEGIN
    SELECT RAISE(ABORT, 'what was intended is never rewritten');
END;

CREATE TRIGGER attempt_outcome BEFORE UPDATE OF outcome ON attempt
WHEN OLD.outcome IS NOT NULL AND OLD.outcome <> 'unknown' AND OLD.outcome IS NOT NEW.outcome
BEGIN
    SELECT RAISE(ABORT, 'a known outcome is never rewritten');
END;

-- What people said of that which Codat would not tell: who, when and why. Never changed, never deleted.
CREATE TABLE resolution (
    resolution_no INTEGER PRIMARY KEY,
    run_no        INTEGER NOT NULL REFERENCES run (run_no),
    at            TEXT NOT NULL,
    person        TEXT NOT NULL,
    host          TEXT NOT NULL,
    answer        TEXT NOT NULL CHECK (answer IN ('posted', 'absent', 'dismissed', 'attached', 'missing', 'dropped', 'same', 'other')),
    note          TEXT,
    was           TEXT NOT NULL,
    expense_no    INTEGER REFERENCES expense (expense_no),
    receipt_no    INTEGER REFERENCES receipt (receipt_no),
    input_no      INTEGER REFERENCES input (input_no),
    line          INTEGER,
    CHECK (expense_no IS NOT NULL OR input_no IS NOT NULL)
) STRICT;

CREATE INDEX resolution_of_expense ON resolution (expense_no) WHERE expense_no IS NOT NULL;

CREATE TRIGGER resolution_kept BEFORE DELETE ON resolution
BEGIN
    SELECT RAISE(ABORT, 'what people said is never deleted');
END;

CREATE TRIGGER resolution_said BEFORE UPDATE ON resolution
BEGIN
    SELECT RAISE(ABORT, 'what people said is never changed');
END;

-- What each channel of notices was told and has not been told the end of, so that the same is told once. `told_at` is
-- empty until it is delivered; `resolved_at` is there while the end of it still has to be told.
CREATE TABLE notice (
    channel     TEXT NOT NULL,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    measure     INTEGER NOT NULL,
    code        TEXT NOT NULL,
    since       TEXT NOT NULL,
    told_at     TEXT,
    resolved_at TEXT,
    CHECK (resolved_at IS NULL OR told_at IS NOT NULL),
    PRIMARY KEY (channel, kind, subject)
) STRICT, WITHOUT ROWID;

-- What may be asked of the journal from outside: these views keep their names and columns over all versions; the
-- tables may change. Amounts are decimal text, and the exact integers beside it.

CREATE VIEW v_companies AS
SELECT company_id, hold_code, hold_message, hold_hint, held_at
FROM company;

CREATE VIEW v_inputs AS
SELECT input_no, name, sha256, mapping, rows, repeated, begun_at, staged_at, superseded, run_no
FROM input;

CREATE VIEW v_expenses AS
SELECT company.company_id, expense.expense_id,
       CASE WHEN expense.state = 'staged' AND company.hold_code IS NOT NULL THEN 'held'
            WHEN expense.state = 'sent' AND sync.state = 'starting' THEN 'in_doubt'
            ELSE expense.state END AS state,
       expense.code, expense.message, expense.currency,
       CASE WHEN expense.units < 0 OR expense.nanos < 0 THEN '-' ELSE '' END || abs(expense.units) || '.' ||
           CASE WHEN expense.nanos % 10000000 = 0 THEN printf('%02d', abs(expense.nanos) / 10000000)
                ELSE rtrim(printf('%09d', abs(expense.nanos)), '0') END AS amount,
       expense.units, expense.nanos, input.name AS input, expense.line, expense.retries, expense.external,
       draft.dataset_id, coalesce(expense.evidence_sync, sync.sync_id) AS sync_id, sync.status_code,
       sync.judged_at, input.begun_at AS read_at
FROM expense
JOIN company ON company.company_no = expense.company_no
JOIN input ON input.input_no = expense.input_no
LEFT JOIN draft ON draft.draft_no = expense.draft_no
LEFT JOIN sync ON sync.sync_no = draft.sync_no;

CREATE VIEW v_syncs AS
SELECT company.company_id, sync.sync_id, sync.state, sync.status_code, sync.status_text, sync.error, sync.adopted,
       sync.begun_at, sync.running_at, sync.finished_at, sync.judged_at, sync.run_no,
       (SELECT count(*) FROM draft WHERE draft.sync_no = sync.sync_no) AS drafts,
       (SELECT count(*) FROM draft JOIN expense ON expense.draft_no = draft.draft_no
        WHERE draft.sync_no = sync.sync_no) AS expenses
FROM sync
JOIN company ON company.company_no = sync.company_no;

CREATE VIEW v_receipts AS
SELECT company.company_id, expense.expense_id, receipt.path, receipt.size, lower(hex(receipt.sha256)) AS sha256,
       receipt.state, receipt.attachment_id, receipt.code, receipt.message
FROM receipt
JOIN expense ON expense.expense_no = receipt.expense_no
JOIN company ON company.company_no = expense.company_no;

CREATE VIEW v_runs AS
SELECT run_no, purpose, started_at, ended_at, exit_code, version, flow, host, pid, requests, retried, rate_limited
FROM run;

CREATE VIEW v_attempts AS
SELECT company.company_id, attempt.kind, attempt.outcome, attempt.first_sent_at, attempt.last_sent_at,
       attempt.ended_at, attempt.sends, attempt.http_status, attempt.correlation_id, attempt.detail,
       attempt.idempotency_key, sync.sync_id, attempt.run_no
FROM attempt
JOIN company ON company.company_no = attempt.company_no
LEFT JOIN sync ON sync.sync_no = attempt.sync_no;

CREATE VIEW v_row_errors AS
SELECT input.name AS input, row_error.line, row_error.company_id, row_error.expense_id, row_error.code,
       row_error.column_name, row_error.value, row_error.expected, row_error.settled, input.begun_at AS read_at
FROM row_error
JOIN input ON input.input_no = row_error.input_no;
