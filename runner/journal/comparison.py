"""What a file's rows are: known, new, corrections, or a question, worked out before any of them comes in.

The rows lie in temporary tables beside the journal (`incoming`); nothing here writes the journal itself. What is found
holds as long as no other file has come in since.

- Known bytes: each row is what it became, by its line.
- A revision of an earlier reading, at least half of whose rows (and two at least) stand in this one cell by cell: its
  rows are paired by their cells, then by what they mean, and wrong ones by their place. What is left over is new.
- Any other file whose rows without ids fall on days that are covered already: as the user has said of this source
  (`overlap`), else a question.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import Connection
from typing import Final

from runner.domain.identity import fold, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.money import join, whole_units
from runner.journal.kept import unpack
from runner.journal.statements import load

_SQL = load("comparison")

_PAIRED: Final = ((1, 0, 1), (0, 0, 1), (1, 1, 0), (0, 1, 0))
"""In which order rows are paired by what they mean: with equal content first; with what has no id of its own first.

`alike`, whether theirs have an id of the user's own, and whether ours may.
"""

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
    if compares and not revised:
        _pair_open(connection, subject)
    run(_SQL["by_id"])
    run(_SQL["came_in_as_another"])
    _follow_rows(connection, subject)
    if revised:
        _pair_by_meaning(connection, "candidates_earlier", {})
    elif compares or known is not None:
        # Of known bytes nothing is left but what was asked, if a setting has come since.
        _compare_days(connection, subject)
    run(_SQL["judge"])
    run(_SQL["returned_alike"])
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


def _follow_rows(connection: Connection, subject: Subject) -> None:
    """Say of expenses what their rows are that have been paired."""
    connection.execute(_SQL["by_rows"])
    connection.execute(_SQL["asked_before"], {"overlap": subject.overlap})
    connection.execute(_SQL["corrections"])


def _pair_open(connection: Connection, subject: Subject) -> None:
    """Find rows of this source again that are wrong or asked about, unless each file brings only new rows."""
    if subject.overlap != "no" and connection.execute(_SQL["open_alike"], {"source": subject.source}).rowcount:
        _pair_rows(connection, rank=1)


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
    """Compare a file that is neither known nor a revision with all that came in before of the same days."""
    values: dict[str, object] = {"source": subject.source}
    connection.execute(_SQL["candidates_of_days"], values)
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


def _pair_by_place(connection: Connection, earlier: InputNo, header: Sequence[str]) -> None:
    """Pair rows that are still wrong with rows in their places that differ only in what was wrong with them.

    A row that is simply gone from its file is not paired: it stays told.
    """
    rows = _KeptRows(connection)
    wrong = connection.execute(_SQL["wrong_of_revised"], {"earlier": earlier}).fetchall()
    (written,) = connection.execute(_SQL["header_of"], {"input": earlier}).fetchone()
    was_header = json.loads(written or "[]")
    for line, first_input, first_line in wrong:
        values = {"earlier": earlier, "line": line}
        was = rows.of(earlier, line)
        if was is None:
            continue
        before = connection.execute(_SQL["neighbour_before"], values).fetchone()
        behind = connection.execute(_SQL["neighbour_behind"], values).fetchone()
        values |= {"first_input": first_input, "first_line": first_line}
        faulty = {fold(name) for (name,) in connection.execute(_SQL["faulty_columns"], values) if name}
        values = {"before": before[0] if before else 0, "behind": behind[0] if behind else 1 << 62}
        for (here,) in connection.execute(_SQL["unpaired_between"], values).fetchall():
            now = rows.here(here)
            still = {fold(name) for (name,) in connection.execute(_SQL["faulty_here"], {"line": here}) if name}
            if now is not None and _is_mended(_by_name(was_header, was), _by_name(header, now), faulty, still):
                place = {"line": here, "first_input": first_input, "first_line": first_line}
                connection.execute(_SQL["in_place"], place)
                break


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


class _KeptRows:
    """Single rows as the user wrote them; the last group that was opened stays open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: dict[str, tuple[bytes, dict[int, list[str]]]] = {}

    def of(self, number: InputNo, line: int) -> list[str] | None:
        """Return the cells of a row of an earlier reading; None where they are not kept any more."""
        return self._find("kept_of", {"input": number, "line": line})

    def here(self, line: int) -> list[str] | None:
        """Return the cells of a row of this reading."""
        return self._find("kept_here", {"line": line})

    def _find(self, statement: str, values: dict[str, int]) -> list[str] | None:
        found = self._connection.execute(_SQL[statement], values).fetchone()
        if found is None:
            return None
        if statement not in self._open or self._open[statement][0] != found[0]:
            self._open[statement] = found[0], {row.line: row.cells for row in unpack(found[0])}
        return self._open[statement][1].get(values["line"])


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
