"""Rejects as files: one for each form of input, and for each company where that is asked for."""

import codecs
import csv
import io
import shlex
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.cli.written import Growing
from runner.errors import RefusedToStart
from runner.intake.added import escape
from runner.intake.digested import FileChanging, digest_of
from runner.intake.sources import Source
from runner.journal.journal import Journal
from runner.rejects import Form, Rejects, rejects_of

_NO_COMPANY: Final = "no-company"

_Which = tuple[Form, str]


@dataclass(frozen=True, slots=True)
class Written:
    """One file of rejects."""

    path: Path
    rows: int
    company: str | None
    command: str
    """What feeds it back."""


async def write_rejects(
    journal: Journal, out: Path, told: Rejects, *, path: Path, everything: bool, per_company: bool, force: bool
) -> list[Written]:
    """Write all rows that need a person beside one another; `path` is the journal's.

    Raises `RefusedToStart` where a file of that name may hold corrections that no run has read, and `NotWritten`.
    """
    growing = Growing(out)
    files: dict[_Which, _Lines] = {}
    try:
        async with aclosing(rejects_of(journal, everything=everything, told=told)) as rejects:
            async for reject in rejects:
                which = (reject.form, (reject.company_id or _NO_COMPANY) if per_company else "")
                if which not in files:
                    files[which] = _Lines(reject.form)
                    growing.add(which, files[which].line(reject.form.columns))
                growing.add(which, files[which].line([escape(cell) for cell in (*reject.own, *reject.added)]))
        names = _names(out, list(files))
        inputs = await journal.results.inputs()
        own = {each.path for each in inputs if not each.came_back}
        known = {each.sha256 for each in inputs if each.came_back}
        for which, name in names.items():
            _refuse_own(name, own)
            if not force:
                _refuse_to_lose(name, growing.content(which), known)
        growing.finish(names)
    finally:
        growing.close()
    return [
        Written(name, files[which].rows, which[1] or None, _command(name, which[0], path))
        for which, name in names.items()
    ]


class _Lines:
    """Rows as bytes of one form. The user's own cells came out of its encoding; our words may have what it lacks."""

    def __init__(self, form: Form) -> None:
        self._encoder = codecs.getincrementalencoder(form.encoding)("replace")
        self._out = io.StringIO(newline="")
        self._writer = csv.writer(self._out, delimiter=form.delimiter, lineterminator="\r\n")
        self.rows = -1
        """Without the header."""

    def line(self, cells: Sequence[str]) -> bytes:
        self._writer.writerow(cells)
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        self.rows += 1
        return self._encoder.encode(text)


def _names(out: Path, files: Sequence[_Which]) -> dict[_Which, Path]:
    forms = list(dict.fromkeys(form for form, _ in files))
    names = {}
    for form, company in files:
        number = f"-{forms.index(form) + 1}" if len(forms) > 1 else ""
        names[form, company] = out.with_name(f"{out.stem}{number}{f'.{company}' if company else ''}{out.suffix}")
    return names


def _refuse_own(name: Path, own: set[str | None]) -> None:
    """Refuse to replace a file that a run has read: it is the user's own."""
    if name.exists() and str(name.absolute()) in own:
        raise RefusedToStart(
            f"{name} is a file that a run has read: it is not replaced.",
            hint="Name another file with --out. Nothing was written.",
        )


def _refuse_to_lose(name: Path, new: Path, known: set[str | None]) -> None:
    """Refuse to replace a file that may hold corrections: all but one that a run has read as it is."""
    if not name.exists():
        return
    digest = _digest(name)
    if digest is None or not (digest in known or digest == _digest(new)):
        raise RefusedToStart(
            f"{name} exists, and no run has read it as it is: it may hold corrections.",
            hint="Run it first, name another file with --out, or replace it with --force. Nothing was written.",
        )


def _digest(path: Path) -> str | None:
    try:
        found = digest_of(Source(str(path), path))
    except FileChanging:
        return None
    return None if found is None else found.sha256


def _command(name: Path, form: Form, journal: Path) -> str:
    parts = ["expense-runner", "run", "--journal", str(journal)]
    if form.mapping is not None:
        parts += ["--map", form.mapping]
    if form.receipts is not None and Path(form.receipts) != name.absolute().parent:
        parts += ["--receipts-dir", form.receipts]
    return shlex.join([*parts, str(name)])
