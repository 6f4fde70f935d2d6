"""Resolving doubts by a person's word: what is meant, what can be said of it now, and saying it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from runner.clock import Clock
from runner.domain.resolution import YOUNG, Answer, Kind, Standing, refusal, waits
from runner.journal.journal import Journal
from runner.journal.resolutions import Selection, Subject, Word


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of which that cannot be said, and why."""

    subject: Subject
    reason: str


@dataclass(frozen=True, slots=True)
class Resolvable:
    """What is meant, sorted by whether it can be said of it."""

    chosen: tuple[Subject, ...]
    refused: tuple[Refused, ...]


async def select(
    journal: Journal,
    answer: Answer,
    selection: Selection,
    *,
    clock: Clock,
    quiescence: float,
    receipts: bool = False,
) -> Resolvable:
    """Find what is meant: expenses (to be dismissed also such that never came in), receipts, inputs or questions."""
    if answer in {Answer.SAME, Answer.OTHER}:
        subjects = await journal.resolutions.questions(selection)
    elif selection.input_name is not None:
        subjects = await journal.resolutions.inputs(selection.input_name)
    elif receipts:
        subjects = await journal.resolutions.receipts(selection, answer)
    else:
        subjects = await journal.resolutions.expenses(selection, answer)
        if answer is Answer.DISMISSED:
            subjects += await journal.resolutions.rows(selection)
    return await _sorted(journal, answer, subjects, clock=clock, quiescence=quiescence)


async def resolve(journal: Journal, answer: Answer, subjects: Sequence[Subject], word: Word) -> None:
    """Say it of all of them."""
    await journal.resolutions.record(answer, subjects, word)


async def _sorted(
    journal: Journal, answer: Answer, subjects: Sequence[Subject], *, clock: Clock, quiescence: float
) -> Resolvable:
    chosen: list[Subject] = []
    refused: list[Refused] = []
    ages: dict[tuple[object, ...], float | None] = {}
    for each in subjects:
        of = (each.sync_no, each.draft_no if each.sync_no is None else None, each.receipt_no)
        if of not in ages:
            ages[of] = await _age(journal, each)
        standing = Standing(each.kind, each.state, each.code, each.sync, ages[of], there=_is_there(each))
        reason = refusal(answer, standing, quiescence=quiescence)
        if reason is None:
            chosen.append(each)
        elif reason == YOUNG:
            at = clock.now() + timedelta(seconds=waits(standing, quiescence=quiescence))
            refused.append(Refused(each, f"{reason}; from {_time(at)} on this can be said"))
        else:
            refused.append(Refused(each, reason))
    return Resolvable(tuple(chosen), tuple(refused))


async def _age(journal: Journal, subject: Subject) -> float | None:
    """Return for how long it is proved that the request left by which the doubt came; None where none is known."""
    attempt = None
    if subject.receipt_no is not None:
        attempt = await journal.attempts.of_receipt(subject.receipt_no)
    elif subject.sync_no is not None:
        attempt = await journal.attempts.of_sync(subject.sync_no)
    if attempt is None and subject.draft_no is not None:
        attempt = await journal.attempts.of_draft(subject.draft_no)
    return None if attempt is None else journal.ages.at_least(attempt.last)


def _is_there(subject: Subject) -> bool:
    """Say whether the file of an input still lies where it was, as it was: then a run reads it.

    Of a question: whether there is an expense that its row may be.
    """
    if subject.kind is Kind.QUESTION:
        return subject.partner is not None
    if subject.kind is not Kind.INPUT or subject.path is None or subject.state == "refused":
        return False
    try:
        with Path(subject.path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return False
    return subject.sha256 is None or digest == subject.sha256


def _time(at: datetime) -> str:
    # The next full minute: never earlier than it can be said.
    return (at.astimezone() + timedelta(seconds=59)).strftime("%H:%M")
