-- What a file's rows are, worked out before any of it comes in. Joins are CROSS JOINs: nothing is known of the sizes of
-- temporary tables, and what comes in must be the outer loop, however the journal has grown. Every statement reads the journal and writes what is
-- temporary alone.

-- name: forget
UPDATE incoming_row SET first_input = NULL, first_line = NULL, how = NULL WHERE how IS NOT NULL

-- name: forget_outcomes
UPDATE incoming SET outcome = NULL, expense_no = NULL, number = NULL, other_no = NULL, reason = NULL
WHERE outcome IS NOT NULL

-- name: find_companies
UPDATE incoming SET company_no = (SELECT company_no FROM company WHERE company.company_id = incoming.company_id)
WHERE company_id IN (SELECT company_id FROM company)

-- name: index_day
CREATE INDEX IF NOT EXISTS temp.incoming_day ON incoming (company_no, day, short_key)

-- name: readings
SELECT readings FROM journal

-- name: returned
-- A row with a `_row_key` is the row that it names.
UPDATE incoming_row SET how = 'returned', (first_input, first_line) = (
    SELECT coalesce(input_row.first_input, input_row.input_no), coalesce(input_row.first_line, input_row.line)
    FROM input CROSS JOIN input_row ON input_row.input_no = input.input_no AND input_row.line = incoming_row.origin_line
    WHERE input.sha256 >= incoming_row.origin AND input.sha256 < incoming_row.origin || 'g'
    ORDER BY input.input_no LIMIT 1)
WHERE origin IS NOT NULL

-- name: known_bytes
-- The first reading of the same bytes, for the same company, that has rows.
SELECT input_no FROM input
WHERE sha256 = :sha256 AND company = :company AND input_no <> :input AND staged_at IS NOT NULL
  AND EXISTS (SELECT 1 FROM input_row WHERE input_row.input_no = input.input_no)
ORDER BY input_no LIMIT 1

-- name: by_line
UPDATE incoming_row SET how = 'known', (first_input, first_line) = (
    SELECT coalesce(first_input, input_no), coalesce(first_line, input_row.line) FROM input_row
    WHERE input_no = :known AND input_row.line = incoming_row.line)
WHERE EXISTS (SELECT 1 FROM input_row WHERE input_no = :known AND input_row.line = incoming_row.line)

-- name: maybe_revised
-- Earlier readings that have some of these rows.
SELECT DISTINCT input_no FROM incoming_row CROSS JOIN input_sketch USING (cells) ORDER BY input_no

-- name: stands_in
-- How many rows of a reading stand in this one cell by cell, and how many it has.
SELECT (SELECT coalesce(sum(min(theirs.often, ours.often)), 0)
        FROM (SELECT cells, count(*) AS often FROM input_row WHERE input_no = :earlier GROUP BY cells) AS theirs
        CROSS JOIN (SELECT cells, count(*) AS often FROM incoming_row GROUP BY cells) AS ours USING (cells)),
       (SELECT count(*) FROM input_row WHERE input_no = :earlier)

-- name: earlier_rows
INSERT OR IGNORE INTO earlier (first_input, first_line, cells, expense_no, rank)
SELECT coalesce(again.first_input, again.input_no), coalesce(again.first_line, again.line), again.cells,
       expense.expense_no,
       CASE WHEN expense.expense_no IS NULL OR expense.rows > 1 OR expense.cells = again.cells THEN 1 ELSE 2 END
FROM input_row AS again
LEFT JOIN input_row AS origin ON origin.input_no = again.first_input AND origin.line = again.first_line
LEFT JOIN expense ON expense.expense_no = coalesce(again.expense_no, origin.expense_no)
WHERE again.input_no = :earlier

-- name: earlier_shared
-- Rows of a reading of the same source that this one is no revision of, where they stand here cell by cell.
INSERT OR IGNORE INTO earlier (first_input, first_line, cells, expense_no, rank)
SELECT coalesce(again.first_input, again.input_no), coalesce(again.first_line, again.line), again.cells,
       expense.expense_no, CASE WHEN expense.rows > 1 OR expense.cells = again.cells THEN 1 ELSE 2 END
FROM input CROSS JOIN input_row AS again ON again.input_no = input.input_no
LEFT JOIN input_row AS origin ON origin.input_no = again.first_input AND origin.line = again.first_line
CROSS JOIN expense ON expense.expense_no = coalesce(again.expense_no, origin.expense_no)
WHERE input.input_no = :earlier AND input.source = :source
  AND again.cells IN (SELECT cells FROM incoming_row WHERE how IS NULL)

-- name: ask_shared
-- Nobody has said whether exports overlap, and all cells of a row are those of one that is known, whatever day a profile
-- read from them then, or reads now.
UPDATE incoming SET outcome = 'asked', reason = 'overlap', other_no = found.expense_no
FROM (
    SELECT incoming_row.entry, min(earlier.expense_no) AS expense_no
    FROM pair CROSS JOIN incoming_row ON incoming_row.line = pair.entry
    CROSS JOIN earlier ON earlier.cells = incoming_row.cells AND earlier.first_input = pair.first_input
        AND earlier.first_line = pair.first_line
    WHERE incoming_row.entry IS NOT NULL AND earlier.expense_no IS NOT NULL
    GROUP BY incoming_row.entry
) AS found
WHERE found.entry = incoming.entry AND outcome IS NULL AND incoming.expense_no IS NULL

-- name: corrected_rows
-- What they say now, where a correction has come in by another file.
INSERT OR IGNORE INTO earlier (first_input, first_line, cells, expense_no, rank)
SELECT first_input, first_line, expense.cells, expense_no, 3
FROM earlier CROSS JOIN expense USING (expense_no) WHERE expense.rows = 1 AND earlier.rank = 2

-- name: any_candidate
SELECT EXISTS (SELECT 1 FROM candidate)

-- name: forget_earlier
DELETE FROM earlier

-- name: forget_candidates
DELETE FROM candidate

-- name: forget_pairs
DELETE FROM pair

-- name: pair_cells
-- The first of equal rows with the first, the second with the second.
INSERT OR IGNORE INTO pair (entry, first_input, first_line)
SELECT min(ours.line), theirs.first_input, theirs.first_line
FROM (SELECT line, cells, row_number() OVER (PARTITION BY cells ORDER BY line) AS place
      FROM incoming_row WHERE how IS NULL) AS ours
CROSS JOIN (SELECT first_input, first_line, cells,
             row_number() OVER (PARTITION BY cells ORDER BY first_input, first_line) AS place
      FROM earlier WHERE rank = :rank AND (first_input, first_line) NOT IN (
          SELECT first_input, first_line FROM incoming_row WHERE first_input IS NOT NULL)
     ) AS theirs ON theirs.cells = ours.cells AND theirs.place = ours.place
GROUP BY theirs.first_input, theirs.first_line

-- name: take_rows
UPDATE incoming_row SET how = :how, first_input = pair.first_input, first_line = pair.first_line
FROM pair WHERE pair.entry = incoming_row.line

-- name: candidates_earlier
INSERT OR IGNORE INTO candidate (expense_no, first_input, first_line, company_no, day, short_key, content_hash, cells,
                                 named, same_source, currency, units, nanos)
SELECT expense.expense_no, earlier.first_input, earlier.first_line, company_no, day, short_key, content_hash,
       expense.cells, named, 1, currency, CASE back WHEN 1 THEN -units ELSE units END,
       CASE back WHEN 1 THEN -nanos ELSE nanos END
FROM earlier CROSS JOIN expense USING (expense_no)

-- name: take_candidates
-- What this file's rows are already is nothing else.
UPDATE candidate SET taken = 1
WHERE expense_no IN (SELECT expense_no FROM incoming WHERE expense_no IS NOT NULL)

-- name: pair_key
-- By what they mean; with :alike only those whose content is equal too. Ids of the user's own decide between rows that
-- both have one.
INSERT OR IGNORE INTO pair (entry, first_input, first_line, expense_no)
SELECT ours.entry, theirs.first_input, theirs.first_line, theirs.expense_no
FROM (SELECT entry, company_no, day, short_key, CASE WHEN :alike THEN content_hash END AS content,
             row_number() OVER (PARTITION BY company_no, day, short_key, CASE WHEN :alike THEN content_hash END
                                ORDER BY entry) AS place
      FROM incoming WHERE outcome IS NULL AND expense_no IS NULL AND company_no IS NOT NULL AND named <= :ours) AS ours
CROSS JOIN (SELECT expense_no, first_input, first_line, company_no, day, short_key,
             CASE WHEN :alike THEN content_hash END AS content,
             row_number() OVER (PARTITION BY company_no, day, short_key, CASE WHEN :alike THEN content_hash END
                                ORDER BY expense_no) AS place
      FROM candidate WHERE taken = 0 AND same_source = 1 AND named = :theirs) AS theirs
  ON theirs.company_no = ours.company_no AND theirs.day = ours.day AND theirs.short_key = ours.short_key
 AND theirs.content IS ours.content AND theirs.place = ours.place

-- name: pair_entry_cells
-- As `pair_cells`, of expenses.
INSERT OR IGNORE INTO pair (entry, first_input, first_line, expense_no)
SELECT ours.entry, theirs.first_input, theirs.first_line, theirs.expense_no
FROM (SELECT entry, company_no, cells,
             row_number() OVER (PARTITION BY company_no, cells ORDER BY entry) AS place
      FROM incoming WHERE outcome IS NULL AND expense_no IS NULL AND company_no IS NOT NULL) AS ours
CROSS JOIN (SELECT expense_no, first_input, first_line, company_no, cells,
             row_number() OVER (PARTITION BY company_no, cells ORDER BY expense_no) AS place
      FROM candidate WHERE taken = 0 AND same_source = 1) AS theirs
  ON theirs.company_no = ours.company_no AND theirs.cells = ours.cells AND theirs.place = ours.place

-- name: pair_replaced
-- By the cells that an expense had before it was corrected.
INSERT OR IGNORE INTO pair (entry, first_input, first_line, expense_no)
SELECT min(incoming.entry), candidate.first_input, candidate.first_line, candidate.expense_no
FROM candidate CROSS JOIN replaced ON replaced.expense_no = candidate.expense_no
CROSS JOIN incoming ON incoming.company_no = candidate.company_no AND incoming.cells = replaced.cells
WHERE candidate.taken = 0 AND candidate.same_source = 1 AND incoming.outcome IS NULL AND incoming.expense_no IS NULL
GROUP BY candidate.expense_no

-- name: take_entries
UPDATE incoming SET expense_no = pair.expense_no FROM pair WHERE pair.entry = incoming.entry

-- name: take_entry_rows
UPDATE incoming_row SET how = :how, first_input = pair.first_input, first_line = pair.first_line
FROM pair WHERE pair.entry = incoming_row.line AND incoming_row.how IS NULL AND pair.first_input IS NOT NULL

-- name: open_alike
-- Rows of this source that are wrong or asked about, and stand here again.
INSERT OR IGNORE INTO earlier (first_input, first_line, cells, rank)
SELECT input_row.input_no, input_row.line, input_row.cells, 1
FROM incoming_row CROSS JOIN input_row ON input_row.cells = incoming_row.cells
CROSS JOIN input ON input.input_no = input_row.input_no
WHERE incoming_row.how IS NULL AND incoming_row.kind <> 2 AND input_row.expense_no IS NULL
  AND input_row.first_input IS NULL AND input_row.kind <> 2 AND input.source = :source

-- name: by_id
UPDATE incoming SET expense_no = coalesce(
    (SELECT expense_no FROM expense
     WHERE expense.company_no = incoming.company_no AND expense.expense_id = incoming.expense_id),
    (SELECT expense_no FROM alias
     WHERE alias.company_no = incoming.company_no AND alias.expense_id = incoming.expense_id))
WHERE by_id = 1 AND company_no IS NOT NULL

-- name: by_rows
-- What all its rows were, where that is one expense: known bytes and equal cells go before ids.
UPDATE incoming SET expense_no = found.expense_no
FROM (
    SELECT incoming_row.entry, min(input_row.expense_no) AS expense_no
    FROM incoming_row
    LEFT JOIN input_row ON input_row.input_no = incoming_row.first_input AND input_row.line = incoming_row.first_line
    WHERE incoming_row.entry IS NOT NULL
    GROUP BY incoming_row.entry
    HAVING count(*) = count(input_row.expense_no) AND count(DISTINCT input_row.expense_no) = 1
) AS found
WHERE found.entry = incoming.entry AND incoming.outcome IS NULL
  AND (incoming.returned = 0 OR incoming.expense_no IS NULL)

-- name: came_in_as_another
-- A row that came back, and has come in as another expense than the one that it says it is.
UPDATE incoming SET outcome = 'another', other_no = found.expense_no
FROM (
    SELECT incoming_row.entry, min(input_row.expense_no) AS expense_no
    FROM incoming_row
    CROSS JOIN input_row ON input_row.input_no = incoming_row.first_input AND input_row.line = incoming_row.first_line
    WHERE incoming_row.entry IS NOT NULL AND incoming_row.how = 'returned' AND input_row.expense_no IS NOT NULL
    GROUP BY incoming_row.entry
) AS found
CROSS JOIN expense ON expense.expense_no = found.expense_no
WHERE found.entry = incoming.entry
  AND NOT (expense.company_no IS incoming.company_no AND expense.expense_id = incoming.expense_id)
  AND NOT EXISTS (SELECT 1 FROM alias WHERE alias.company_no = incoming.company_no
                  AND alias.expense_id = incoming.expense_id AND alias.expense_no = found.expense_no)

-- name: corrections
-- Rows that were nothing, and are right now.
UPDATE incoming SET outcome = 'new'
WHERE outcome IS NULL AND expense_no IS NULL AND EXISTS (
    SELECT 1 FROM incoming_row
    CROSS JOIN input_row ON input_row.input_no = incoming_row.first_input AND input_row.line = incoming_row.first_line
    WHERE incoming_row.entry = incoming.entry AND input_row.expense_no IS NULL AND input_row.kind <> 3)

-- name: asked_before
-- Rows that are asked about already, and nobody has answered; a setting that has come since answers for itself.
UPDATE incoming SET outcome = 'asked_before'
WHERE outcome IS NULL AND expense_no IS NULL AND EXISTS (
    SELECT 1 FROM incoming_row
    CROSS JOIN input_row ON input_row.input_no = incoming_row.first_input AND input_row.line = incoming_row.first_line
    CROSS JOIN question ON question.input_no = incoming_row.first_input AND question.line = incoming_row.first_line
    WHERE incoming_row.entry = incoming.entry AND input_row.kind = 3 AND input_row.expense_no IS NULL
      AND NOT (question.reason = 'overlap' AND :overlap IS NOT NULL)
      AND NOT (incoming_row.how = 'returned' AND question.content_hash <> incoming.content_hash))

-- name: asked_anew
-- A row that came back with other content before anybody has answered: the question is about what it says now.
UPDATE incoming SET outcome = 'asked', (reason, other_no) = (
    SELECT question.reason, question.other_no FROM incoming_row
    CROSS JOIN question ON question.input_no = incoming_row.first_input AND question.line = incoming_row.first_line
    WHERE incoming_row.entry = incoming.entry ORDER BY incoming_row.line LIMIT 1)
WHERE outcome IS NULL AND expense_no IS NULL AND EXISTS (
    SELECT 1 FROM incoming_row
    CROSS JOIN input_row ON input_row.input_no = incoming_row.first_input AND input_row.line = incoming_row.first_line
    CROSS JOIN question ON question.input_no = incoming_row.first_input AND question.line = incoming_row.first_line
    WHERE incoming_row.entry = incoming.entry AND incoming_row.how = 'returned' AND input_row.kind = 3
      AND input_row.expense_no IS NULL AND NOT (question.reason = 'overlap' AND :overlap IS NOT NULL))

-- name: corrected_alike
-- A row that was wrong, or came back, and says what another expense says that has come in since, or before where nobody has
-- said that each file brings only new rows; unless both stood in one file, as two rows.
UPDATE incoming SET outcome = 'asked', reason = 'returned', other_no = found.expense_no
FROM (
    SELECT incoming.entry, min(expense.expense_no) AS expense_no
    FROM incoming
    CROSS JOIN incoming_row ON incoming_row.entry = incoming.entry
    CROSS JOIN expense ON expense.company_no = incoming.company_no AND expense.day = incoming.day
        AND expense.short_key = incoming.short_key
    LEFT JOIN input_row AS other ON other.input_no = expense.input_no AND other.line = expense.line
    WHERE (incoming.outcome = 'new' OR (
              incoming.returned = 1 AND (incoming.outcome IS NULL OR incoming.outcome = 'corrected')))
      AND incoming_row.first_input IS NOT NULL
      AND (expense.input_no > incoming_row.first_input OR :overlap IS NOT 'no')
      AND NOT EXISTS (
          SELECT 1 FROM input_row AS both
          WHERE both.input_no = incoming_row.first_input
            AND both.first_input = coalesce(other.first_input, expense.input_no)
            AND both.first_line = coalesce(other.first_line, expense.line))
      AND coalesce(other.first_input, expense.input_no) <> incoming_row.first_input
      AND NOT EXISTS (
          SELECT 1 FROM input_row AS beside
          WHERE beside.first_input = incoming_row.first_input AND beside.first_line = incoming_row.first_line
            AND beside.first_input IS NOT NULL AND beside.kind <> 0
            AND beside.input_no = coalesce(other.first_input, expense.input_no))
      AND expense.expense_no IS NOT incoming.expense_no AND NOT (expense.named = 1 AND incoming.named = 1)
    GROUP BY incoming.entry
) AS found
WHERE found.entry = incoming.entry

-- name: candidates_of_days
-- All expenses of the days that the rows which are nothing yet have in common with what came in before.
INSERT OR IGNORE INTO candidate (expense_no, first_input, first_line, company_no, day, short_key, content_hash, cells,
                                 named, same_source, currency, units, nanos)
SELECT expense.expense_no, coalesce(input_row.first_input, input_row.input_no),
       coalesce(input_row.first_line, input_row.line), expense.company_no, expense.day, expense.short_key,
       expense.content_hash, expense.cells, expense.named, input.source = :source, expense.currency,
       CASE expense.back WHEN 1 THEN -expense.units ELSE expense.units END,
       CASE expense.back WHEN 1 THEN -expense.nanos ELSE expense.nanos END
FROM (SELECT DISTINCT company_no, day FROM incoming
      WHERE outcome IS NULL AND expense_no IS NULL AND company_no IS NOT NULL) AS common
CROSS JOIN expense ON expense.company_no = common.company_no AND expense.day = common.day
CROSS JOIN input ON input.input_no = expense.input_no
LEFT JOIN input_row ON input_row.input_no = expense.input_no AND input_row.line = expense.line

-- name: forget_own_candidates
-- What came in by a reading that this one revises has been compared already.
DELETE FROM candidate WHERE expense_no IN (SELECT expense_no FROM earlier WHERE expense_no IS NOT NULL)

-- name: ask_alike
-- What is left over and agrees in day, amount and currency with an expense that nothing in this file is.
UPDATE incoming SET outcome = 'asked', reason = 'alike', other_no = found.expense_no
FROM (
    SELECT incoming.entry, min(candidate.expense_no) AS expense_no
    FROM incoming CROSS JOIN candidate ON candidate.company_no = incoming.company_no AND candidate.day = incoming.day
        AND candidate.currency = incoming.currency
        AND candidate.units = CASE incoming.back WHEN 1 THEN -incoming.units ELSE incoming.units END
        AND candidate.nanos = CASE incoming.back WHEN 1 THEN -incoming.nanos ELSE incoming.nanos END
    WHERE incoming.outcome IS NULL AND incoming.expense_no IS NULL AND candidate.taken = 0
      AND candidate.same_source = 1 AND NOT (candidate.named = 1 AND incoming.named = 1)
    GROUP BY incoming.entry
) AS found
WHERE found.entry = incoming.entry

-- name: ask_overlap
-- Nobody has said whether exports overlap: all rows of the days that are covered already.
UPDATE incoming SET outcome = 'asked', reason = 'overlap',
    other_no = (SELECT pair.expense_no FROM pair WHERE pair.entry = incoming.entry)
WHERE outcome IS NULL AND expense_no IS NULL AND EXISTS (
    SELECT 1 FROM candidate
    WHERE candidate.company_no = incoming.company_no AND candidate.day = incoming.day AND candidate.same_source = 1
      AND candidate.taken = 0 AND NOT (candidate.named = 1 AND incoming.named = 1))

-- name: ask_sources
-- Files of different sources: where at least half of the rows of the days in common agree in day, amount and currency
-- with expenses that are not paired, they may be the same purchases.
UPDATE incoming SET outcome = 'asked', reason = 'source', other_no = (
    SELECT min(candidate.expense_no) FROM candidate
    WHERE candidate.company_no = incoming.company_no AND candidate.day = incoming.day
      AND candidate.currency = incoming.currency AND candidate.taken = 0 AND candidate.same_source = 0
      AND NOT (candidate.named = 1 AND incoming.named = 1)
      AND candidate.units = CASE incoming.back WHEN 1 THEN -incoming.units ELSE incoming.units END
      AND candidate.nanos = CASE incoming.back WHEN 1 THEN -incoming.nanos ELSE incoming.nanos END)
WHERE outcome IS NULL AND expense_no IS NULL AND company_no IN (
    SELECT company_no FROM (
        SELECT open.company_no, count(*) AS rows, count(*) FILTER (WHERE EXISTS (
            SELECT 1 FROM candidate
            WHERE candidate.company_no = open.company_no AND candidate.day = open.day
              AND candidate.currency = open.currency AND candidate.taken = 0 AND candidate.same_source = 0
              AND NOT (candidate.named = 1 AND open.named = 1)
              AND candidate.units = CASE open.back WHEN 1 THEN -open.units ELSE open.units END
              AND candidate.nanos = CASE open.back WHEN 1 THEN -open.nanos ELSE open.nanos END)) AS alike
        FROM incoming AS open
        WHERE open.outcome IS NULL AND open.expense_no IS NULL AND EXISTS (
            SELECT 1 FROM candidate WHERE candidate.company_no = open.company_no AND candidate.day = open.day
              AND candidate.same_source = 0 AND NOT (candidate.named = 1 AND open.named = 1))
        GROUP BY open.company_no
    ) WHERE alike > 0 AND 2 * alike >= rows
) AND EXISTS (
    SELECT 1 FROM candidate WHERE candidate.company_no = incoming.company_no AND candidate.day = incoming.day
      AND candidate.same_source = 0 AND NOT (candidate.named = 1 AND incoming.named = 1))

-- name: judge
-- What a row is whose expense is known.
UPDATE incoming SET outcome = (
    SELECT CASE
        WHEN expense.company_no IS NOT incoming.company_no THEN 'noted'
        WHEN expense.content_hash = incoming.content_hash THEN 'known'
        WHEN expense.cells = incoming.cells THEN
            CASE WHEN expense.state = 'rejected' OR (expense.state = 'staged' AND expense.draft_no IS NULL)
                 THEN 'corrected' ELSE 'noted' END
        WHEN incoming.returned = 0 AND EXISTS (
            SELECT 1 FROM replaced WHERE replaced.expense_no = expense.expense_no
              AND (replaced.content_hash = incoming.content_hash OR replaced.cells = incoming.cells)) THEN 'known'
        WHEN expense.state = 'rejected' THEN 'corrected'
        ELSE 'conflict' END
    FROM expense WHERE expense.expense_no = incoming.expense_no)
WHERE outcome IS NULL AND expense_no IS NOT NULL

-- name: refuse_repeated
UPDATE incoming SET outcome = 'repeated_line' WHERE repeated_line IS NOT NULL AND outcome IS NOT 'known' AND outcome IS NOT 'another'

-- name: rest_is_new
UPDATE incoming SET outcome = 'new' WHERE outcome IS NULL

-- name: number
-- Equal ones are counted on from those that came in before; a row that came back has an id of its own place.
UPDATE incoming SET number = found.number
FROM (
    SELECT entry, row_number() OVER (PARTITION BY company_id, day, short_key ORDER BY entry) + coalesce((
        SELECT max(expense.number) FROM expense
        WHERE expense.company_no = incoming.company_no AND expense.day = incoming.day
          AND expense.short_key = incoming.short_key), 0) AS number
    FROM incoming WHERE outcome = 'new' AND by_id = 0
) AS found
WHERE found.entry = incoming.entry

-- name: renumbered
SELECT entry, company_id, key, number, expense_id, payload FROM incoming WHERE number > 1

-- name: taken_ids
-- An id that a corrected expense has from what it meant before.
SELECT incoming.entry FROM incoming CROSS JOIN expense USING (company_no, expense_id)
WHERE incoming.outcome = 'new' AND incoming.by_id = 0 ORDER BY incoming.entry

-- name: count_on
UPDATE incoming SET number = number + 1
WHERE outcome = 'new' AND by_id = 0 AND entry >= :entry AND (company_id, day, short_key) = (
    SELECT company_id, day, short_key FROM incoming WHERE entry = :entry)

-- name: rename
UPDATE incoming SET expense_id = ?, payload = ? WHERE entry = ?

-- name: place
UPDATE incoming SET expense_no = found.place
FROM (SELECT entry, row_number() OVER (ORDER BY entry) + :last AS place FROM incoming WHERE outcome = 'new') AS found
WHERE found.entry = incoming.entry

-- name: counts
SELECT outcome, currency, count(*), sum(units / 1000000000), sum(units % 1000000000), sum(nanos) FROM incoming
GROUP BY outcome, currency ORDER BY currency

-- name: last_expense
SELECT coalesce(max(expense_no), 0) FROM expense

-- name: take_asked
-- What is asked about with one row is not asked about with another.
UPDATE candidate SET taken = 1
WHERE expense_no IN (SELECT other_no FROM incoming WHERE outcome = 'asked' AND reason = 'alike')

-- name: any_gone
-- Whether rows are nothing yet that may be changed ones, and expenses are there whose rows stand here no more.
SELECT EXISTS (SELECT 1 FROM incoming WHERE outcome IS NULL AND expense_no IS NULL AND company_no IS NOT NULL)
   AND EXISTS (SELECT 1 FROM candidate WHERE taken = 0)

-- name: rows_of_revised
-- All rows of an earlier reading in their order, and where each stands here.
SELECT again.line, coalesce(again.first_input, again.input_no), coalesce(again.first_line, again.line), here.line,
       again.kind = 1 AND coalesce(again.expense_no, origin.expense_no) IS NULL,
       coalesce(again.expense_no, origin.expense_no)
FROM input_row AS again
LEFT JOIN input_row AS origin ON origin.input_no = again.first_input AND origin.line = again.first_line
LEFT JOIN incoming_row AS here ON here.first_input = coalesce(again.first_input, again.input_no)
    AND here.first_line = coalesce(again.first_line, again.line)
WHERE again.input_no = :earlier ORDER BY again.line

-- name: unpaired
SELECT line FROM incoming_row WHERE how IS NULL ORDER BY line

-- name: gone_expense
-- An expense none of whose rows stands here, though its day does not lie before all of this file, as what has dropped out
-- of a window does; and whether its row may still be corrected.
SELECT candidate.company_no, candidate.named, candidate.currency, candidate.units, candidate.nanos, expense.state = 'rejected'
FROM candidate CROSS JOIN expense USING (expense_no)
WHERE candidate.expense_no = :expense_no AND taken = 0 AND expense.rows = 1
  AND candidate.day >= (SELECT min(day) FROM incoming WHERE incoming.company_no = candidate.company_no)

-- name: open_entry
SELECT company_no, named, currency, CASE back WHEN 1 THEN -units ELSE units END, CASE back WHEN 1 THEN -nanos ELSE nanos END
FROM incoming
WHERE entry = :entry AND rows = 1 AND outcome IS NULL AND expense_no IS NULL

-- name: ask_changed
UPDATE incoming SET outcome = 'asked', reason = 'alike', other_no = :expense_no WHERE entry = :entry

-- name: take_changed
UPDATE incoming SET expense_no = :expense_no WHERE entry = :entry

-- name: header_of
SELECT header FROM input WHERE input_no = :input

-- name: faulty_columns
-- What was wrong with a row, where it first stood or where it stands in an earlier reading.
SELECT column_name FROM row_error WHERE input_no = :earlier AND line = :line
UNION SELECT column_name FROM row_error WHERE input_no = :first_input AND line = :first_line

-- name: faulty_here
SELECT column_name FROM incoming_error WHERE line = :line

-- name: in_place
UPDATE incoming_row SET how = 'place', first_input = :first_input, first_line = :first_line WHERE line = :line
