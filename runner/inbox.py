"""Taking files out of an inbox: staged first, then put away with their results, one after the other.

At every moment the journal knows at least as much as the folder shows. A life that ends in between leaves the
file where it was, and the next one stages it again: all its rows are known then, and it is put away.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from runner.clock import Clock
from runner.codat.draining import Draining, pause
from runner.intake.inbox import (
    DONE,
    FAILED,
    Dropped,
    FileChanged,
    Found,
    Place,
    check_unchanged,
    look_into,
    move,
    places,
    settled,
    write_result,
)
from runner.intake.read import Options
from runner.journal.journal import Journal
from runner.journal.records import OpenRowError
from runner.stage import StagedInput, stage
from runner.steps.kit import Note

SHOWN = 100
"""Errors that a file's result names; it counts them all."""


class Came(StrEnum):
    """What came of a file."""

    STAGED = "staged"
    KNOWN = "known"
    """The same content was staged before: nothing is new."""
    REFUSED = "refused"
    """As a whole: none of its rows was used."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One file that was taken out of the inbox, or could not be moved out of it."""

    staged: StagedInput
    came: Came
    wrong: int
    """Expenses (or rows that are nobody's) that errors keep out."""
    known_from: tuple[str, int] | None
    """Name and run of an earlier reading of the same bytes."""
    moved_to: str | None
    why: str | None
    """Why it was not moved; it is staged all the same."""
    reason: str | None
    """Why it was refused as a whole."""


@dataclass(slots=True)
class InboxReport:
    """What came of the files in an inbox, so far."""

    folder: Path
    taken: list[Taken] = field(default_factory=list)
    growing: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


async def find_settled(folder: Path, *, settle: float, draining: Draining, clock: Clock) -> Found:
    """Return the files that did not change for `settle` seconds; raises `RefusedToStart`, or what ends the run."""
    before = await asyncio.to_thread(look_into, folder)
    if not before.files:
        return settled(folder, before, before)
    await pause(draining, clock, settle)
    return settled(folder, before, await asyncio.to_thread(look_into, folder))


async def take(
    found: Found, options: Options, journal: Journal, *, draining: Draining, note: Note, report: InboxReport
) -> None:
    """Stage each file and put it away; `report` says what was done even where an error ends the run."""
    report.growing, report.ignored = found.growing, found.ignored
    for name in found.growing:
        note("inbox_growing", file=name)
    for name in found.ignored:
        note("inbox_ignored", file=name)
    for dropped in found.ready:
        try:
            await asyncio.to_thread(check_unchanged, dropped)
        except FileChanged:
            # While those before it were read: what is no more as it was found may be growing again, or gone.
            report.growing = (*report.growing, dropped.source.name)
            note("inbox_growing", file=dropped.source.name)
            continue
        (staged,) = await stage([dropped.source], options, journal, draining=draining, note=note)
        report.taken.append(await _put_away(dropped, staged, found.folder, journal))
        taken = report.taken[-1]
        if taken.why is None:
            note("inbox_taken", file=dropped.source.name, came=taken.came, moved_to=taken.moved_to)
        else:
            note("inbox_not_moved", file=dropped.source.name, why=taken.why)


async def _put_away(dropped: Dropped, staged: StagedInput, folder: Path, journal: Journal) -> Taken:
    """Write the result, name the input after its new place, move the file: in this order, each of them durable."""
    sha256 = staged.sha256
    errors, wrong, shown = await journal.inputs.wrong(staged.number, limit=SHOWN)
    known = None if sha256 is None else await journal.inputs.known_before(staged.number, sha256=sha256)
    came = _came(staged, known)
    reason = _reason(shown) if came is Came.REFUSED else None
    moved_to, why = None, None
    try:
        await asyncio.to_thread(check_unchanged, dropped)
        place = await _free_place(folder / (FAILED if came is Came.REFUSED else DONE), dropped, sha256, journal)
        result = {
            "file": dropped.path.name,
            "outcome": came.value,
            "reason": reason,
            "rows": staged.rows,
            "accepted": staged.accepted,
            "repeated": staged.repeated,
            "corrected": staged.corrected,
            "rejected": wrong,
            "errors": [_error(each) for each in shown],
            "errors_not_shown": errors - len(shown),
            "known_from": None if known is None else {"file": known[0], "run": known[1]},
            "sha256": sha256,
            "mapping": staged.mapping,
            "run": journal.run,
        }
        await asyncio.to_thread(write_result, place, result)
        await journal.inputs.put_away(staged.number, name=str(place.file))
        await asyncio.to_thread(move, dropped, place)
        moved_to = str(place.file)
    except FileChanged as error:
        why = error.message
    except OSError as error:
        why = f"{error.filename or dropped.path}: {error.strerror}"
    return Taken(staged, came, wrong, known, moved_to, why, reason)


async def _free_place(folder: Path, dropped: Dropped, sha256: str | None, journal: Journal) -> Place:
    candidates: Iterator[Place] = places(folder, dropped.path.name)
    for place in candidates:
        # Not only what lies there now: an earlier file of that name may have been cleared away, and its errors
        # must not be taken for those of this one.
        if place.is_free(sha256) and not await journal.inputs.is_another(str(place.file), sha256=sha256):
            return place
    raise AssertionError("places never end")


def _came(staged: StagedInput, known: tuple[str, int] | None) -> Came:
    if not staged.usable:
        return Came.REFUSED
    return Came.KNOWN if known is not None and not staged.accepted + staged.corrected else Came.STAGED


def _reason(errors: list[OpenRowError]) -> str | None:
    if not errors:
        return None
    first = errors[0]
    return f"line {first.line}: expected {first.expected} [{first.code}]"


def _error(error: OpenRowError) -> dict[str, object]:
    return {
        "line": error.line,
        "column": error.column,
        "value": error.value,
        "expected": error.expected,
        "code": error.code,
        "company_id": error.company_id,
        "expense": error.expense_key,
    }
