"""What a file's rows are: known, new, corrections, or a question, worked out before any of them comes in.

The rows lie in temporary tables beside the journal (`incoming`); nothing here writes the journal itself. What is found
holds as long as no other file has come in since.

- Known bytes: each row is what it became, by its line.
- A revision of an earlier reading, at least half of whose rows (and two at least) stand in this one cell by cell: its
  rows are paired by their cells, then by what they mean, and wrong ones by their place. What stands in the place of an
  expense whose row is gone, and may be that row changed, is a question; the rest is compared as below with what came in
  by other files.
- Any other file whose rows without ids fall on days that are covered already, or stand cell by cell in an earlier file
  of the source: as the user has said of this source (`overlap`), else a question.
"""

import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

from runner.domain.identity import fold, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.money import join, whole_units
from runner.journal.kept import KeptRows
from runner.journal.statements import load

_SQL = load("comparison")

_PAIRED: Final = ((1, 0, 1), (0, 0, 1), (1, 1, 0), (0, 1, 0))
"""In which order rows are paired by what they mean: with equal content first; with what has no id of its own first.

`alike`, whether theirs have an id of the user's own, and whether ours may.
"""

_SEARCHED: Final = 200
"""How many rows at most are searched in one place."""

_END: Final = 1 << 62
"""Behind the last line of any file."""

_TOO_MANY: Final = 3
"""In how many columns a row differs that is another one."""

_RANKS: Final = (1, 2, 3)
"""In which order the cells count that a row of an earlier reading has: see the table `earlier`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Which reading is compared, and what has been said of it."""

    number: InputNo
    sha256: str | None
    source: str
    overlap: str | None
    """Whether exports of this source overlap: "yes", "no", or None where nobody has said."""
    came_back: bool = False
    """Whether it is a file of rejects: its rows say themselves which rows they were, or that they are new."""
    header: tuple[str, ...] = ()
    """The user's own columns, as written."""
    company: str = ""
    """The company that all rows belong to, where no cell says it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found."""

    readings: int
    """How many files had come in: it holds as long as none has since."""
    known_bytes: InputNo | None
    revised: tuple[InputNo, ...]
    """The readings that this one is a revision of."""
    outcomes: dict[str, int]
    """How many expenses are new, known, corrected, noted, asked and so on."""
    amounts: dict[str, dict[str, Decimal]]
    """Their money, tax included, by currency."""


def compare(connection: Connection, subject: Subject) -> Compared:
    """Say of every row in the temporary tables what it is."""
    run = connection.execute
    (readings,) = run(_SQL["readings"]).fetchone()
    for statement in ("forget", "forget_outcomes", "find_companies", "forget_earlier", "forget_candidates", "returned"):
        run(_SQL[statement])
    known = _known_bytes(connection, subject)
    compares = known is None and not subject.came_back
    revised = _pair_with_revised(connection, subject.header) if compares else ()
    shared = compares and not revised and subject.overlap != "no"
    if shared:
        _pair_open(connection, subject)
        _pair_shared(connection, subject)
    run(_SQL["by_id"])
    run(_SQL["came_in_as_another"])
    run(_SQL["by_rows"])
    run(_SQL["asked_before"], {"overlap": subject.overlap})
    run(_SQL["asked_anew"], {"overlap": subject.overlap})
    # Rows that were wrong and are right now are new; where exports overlap, only if they have not come by another file.
    meets_others = subject.overlap == "yes" and (bool(revised) or known is not None)
    if not meets_others:
        run(_SQL["corrections"])
    if revised:
        _pair_by_meaning(connection, "candidates_earlier", {})
        _ask_changed(connection, revised, subject.header)
    if shared and subject.overlap is None:
        _ask_shared(connection)
    if compares or known is not None:
        _compare_days(connection, subject)
    if meets_others:
        run(_SQL["corrections"])
    run(_SQL["judge"])
    run(_SQL["corrected_alike"], {"overlap": subject.overlap})
    run(_SQL["refuse_repeated"])
    run(_SQL["rest_is_new"])
    _number(connection)
    outcomes: Counter[str] = Counter()
    amounts: dict[str, dict[str, Decimal]] = {}
    for outcome, currency, count, billions, units, nanos in run(_SQL["counts"]):
        outcomes[outcome] += count
        amounts.setdefault(outcome, {})[currency] = join(whole_units(billions, units), nanos)
    return Compared(readings, known, revised, dict(outcomes), amounts)


def _known_bytes(connection: Connection, subject: Subject) -> InputNo | None:
    values = {"sha256": subject.sha256, "input": subject.number, "company": subject.company}
    found = connection.execute(_SQL["known_bytes"], values).fetchone()
    if found is None:
        return None
    connection.execute(_SQL["by_line"], {"known": found[0]})
    return InputNo(found[0])


def _pair_with_revised(connection: Connection, header: Sequence[str]) -> tuple[InputNo, ...]:
    """Find the readings that this one revises, and pair its rows with theirs by cells, then wrong ones by place."""
    revised = []
    for (earlier,) in connection.execute(_SQL["maybe_revised"]).fetchall():
        here, rows = connection.execute(_SQL["stands_in"], {"earlier": earlier}).fetchone()
        if here >= 2 and 2 * here >= rows:
            connection.execute(_SQL["earlier_rows"], {"earlier": earlier})
            revised.append(InputNo(earlier))
    if revised:
        connection.execute(_SQL["corrected_rows"])
        for rank in _RANKS:
            _pair_rows(connection, rank)
        for earlier in revised:
            _pair_by_place(connection, earlier, header)
    return tuple(revised)


def _pair_rows(connection: Connection, rank: int) -> None:
    """Pair rows by the cells of earlier ones."""
    connection.execute(_SQL["forget_pairs"])
    connection.execute(_SQL["pair_cells"], {"rank": rank})
    connection.execute(_SQL["take_rows"], {"how": "cells"})


def _pair_open(connection: Connection, subject: Subject) -> None:
    """Find rows of this source again that are wrong or asked about."""
    if connection.execute(_SQL["open_alike"], {"source": subject.source}).rowcount:
        _pair_rows(connection, rank=1)


def _pair_shared(connection: Connection, subject: Subject) -> None:
    """Find rows again that stand cell by cell in other readings of this source; where these overlap, they are those."""
    for (earlier,) in connection.execute(_SQL["maybe_revised"]).fetchall():
        connection.execute(_SQL["earlier_shared"], {"earlier": earlier, "source": subject.source})
    if subject.overlap == "yes":
        connection.execute(_SQL["corrected_rows"])
        for rank in _RANKS:
            _pair_rows(connection, rank)


def _ask_shared(connection: Connection) -> None:
    """Ask about what stands in other readings of this source cell by cell."""
    connection.execute(_SQL["forget_pairs"])
    for rank in _RANKS:
        connection.execute(_SQL["pair_cells"], {"rank": rank})
    connection.execute(_SQL["ask_shared"])


def _pair_by_meaning(connection: Connection, candidates: str, values: dict[str, object]) -> None:
    """Pair what is nothing yet with expenses by what it means."""
    connection.execute(_SQL[candidates], values)
    if not _is_any(connection, "any_candidate"):
        return
    connection.execute(_SQL["index_day"])
    connection.execute(_SQL["take_candidates"])
    for alike, theirs, ours in _PAIRED:
        connection.execute(_SQL["forget_pairs"])
        connection.execute(_SQL["pair_key"], {"alike": alike, "theirs": theirs, "ours": ours})
        _take_pairs(connection, "key")


def _is_any(connection: Connection, statement: str) -> bool:
    (found,) = connection.execute(_SQL[statement]).fetchone()
    return bool(found)


def _take_pairs(connection: Connection, how: str) -> None:
    connection.execute(_SQL["take_entries"])
    connection.execute(_SQL["take_entry_rows"], {"how": how})
    connection.execute(_SQL["take_candidates"])


def _compare_days(connection: Connection, subject: Subject) -> None:
    """Compare what is nothing yet with all that came in by other readings of the same days."""
    values: dict[str, object] = {"source": subject.source}
    connection.execute(_SQL["forget_candidates"])
    connection.execute(_SQL["candidates_of_days"], values)
    connection.execute(_SQL["forget_own_candidates"])
    if not _is_any(connection, "any_candidate"):
        return
    connection.execute(_SQL["index_day"])
    connection.execute(_SQL["take_candidates"])
    if subject.overlap == "yes":
        connection.execute(_SQL["forget_pairs"])
        connection.execute(_SQL["pair_entry_cells"])
        _take_pairs(connection, "cells")
        _pair_by_meaning(connection, "candidates_of_days", values)
        connection.execute(_SQL["forget_pairs"])
        connection.execute(_SQL["pair_replaced"])
        _take_pairs(connection, "cells")
        connection.execute(_SQL["ask_alike"])
    if subject.overlap is None:
        connection.execute(_SQL["forget_pairs"])
        connection.execute(_SQL["pair_key"], {"alike": 0, "theirs": 0, "ours": 1})
        connection.execute(_SQL["pair_key"], {"alike": 0, "theirs": 1, "ours": 0})
        connection.execute(_SQL["ask_overlap"])
    connection.execute(_SQL["ask_sources"])


class _Gone(NamedTuple):
    """A row of an earlier reading that stands here no more."""

    line: int
    first_input: int
    first_line: int
    wrong: bool
    expense_no: int | None


class _Beside:
    """An earlier reading beside this one: what stands here in the places of its rows that are gone."""

    def __init__(self, connection: Connection, earlier: InputNo, header: Sequence[str]) -> None:
        self._connection = connection
        self._earlier = earlier
        self._rows = KeptRows(connection)
        self._header = header
        (written,) = connection.execute(_SQL["header_of"], {"input": earlier}).fetchone()
        self._was_header = json.loads(written or "[]")
        self.unpaired = [line for (line,) in connection.execute(_SQL["unpaired"])]

    def gaps(self) -> Iterator[tuple[list[_Gone], list[int]]]:
        """Yield rows that are gone, in order, and the lines between their neighbours that are none of its rows."""
        rows = self._connection.execute(_SQL["rows_of_revised"], {"earlier": self._earlier}).fetchall()
        places = [here for _, _, _, here, *_ in rows if here is not None]
        # A file may have been turned round: newest first, or no longer.
        before, end = (0, _END) if not places or places[0] <= places[-1] else (_END, 0)
        gone: list[_Gone] = []
        for line, first_input, first_line, here, wrong, expense_no in rows:
            if here is None:
                gone.append(_Gone(line, first_input, first_line, bool(wrong), expense_no))
                continue
            yield from self._gap(gone, before, here)
            gone, before = [], here
        yield from self._gap(gone, before, end)

    def _gap(self, gone: list[_Gone], before: int, behind: int) -> Iterator[tuple[list[_Gone], list[int]]]:
        low, high = sorted((before, behind))
        lines = self.unpaired[bisect_right(self.unpaired, low) : bisect_left(self.unpaired, high)]
        if gone and lines:
            yield gone[-_SEARCHED:], lines[:_SEARCHED]

    def was(self, row: _Gone) -> dict[str, str] | None:
        """Return the cells of a row that is gone; None where they are not kept any more."""
        kept = self._rows.of(self._earlier, row.line)
        return None if kept is None else _by_name(self._was_header, kept.cells)

    def now(self, line: int) -> dict[str, str] | None:
        """Return the cells of a row of this reading."""
        kept = self._rows.here(line)
        return None if kept is None else _by_name(self._header, kept.cells)


def _pair_by_place(connection: Connection, earlier: InputNo, header: Sequence[str]) -> None:
    """Pair rows that are still wrong with rows in their places that differ only in what was wrong with them.

    A row that is simply gone from its file is not paired: it stays told.
    """
    beside = _Beside(connection, earlier, header)
    for gone, lines in beside.gaps():
        for row in gone:
            if not row.wrong or (was := beside.was(row)) is None:
                continue
            values = {
                "earlier": earlier,
                "line": row.line,
                "first_input": row.first_input,
                "first_line": row.first_line,
            }
            faulty = {fold(name) for (name,) in connection.execute(_SQL["faulty_columns"], values) if name}
            for here in lines:
                still = {fold(name) for (name,) in connection.execute(_SQL["faulty_here"], {"line": here}) if name}
                now = beside.now(here)
                if now is not None and _is_mended(was, now, faulty, still):
                    connection.execute(_SQL["in_place"], values | {"line": here})
                    lines.remove(here)
                    break


def _ask_changed(connection: Connection, revised: Sequence[InputNo], header: Sequence[str]) -> None:
    """Ask about rows that may be those of expenses that stand here no more, changed since.

    They agree in day, amount and currency, or stand in the same place with the same money or at most two other cells.
    What Codat has rejected gets the content of the row in its place: nothing of it is in the books.
    """
    if not _is_any(connection, "any_gone"):
        return
    readings = [_Beside(connection, earlier, header) for earlier in revised]
    gaps = [(beside, gap) for beside in readings for gap in beside.gaps()]
    for beside, gap in gaps:
        for row, here in _changed_rows(connection, beside, gap, rejected=True):
            place = {"line": here, "first_input": row.first_input, "first_line": row.first_line}
            connection.execute(_SQL["take_changed"], {"expense_no": row.expense_no, "entry": here})
            connection.execute(_SQL["in_place"], place)
    connection.execute(_SQL["take_candidates"])
    connection.execute(_SQL["ask_alike"])
    connection.execute(_SQL["take_asked"])
    for beside, gap in gaps:
        for row, here in _changed_rows(connection, beside, gap, rejected=False):
            connection.execute(_SQL["ask_changed"], {"expense_no": row.expense_no, "entry": here})


def _changed_rows(
    connection: Connection, beside: _Beside, gap: tuple[list[_Gone], list[int]], *, rejected: bool
) -> list[tuple[_Gone, int]]:
    """Pair rows that are gone with lines in their place that they may be changed to, those that changed least first."""
    asked = ((row, _found(connection, "gone_expense", {"expense_no": row.expense_no})) for row in gap[0])
    expenses = [(row, found) for row, found in asked if found is not None and bool(found[-1]) is rejected]
    entries = [(line, _found(connection, "open_entry", {"entry": line})) for line in gap[1]] if expenses else []
    pairs = []
    for row, (company, named, *money, _) in expenses:
        was = beside.was(row)
        for line, entry in entries:
            if entry is None or entry[0] != company or (entry[1] and named):
                continue
            now = beside.now(line)
            changed = _TOO_MANY if was is None or now is None else _cells_changed(was, now)
            if changed < _TOO_MANY or list(entry[2:]) == money:
                pairs.append((changed, row, line))
    taken: dict[int, int] = {}
    for _, row, line in sorted(pairs):
        if row.line not in taken and line not in taken.values():
            taken[row.line] = line
    return [(row, taken[row.line]) for row, _ in expenses if row.line in taken]


def _found(connection: Connection, statement: str, values: dict[str, object]) -> tuple[Any, ...] | None:
    found: tuple[Any, ...] | None = connection.execute(_SQL[statement], values).fetchone()
    return found


def _cells_changed(was: dict[str, str], now: dict[str, str]) -> int:
    """Return in how many columns two rows differ, at most `_TOO_MANY`: in so many they are rows of their own."""
    columns = was.keys() | now.keys()
    changed = sum(was.get(name) != now.get(name) for name in columns)
    return min(changed, _TOO_MANY) if len(columns) > changed else _TOO_MANY


def _by_name(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Return a row's cells that are not blank, by the names of their columns."""
    names = [fold(name) or f"#{place}" for place, name in enumerate(header, start=1)]
    names += [f"#{place}" for place in range(len(names) + 1, len(cells) + 1)]
    return {name: text for name, cell in zip(names, cells, strict=False) if (text := cell.strip())}


def _is_mended(was: dict[str, str], now: dict[str, str], faulty: set[str], still: set[str]) -> bool:
    """Say whether a row is another one mended: the same but in the columns that were wrong, or are `still`.

    Where it is not known which those were, two of its texts may be gone, whatever column they stood in.
    """
    if not faulty:
        gone = Counter(was.values()) - Counter(now.values())
        return gone.total() <= 2 < len(was)
    kept = was.keys() - faulty - still
    return bool(kept) and all(was[name] == now.get(name) for name in kept)


def _number(connection: Connection) -> None:
    """Give what is new its place in the journal, and what has no id its number among equal ones, and so its id."""
    run = connection.execute
    run(_SQL["number"])
    _rename(connection)
    while (taken := run(_SQL["taken_ids"]).fetchone()) is not None:
        run(_SQL["count_on"], {"entry": taken[0]})
        _rename(connection)
    (last,) = run(_SQL["last_expense"]).fetchone()
    run(_SQL["place"], {"last": last})


def _rename(connection: Connection) -> None:
    changes = []
    for entry, company, key, number, expense_id, payload in connection.execute(_SQL["renumbered"]):
        own = unnamed_id(CompanyId(company), key=key, number=number)
        if own != expense_id:
            changes.append((own, with_id(payload, ExpenseId(expense_id), own), entry))
    connection.executemany(_SQL["rename"], changes)


def with_id(payload: bytes, old: ExpenseId, new: ExpenseId) -> bytes:
    """Return a wire form under another id; the id is the first thing that it says."""
    return payload.replace(old.encode(), new.encode(), 1)
