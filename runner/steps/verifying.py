"""Verifying a company: what the journal says beside what Codat says, and repairing the journal where it knew less."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.judging import Verdict, judge, statuses
from runner.domain.money import NOTHING, Sum
from runner.domain.remote import SyncStatus, TransactionRow
from runner.domain.states import ExpenseState, SyncClass, SyncState, TransactionStatus
from runner.errors import CompanyHeld
from runner.journal.records import Sync
from runner.journal.verification import Known
from runner.steps.kit import Kit
from runner.steps.looking import Look, look
from runner.steps.transactions import check_transactions, read_transactions

PAGE = 5_000
_UNDECIDED = frozenset({TransactionStatus.PENDING, TransactionStatus.UNKNOWN})


@dataclass(slots=True)
class Remote:
    """What Codat says of a company's expenses, over all its syncs."""

    completed: dict[ExpenseId, list[SyncId]] = field(default_factory=lambda: defaultdict(list))
    latest: dict[ExpenseId, TransactionRow] = field(default_factory=dict)
    """The row of each expense in the newest sync that lists it."""
    running: dict[SyncId, set[ExpenseId]] = field(default_factory=dict)
    """Syncs that have not ended, with the expenses they list so far."""

    @property
    def has_blank(self) -> bool:
        """Whether a sync is running that does not say yet what it holds."""
        return any(not members for members in self.running.values())

    def may_yet_post(self, expense: ExpenseId) -> bool:
        """Say whether anything that Codat lists may still post the expense, or has done so without saying."""
        if self.has_blank or any(expense in members for members in self.running.values()):
            return True
        return expense in self.latest and self.latest[expense].status in _UNDECIDED


@dataclass(slots=True)
class Findings:
    """What came of comparing one company."""

    company_id: CompanyId
    expenses: int = 0
    agreed: dict[str, Sum] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    """Posted here and Completed there, by currency."""
    settled: dict[str, Sum] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    """Completed there and not known here: the journal was repaired."""
    missing: list[ExpenseId] = field(default_factory=list)
    """Posted here, Completed nowhere there."""
    doubled: list[ExpenseId] = field(default_factory=list)
    """Completed by more than one sync."""
    unknown: list[ExpenseId] = field(default_factory=list)
    """Completed there, never staged here."""
    in_doubt: list[ExpenseId] = field(default_factory=list)
    absent: list[ExpenseId] = field(default_factory=list)
    """In doubt, searched for after quiescence and not found: `retry --in-doubt` may send them again."""
    unread: str | None = None
    """Why the company could not be compared."""

    @property
    def agrees(self) -> bool:
        """Whether nothing is left that the two sides see differently."""
        return not (self.missing or self.doubled or self.in_doubt or self.unread)


async def verify_company(company: CompanyId, kit: Kit) -> Findings:
    """Compare one company's expenses with all syncs that Codat lists; repair the journal; tell the rest."""
    listed = {status.sync_id: status for status in await kit.codat.statuses(company)}
    await _settle_open_syncs(company, listed, kit)
    remote = await read_remote(company, listed, kit)
    findings = Findings(company)
    unknown = set(remote.completed)
    after = 0
    while page := await kit.journal.verification.page(company, after=after, limit=PAGE):
        after = page[-1].place
        findings.expenses += len(page)
        unknown -= {known.expense_id for known in page}
        await _compare(company, page, remote, findings, kit)
    findings.unknown = sorted(unknown)
    return findings


async def _settle_open_syncs(company: CompanyId, listed: Mapping[SyncId, SyncStatus], kit: Kit) -> None:
    """Bring the journal's open syncs as far as can be known without waiting."""
    for sync in await kit.journal.syncs.open(company):
        known: Sync | None = sync
        if sync.state is SyncState.STARTING:
            known = await _adopt_if_found(company, sync, kit)
        if known is None or known.sync_id is None:
            continue
        status = listed.get(known.sync_id)
        if known.state is SyncState.RUNNING and status is not None and status.kind is not SyncClass.RUNNING:
            known = await kit.journal.syncs.record_finished(known.no, status)
        if known.state is SyncState.FINISHED:
            try:
                await check_transactions(company, known, kit)
            except CompanyHeld as hold:
                # Its expenses are judged; the hold is recorded so that the next run begins by looking.
                await kit.journal.companies.hold(company, code=hold.code, message=hold.message, hint=hold.hint)


async def _adopt_if_found(company: CompanyId, sync: Sync, kit: Kit) -> Sync | None:
    found = await look(company, await kit.journal.syncs.expenses_of(sync.no), kit)
    attempt = await kit.journal.attempts.of_sync(sync.no)
    if isinstance(found, Look) or attempt is None:
        return None
    return await kit.journal.syncs.record_running(sync.no, found, attempt.no, adopted=True)


async def read_remote(company: CompanyId, listed: Mapping[SyncId, SyncStatus], kit: Kit) -> Remote:
    """Read the transactions of every sync that Codat lists for the company, oldest first."""
    remote = Remote()
    for status in sorted(listed.values(), key=lambda status: status.at or ""):
        rows = statuses(await read_transactions(company, status.sync_id, kit))
        for expense, row in rows.items():
            remote.latest[expense] = row
            if row.status is TransactionStatus.COMPLETED:
                remote.completed[expense].append(status.sync_id)
        if status.kind is SyncClass.RUNNING:
            remote.running[status.sync_id] = set(rows)
    return remote


async def _compare(company: CompanyId, page: list[Known], remote: Remote, findings: Findings, kit: Kit) -> None:
    settled: dict[ExpenseId, Verdict] = {}
    absent: list[ExpenseId] = []
    for known in page:
        expense, there = known.expense_id, remote.completed.get(known.expense_id, [])
        if len(there) > 1:
            findings.doubled.append(expense)
        if known.state is ExpenseState.POSTED:
            _compare_posted(known, findings, completed=bool(there))
        elif there and known.state is not ExpenseState.SENT:
            settled[expense] = Verdict(ExpenseState.POSTED, evidence_sync=there[0])
            findings.settled[known.currency] += Sum(1, known.gross)
        elif known.state is ExpenseState.IN_DOUBT or known.sync_state is SyncState.STARTING:
            findings.in_doubt.append(expense)
            if _is_quiet(known, kit) and not remote.may_yet_post(expense):
                absent.append(expense)
    if settled:
        await kit.journal.verification.record_found(company, settled, kind="verified")
    if absent:
        await kit.journal.verification.record_absent(company, absent)
        findings.absent += absent


def _compare_posted(known: Known, findings: Findings, *, completed: bool) -> None:
    if completed:
        findings.agreed[known.currency] += Sum(1, known.gross)
    elif not known.on_trust:
        findings.missing.append(known.expense_id)


def _is_quiet(known: Known, kit: Kit) -> bool:
    if known.state is not ExpenseState.IN_DOUBT or known.judged_at is None:
        return False
    return kit.clock.now() - known.judged_at >= timedelta(seconds=kit.limits.quiescence)


async def rebuild_company(company: CompanyId, kit: Kit) -> bool:
    """Learn from Codat alone what became of expenses that the journal only has from its CSVs.

    Returns whether it is clear: no sync is running that does not say yet what it holds. To be repeated until
    the quiescence time is over, since a request of the lost journal's may still be on its way.
    """
    listed = {status.sync_id: status for status in await kit.codat.statuses(company)}
    known = await kit.journal.syncs.started_here(company)
    remote = await read_remote(company, listed, kit)
    after = 0
    while page := await kit.journal.verification.page(company, after=after, limit=PAGE):
        after = page[-1].place
        staged = [each.expense_id for each in page if each.state is ExpenseState.STAGED]
        verdicts = {e: verdict for e in staged if (verdict := _rebuilt(e, remote)) is not None}
        if verdicts:
            await kit.journal.verification.record_found(company, verdicts, kind="rebuilt")
        await _adopt_running(company, [e for e in staged if e not in verdicts], remote, known, kit)
        known = await kit.journal.syncs.started_here(company)
    return not remote.has_blank


def _rebuilt(expense: ExpenseId, remote: Remote) -> Verdict | None:
    if expense in remote.completed:
        message = "Found in the books when the journal was rebuilt."
        return Verdict(ExpenseState.POSTED, "rebuilt", message, remote.completed[expense][0], external=True)
    if expense not in remote.latest or any(expense in members for members in remote.running.values()):
        return None
    return judge([expense], [remote.latest[expense]])[expense]


async def _adopt_running(
    company: CompanyId, expenses: list[ExpenseId], remote: Remote, known: frozenset[SyncId], kit: Kit
) -> None:
    for sync_id, members in remote.running.items():
        ours = [expense for expense in expenses if expense in members]
        if ours and sync_id not in known:
            await kit.journal.verification.adopt(company, sync_id, ours)
            expenses = [expense for expense in expenses if expense not in members]
