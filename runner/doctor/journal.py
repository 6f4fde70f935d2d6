"""The journal: there, its owner's only, writable, whole; who holds it, and how the last run ended."""

import os
import shlex
import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from runner.clock import Clock
from runner.doctor.findings import Finding, problem, warning, well
from runner.errors import ExitCode
from runner.journal.holder import holder_of
from runner.journal.integrity import Soundness
from runner.journal.journal import reading
from runner.journal.records import Life
from runner.outcome import imbalances
from runner.report.words import counted, lasting, megabytes

LARGE: Final = 200_000_000
"""Bytes: a larger journal takes too long to be read whole for a quick look."""
STALE: Final = timedelta(hours=26)
"""A nightly run that is older did not happen."""

_GOES_ON: Final = {4, 75, 130, 143}
_NEEDS_SOMEBODY: Final = {3: "errors", 5: "errors", 7: "verify"}


def file(path: Path) -> Sequence[Finding]:
    """Say whether there is a journal that only its owner reads, and that this user can write."""
    if not path.exists():
        return [
            warning(
                "journal",
                f"There is none at {path.absolute()}.",
                "Name yours with --journal; if there was never one, the first run makes it.",
            )
        ]
    shown = megabytes(path.stat().st_size)
    found: list[Finding] = []
    for each in (path, *(path.with_name(f"{path.name}{beside}") for beside in ("-wal", "-shm", ".lock"))):
        mode = stat.S_IMODE(each.stat().st_mode) if each.exists() else 0
        if mode & 0o077:
            fix = f"Take it away from them with: chmod 600 {shlex.quote(str(each))} (the next run does it)"
            found.append(warning("journal", f"Others can read {each} (mode {mode:04o}).", fix))
    folder = path.resolve().parent
    if not (os.access(path, os.W_OK) and os.access(folder, os.W_OK)):
        fix = f"Give this user write access to {path} and to the folder {folder}, or use the user that runs it."
        found.append(problem("journal", f"{path} or its folder cannot be written.", fix, ExitCode.REFUSED))
    return found or [well("journal", f"{path.absolute()} ({shown}), its owner's only.")]


def lock(path: Path) -> Sequence[Finding]:
    """Say who holds the journal, without touching its lock."""
    holder = holder_of(path) if path.exists() else None
    if holder is None:
        return [well("lock", "No run is at work.")] if path.exists() else []
    who = f"process {holder.pid} on {holder.host}, since {holder.since}"
    if holder.lives:
        return [well("lock", f"A run is at work: {who}.")]
    return [warning("lock", f"A run was ended before it could let go: {who}.", f"Run again: {_command('run', path)}")]


async def soundness(path: Path, clock: Clock) -> Sequence[Finding]:
    """Say whether the journal is whole, where that is quickly read; its accounts in any case."""
    if not _is_there(path):
        return []
    how = "whole"
    with reading(path, clock) as journal:
        if (size := _size(path)) > LARGE:
            found = Soundness((), await journal.accounts.books())
            how = f"not read whole ({megabytes(size)}): {_command('journal check', path)}"
        else:
            found = await journal.integrity.examine(full=False)
    books = found.books
    broken = [each.rule for each in found.violations]
    broken += ["accounts"] if books is not None and imbalances(books) else []
    if broken:
        return [
            problem(
                "integrity",
                f"The journal is not sound: {', '.join(broken)}.",
                f"Send nothing from it, and see: {_command('journal check', path)}",
                ExitCode.INTERNAL,
            )
        ]
    expenses = "" if books is None else f" {counted(books.total - books.broken, 'expense')}, each in one state;"
    return [well("integrity", f"Sound:{expenses} the file is {how}.")]


async def last_run(path: Path, clock: Clock, *, scheduled: bool) -> Sequence[Finding]:
    """Say when the last run was, and how it ended; `scheduled`: whether there should have been one every night."""
    if not _is_there(path):
        return []
    with reading(path, clock) as journal:
        lives = await journal.runs.lives(limit=1)
    if not lives:
        return [well("last_run", "There was none yet.")]
    return [_judged(lives[0], path, clock.now(), scheduled=scheduled)]


def _judged(life: Life, path: Path, now: datetime, *, scheduled: bool) -> Finding:
    again = f"Run again: {_command('run', path)}"
    age = now - (life.ended_at or life.started_at)
    ago = f"{lasting(age.total_seconds())} ago"
    if life.ended_at is None:
        holder = holder_of(path)
        if holder is not None and holder.lives:
            return well("last_run", f"It began {ago}, and is at work.")
        return warning("last_run", f"It began {ago}, and did not come to its end.", again)
    said = f"It ended {ago} with exit code {life.exit_code}."
    code = life.exit_code or 0
    if code in _NEEDS_SOMEBODY:
        return warning("last_run", said, f"See: {_command(_NEEDS_SOMEBODY[code], path)}")
    if code and code not in _GOES_ON:
        return warning("last_run", said, "Mend what it said, then run again: docs/reference.md has the exit codes.")
    if scheduled and age > STALE:
        return warning("last_run", said, "Is the timer at work? See: systemctl list-timers")
    return well("last_run", f"{said} Running again goes on." if code else said)


def _is_there(path: Path) -> bool:
    return path.exists()


def _size(path: Path) -> int:
    return path.stat().st_size


def _command(verb: str, path: Path) -> str:
    return f"expense-runner {verb} --journal {shlex.quote(str(path))}"
