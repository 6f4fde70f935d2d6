"""A small world for rejects: files are staged into a real journal, and what is sent is decided by the test."""

import asyncio
import csv
import io
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner.cli.rejects import Written, write_rejects
from runner.clock import SystemClock
from runner.codat.draining import Draining
from runner.intake.mapping.choose import read_mappings
from runner.intake.mapping.profile import Overlap
from runner.intake.read import Options
from runner.intake.sources import Source
from runner.journal.journal import Journal, scratch
from runner.rejects import Rejects
from runner.results import COLUMNS, Results, results_of
from runner.stage import StagedInput, stage

Row = dict[str, str]
Verdict = Callable[[str, Decimal], str | None]
"""Of a company and a gross amount: a code to reject it with, or None to post it."""


class World:
    """One journal in memory, a folder of files, and the books."""

    def __init__(self, folder: Path, journal: Journal, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.journal = journal
        self.connection = connection
        self.told = Rejects()
        asyncio.run(journal.runs.begin(purpose="run", version="1", flow="datasets"))

    def write(self, name: str, text: str, *, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def stage(
        self,
        path: Path,
        *,
        mapping: Path | None = None,
        receipts: Path | None = None,
        overlap: Overlap | None = None,
    ) -> StagedInput:
        """Read a file in a run of its own."""
        asyncio.run(self.journal.runs.begin(purpose="run", version="1", flow="datasets"))
        read = read_mappings([str(mapping)]) if mapping else None
        options = Options(receipts_dir=receipts, mapping=read, overlap=overlap)
        source = Source(str(path), path)
        (staged,) = asyncio.run(stage([source], options, self.journal, draining=Draining(), note=lambda *_, **__: None))
        return staged

    def send(self, verdict: Verdict = lambda _company, _gross: None) -> None:
        """Let every staged expense be posted or rejected."""
        for number, company, units, nanos in self.connection.execute(
            "SELECT expense_no, company_id, units, nanos FROM expense JOIN company USING (company_no) "
            "WHERE state = 'staged'"
        ).fetchall():
            code = verdict(company, Decimal(units) + Decimal(nanos) / 10**9)
            state = "posted" if code is None else "rejected"
            self.connection.execute(
                "UPDATE expense SET state = ?, code = ?, message = ? WHERE expense_no = ?",
                (state, code, None if code is None else "The account is archived.", number),
            )
        self.connection.commit()

    def run(self, path: Path, verdict: Verdict = lambda _company, _gross: None, **how: Any) -> StagedInput:
        staged = self.stage(path, **how)
        self.send(verdict)
        return staged

    def rejects(self, name: str = "rejects.csv", **how: bool) -> list[Written]:
        self.told = Rejects()
        asked = {"everything": False, "per_company": False, "force": False} | how
        out = self.folder / name
        return asyncio.run(write_rejects(self.journal, out, self.told, path=Path("j.db"), **asked))

    def results(self, *paths: Path) -> list[dict[str, Any]]:
        async def gather() -> list[dict[str, Any]]:
            sources = [Source(str(path), path) for path in paths] or None
            told = Results()
            found = [dict(zip(COLUMNS, row, strict=True)) async for row in results_of(self.journal, sources, told)]
            assert told.lines == len(found)
            assert told.unreadable == {}
            return found

        return asyncio.run(gather())

    def states(self, *paths: Path) -> dict[int, str]:
        """Return what became of each line of one file."""
        found = self.results(*paths)
        states = {row["_line"]: row["_state"] for row in found}
        assert len(states) == len(found)
        return states

    def posted(self) -> list[Decimal]:
        """Return the amounts in the books."""
        return sorted(
            Decimal(units) + Decimal(nanos) / 10**9
            for units, nanos in self.connection.execute("SELECT units, nanos FROM expense WHERE state = 'posted'")
        )

    def open_errors(self) -> int:
        (count,) = self.connection.execute("SELECT count(*) FROM row_error WHERE settled = 0").fetchone()
        return int(count)


def world(folder: Path) -> Iterable[World]:
    with scratch(SystemClock()) as journal:
        store: Any = journal._context.store
        yield World(folder, journal, store._connection)


def read(path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> list[Row]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter))


def rewrite(
    path: Path, rows: Sequence[Row], *, delimiter: str = ",", encoding: str = "utf-8", to: Path | None = None
) -> Path:
    """Write rows back, as a spreadsheet would: every column, quotation marks where they are needed."""
    out = io.StringIO(newline="")
    columns = read_columns(path, delimiter=delimiter, encoding=encoding)
    writer = csv.DictWriter(out, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    target = to or path
    target.write_bytes(out.getvalue().encode(encoding))
    return target


def read_columns(path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> list[str]:
    return next(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter))
