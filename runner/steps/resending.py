"""The look before a resend: what Codat shows of an expense now, held against what was known when it was chosen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.judging import POSTED, Verdict, judge_by, statuses
from runner.domain.remote import SyncStatus, TransactionRow
from runner.domain.states import ExpenseState, SyncClass
from runner.errors import CompanyHeld, Refused
from runner.journal.resends import Resend
from runner.steps.evidence import found_posted
from runner.steps.holds import SYNC_NOT_FOUND
from runner.steps.kit import Kit
from runner.steps.looking import is_older
from runner.steps.transactions import read_transactions

OTHER_SYNC = "other_sync"
"""Code of an expense in doubt: a sync lists it that was not known when it was chosen to be sent again."""

_LATE_ROWS = timedelta(days=1)
"""How long an ended sync without rows may still show some."""

Rows = Mapping[ExpenseId, TransactionRow]


@dataclass(slots=True)
class Shown:
    """What the syncs show that matter to a resend."""

    known: dict[SyncId, Rows | None] = field(default_factory=dict)
    """Syncs whose rows were known of some expense; None where Codat no longer knows the sync."""
    strange: dict[SyncId, tuple[int, Rows]] = field(default_factory=dict)
    """Syncs of others by when they were found, which is later than any choice where they were not."""
    unclear: dict[SyncId, int] = field(default_factory=dict)
    """Those that may come to list more than they do."""


async def look_before_resend(company: CompanyId, kit: Kit, *, doubts: bool) -> None:
    """Look for every expense that is to be sent again; let those go of which nothing new is known.

    Completed anywhere is posted. A row that says something else than what was known when it was chosen, or any row
    in a sync that was not known then, keeps the expense back. As long as others' syncs run, which may come to hold
    it, it waits. With `doubts` the expenses that such rows have put in doubt are looked for as well.
    """
    due = await kit.journal.resends.due(company, doubts=doubts)
    if not due:
        return
    shown = Shown()
    await _read_known(company, due, shown, kit)
    if any(each.chosen for each in due):
        await _read_strange(company, min(each.known_foreign for each in due if each.chosen), shown, kit)
    ours = await kit.journal.syncs.started_here(company)
    verdicts: list[tuple[Resend, Verdict]] = []
    seen: list[tuple[Resend, SyncId, str]] = []
    free: list[Resend] = []
    for each in due:
        news = _news_of(each, shown)
        if there := _completed(each, shown):
            found = found_posted(there, ours, "verified", "Found in the books by a look before it was sent again.")
            verdicts.append((each, found))
        elif not each.chosen:
            continue
        elif news:
            verdicts.append((each, _gravest(news.values())))
            seen += ((each, sync, row.code or "") for sync, row in _strange_rows(each, shown).items())
        elif not _waits(each, shown):
            free.append(each)
    await kit.journal.resends.record_look(company, verdicts=verdicts, seen=seen, free=free)
    kit.note("looked_before_resend", company=company, kept=len(verdicts), again=len(free))


async def _read_known(company: CompanyId, due: Sequence[Resend], shown: Shown, kit: Kit) -> None:
    for sync in {sync: None for each in due for sync in each.known}:
        try:
            shown.known[sync] = statuses(await read_transactions(company, sync, kit))
        except CompanyHeld as unreadable:
            if unreadable.code != SYNC_NOT_FOUND:
                raise
            shown.known[sync] = None


async def _read_strange(company: CompanyId, known_foreign: int, shown: Shown, kit: Kit) -> None:
    """Read the syncs that Codat lists and that were not known when the oldest choice was made."""
    origins = await kit.journal.resends.origins(company)
    latest = max(origins.values(), default=0) + 1
    for status in await kit.codat.statuses(company):
        number = origins.get(status.sync_id, latest)
        if number <= known_foreign:
            continue
        try:
            rows = statuses(await kit.codat.transactions(company, status.sync_id))
        except Refused:
            shown.unclear[status.sync_id] = number
            continue
        shown.strange[status.sync_id] = number, rows
        if _may_show_more(status, rows, kit):
            shown.unclear[status.sync_id] = number


def _may_show_more(status: SyncStatus, rows: Rows, kit: Kit) -> bool:
    if status.kind is SyncClass.RUNNING:
        return True
    return not rows and not is_older(status.moment, kit.clock.now() - _LATE_ROWS)


def _completed(each: Resend, shown: Shown) -> list[SyncId]:
    known = [(sync, shown.known.get(sync)) for sync in each.known]
    strange = [(sync, rows) for sync, (number, rows) in shown.strange.items() if number > each.known_foreign]
    return [
        sync for sync, rows in known + strange if rows and judge_by(rows, [each.expense_id])[each.expense_id] == POSTED
    ]


def _strange_rows(each: Resend, shown: Shown) -> dict[SyncId, Verdict]:
    """Return what ended syncs say of the expense that were not known when it was chosen, nor had a row of it."""
    return {
        sync: judge_by(rows, [each.expense_id])[each.expense_id]
        for sync, (number, rows) in shown.strange.items()
        if number > each.known_foreign and sync not in each.known and sync not in shown.unclear
        if each.expense_id in rows
    }


def _news_of(each: Resend, shown: Shown) -> dict[SyncId, Verdict]:
    """Return the verdicts that are other than what was known, by the sync whose row it is."""
    news = {}
    for sync, code in each.known.items():
        rows = shown.known.get(sync)
        if rows is None:
            verdict = Verdict(ExpenseState.IN_DOUBT, SYNC_NOT_FOUND, _FORGOTTEN)
        elif each.expense_id in rows:
            verdict = judge_by(rows, [each.expense_id])[each.expense_id]
        else:
            continue
        if verdict.code != code:
            news[sync] = verdict
    for sync, row in _strange_rows(each, shown).items():
        news[sync] = Verdict(
            ExpenseState.IN_DOUBT,
            OTHER_SYNC,
            f"Sync {sync} has it as {row.code}, and was not known when the expense was chosen to be sent again.",
        )
    return news


_FORGOTTEN = "Codat no longer lists a sync that this expense was in."
_GRAVITY = (ExpenseState.IN_DOUBT, ExpenseState.FAILED, ExpenseState.REJECTED)


def _gravest(verdicts: Iterable[Verdict]) -> Verdict:
    return min(verdicts, key=lambda verdict: _GRAVITY.index(verdict.state))


def _waits(each: Resend, shown: Shown) -> bool:
    """Say whether a sync that may come to list the expense has not ended, or shows nothing yet."""
    return any(number > each.known_foreign and sync not in each.known for sync, number in shown.unclear.items())
