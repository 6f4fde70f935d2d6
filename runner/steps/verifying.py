"""Verifying a company: what the journal says beside what Codat says, and repairing the journal where it knew less."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.judging import Verdict, judge, statuses
from runner.domain.money import NOTHING, Sum
from runner.domain.remote import SyncStatus, TransactionRow
from runner.domain.states import ExpenseState, SyncClass, SyncState, TransactionStatus
from runner.errors import CompanyHeld, Refused
from runner.journal.records import Sync
from runner.journal.verification import Known
from runner.steps.evidence import found_posted
from runner.steps.holds import SYNC_NOT_FOUND, held_by_refusal
from runner.steps.kit import Kit
from runner.steps.looking import Look, look
from runner.steps.transactions import check_transactions, read_transactions

PAGE = 5_000
NO_EXPENSE = ExpenseId("")
"""Comes before every id."""
LATE = timedelta(hours=1)
"""Syncs that are so much older than the mark are read once more: the list may have lagged when they were compared."""
_MAY_CHANGE = timedelta(days=2)
"""For how long the transactions of a sync that has ended may still be to come, or undecided."""
_UNDECIDED = frozenset({TransactionStatus.PENDING, TransactionStatus.UNKNOWN})


@dataclass(slots=True)
class Remote:
    """What Codat says of a company's expenses, over all its syncs."""

    completed: dict[ExpenseId, list[SyncId]] = field(default_factory=lambda: defaultdict(list))
    latest: dict[ExpenseId, tuple[SyncId, TransactionRow]] = field(default_factory=dict)
    """The newest sync that lists an expense, and its row there."""
    running: set[SyncId] = field(default_factory=set)
    """Syncs that have not ended: they may not list yet all that they hold."""
    open: set[SyncId] = field(default_factory=set)
    """Syncs that show no transactions yet, or some that Codat does not know the end of."""
    earlier: frozenset[SyncId] = frozenset()
    """Syncs that are listed and were not read, because an earlier comparison has read them and agreed."""

    def last_word(self, expense: ExpenseId) -> tuple[SyncId, str] | None:
        """Return the newest sync that lists the expense, and the code that its row stands for."""
        found = self.latest.get(expense)
        return None if found is None else (found[0], str(judge([expense], [found[1]])[expense].code))

    def is_undecided(self, expense: ExpenseId) -> bool:
        """Say whether Codat itself does not know what became of the expense."""
        return expense in self.latest and self.latest[expense][1].status in _UNDECIDED


@dataclass(slots=True)
class Findings:
    """What came of comparing one company."""

    company_id: CompanyId
    expenses: int = 0
    agreed: dict[str, Sum] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    """Posted here and Completed there, by currency."""
    earlier: dict[str, Sum] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    """Posted here, by syncs that an earlier comparison found to agree, and that Codat lists still."""
    settled: dict[str, Sum] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    """Completed there and not known here: the journal was repaired."""
    missing: list[ExpenseId] = field(default_factory=list)
    """Posted here, Completed nowhere there."""
    doubled: list[ExpenseId] = field(default_factory=list)
    """Completed by more than one sync."""
    unknown: list[ExpenseId] = field(default_factory=list)
    """Completed there, never staged here."""
    in_doubt: list[ExpenseId] = field(default_factory=list)
    sync_unknown: list[ExpenseId] = field(default_factory=list)
    """In doubt, because they were sent in a sync that Codat does not know for the company."""
    absent: list[ExpenseId] = field(default_factory=list)
    """In doubt, searched for after quiescence and not found: `retry --in-doubt` may send them again."""
    rest: dict[ExpenseState, int] = field(default_factory=lambda: defaultdict(int))
    """How many of the company's expenses are in none of the above, by state: there is nothing to compare."""
    unread: str | None = None
    """Why the company could not be compared."""

    @property
    def agrees(self) -> bool:
        """Whether nothing is left that the two sides see differently."""
        return not (self.missing or self.doubled or self.in_doubt or self.unread)


async def verify_company(company: CompanyId, kit: Kit, *, idle: float, everything: bool = False) -> Findings:
    """Compare one company's expenses with the syncs that Codat lists; repair the journal; tell the rest.

    Syncs that the last comparison that agreed has read are not read again, unless `everything` is asked for or the
    others leave anything that does not agree. `idle` says for how many seconds it is proved that nothing has been
    sent from this journal.
    """
    listed = {status.sync_id: status for status in await kit.codat.statuses(company)}
    settled = await _settle_open_syncs(company, listed, kit)
    ours = await kit.journal.syncs.started_here(company)
    complete = await kit.journal.verification.to_be_listed(company) <= listed.keys()
    new = listed if everything or not complete else await _since_agreed(company, listed, kit)
    compared = await _compare(company, listed, new, ours, kit, idle=idle, settled=settled)
    if not compared.findings.agrees and len(new) < len(listed):
        compared = await _compare(company, listed, listed, ours, kit, idle=idle, settled=settled)
    await compared.record(kit)
    if compared.findings.agrees and complete:
        await kit.journal.verification.record_agreed(company, _agreed_to(listed, compared.remote, kit.clock.now()))
    await _tell_held(compared.findings, kit)
    return compared.findings


async def _since_agreed(
    company: CompanyId, listed: Mapping[SyncId, SyncStatus], kit: Kit
) -> Mapping[SyncId, SyncStatus]:
    """Return the syncs that are to be read; all of them where no comparison has agreed, or anything is in doubt.

    An expense in doubt may stand in any of them. One that was not taken, and may be sent again, is looked for in its
    own sync, however old that is: it may have been posted there since.
    """
    mark = await kit.journal.verification.agreed_to(company)
    if mark is None:
        return listed
    again = await kit.journal.verification.to_compare_again(company, since=mark - LATE)
    return {
        sync_id: status
        for sync_id, status in listed.items()
        if status.moment is None or status.moment >= mark - LATE or status.kind is SyncClass.RUNNING or sync_id in again
    }


def _agreed_to(listed: Mapping[SyncId, SyncStatus], remote: Remote, now: datetime) -> datetime | None:
    """Return Codat's time before which no sync can say anything else any more; None where that is not certain."""
    moments = {sync_id: status.moment for sync_id, status in listed.items()}
    changing = [moments[each] for each in remote.running]
    for sync_id in remote.open:
        moment = moments[sync_id]
        if moment is not None and moment > now - _MAY_CHANGE:
            changing.append(moment)
    known = [moment for moment in moments.values() if moment is not None]
    if not known or None in changing:
        return None
    return min(now, max(known), *(moment for moment in changing if moment is not None))


async def _compare(
    company: CompanyId,
    listed: Mapping[SyncId, SyncStatus],
    new: Mapping[SyncId, SyncStatus],
    ours: frozenset[SyncId],
    kit: Kit,
    *,
    idle: float,
    settled: "Settled",
) -> "Comparison":
    """Read the transactions of the `new` ones of the syncs listed, and lay them beside the journal."""
    remote = await read_remote(company, new, kit)
    remote.earlier = frozenset(listed.keys() - new.keys())
    compared = Comparison(company, remote, ours, quiet=idle >= kit.limits.quiescence, settled=settled)
    unknown = set(remote.completed)
    after = NO_EXPENSE
    while page := await kit.journal.verification.page(company, after=after, limit=PAGE):
        after = page[-1].expense_id
        unknown -= {known.expense_id for known in page}
        compared.add(page)
    compared.findings.unknown = sorted(unknown)
    return compared


async def not_compared(company: CompanyId, reason: str, kit: Kit) -> Findings:
    """Return where the expenses of a company stand by the journal alone, because it could not be compared."""
    findings = Findings(company, unread=reason)
    after = NO_EXPENSE
    while page := await kit.journal.verification.page(company, after=after, limit=PAGE):
        after = page[-1].expense_id
        findings.expenses += len(page)
        for known in page:
            starting = known.sync_state is SyncState.STARTING and known.state is ExpenseState.SENT
            findings.rest[ExpenseState.IN_DOUBT if starting else known.state] += 1
    await _tell_held(findings, kit)
    return findings


async def _tell_held(findings: Findings, kit: Kit) -> None:
    if ExpenseState.STAGED in findings.rest and await kit.journal.companies.hold_of(findings.company_id) is not None:
        findings.rest[ExpenseState.HELD] = findings.rest.pop(ExpenseState.STAGED)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the expenses of the journal's open syncs."""

    fresh: set[ExpenseId] = field(default_factory=set)
    """Judged now."""
    unknown: set[ExpenseId] = field(default_factory=set)
    """Sent, in syncs that Codat does not know for the company."""


async def _settle_open_syncs(company: CompanyId, listed: Mapping[SyncId, SyncStatus], kit: Kit) -> Settled:
    """Bring the journal's open syncs as far as can be known without waiting; tell what became of their expenses."""
    settled = Settled()
    for sync in await kit.journal.syncs.open(company):
        known: Sync | None = sync
        if sync.state is SyncState.STARTING:
            known = await _adopt_if_found(company, sync, kit)
        if known is None or known.sync_id is None:
            continue
        ours = (await kit.journal.syncs.expenses_of(known.no)).keys()
        status = listed.get(known.sync_id) or await _status(company, known.sync_id, kit)
        if status is None:
            settled.unknown.update(ours)
            continue
        if known.state is SyncState.RUNNING and status.kind is not SyncClass.RUNNING:
            known = await kit.journal.syncs.record_finished(known.no, status)
        if known.state is SyncState.FINISHED:
            settled.fresh.update(ours)
            try:
                await check_transactions(company, known, kit)
            except CompanyHeld as hold:
                # Its expenses are judged; the hold is recorded so that the next run begins by looking.
                await kit.journal.companies.hold(company, code=hold.code, message=hold.message, hint=hold.hint)
                if hold.code == SYNC_NOT_FOUND:
                    settled.unknown.update(ours)
    return settled


async def _status(company: CompanyId, sync_id: SyncId, kit: Kit) -> SyncStatus | None:
    """Ask for a sync that is not in the list, which may lag; None where Codat does not know it for the company."""
    try:
        return await kit.codat.status(company, sync_id)
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise held_by_refusal(refusal) from refusal


async def _adopt_if_found(company: CompanyId, sync: Sync, kit: Kit) -> Sync | None:
    attempt = await kit.journal.attempts.of_sync(sync.no)
    if attempt is None:
        return None
    found = await look(company, await kit.journal.syncs.expenses_of(sync.no), kit, named=attempt.unbelieved_sync)
    if isinstance(found, Look):
        return None
    return await kit.journal.syncs.record_running(sync.no, found, attempt.no, adopted=True)


async def read_remote(company: CompanyId, listed: Mapping[SyncId, SyncStatus], kit: Kit) -> Remote:
    """Read the transactions of every sync that is named, of those that Codat lists for the company, oldest first."""
    remote = Remote()
    for status in sorted(listed.values(), key=lambda status: status.at or ""):
        rows = statuses(await read_transactions(company, status.sync_id, kit))
        for expense, row in rows.items():
            remote.latest[expense] = (status.sync_id, row)
            if row.status is TransactionStatus.COMPLETED:
                remote.completed[expense].append(status.sync_id)
        if not rows or any(row.status in _UNDECIDED for row in rows.values()):
            remote.open.add(status.sync_id)
        if status.kind is SyncClass.RUNNING:
            remote.running.add(status.sync_id)
    return remote


_VERIFIED = "Found in the books by a verification."


class Comparison:
    """One company's expenses beside what Codat says, page by page."""

    def __init__(
        self,
        company: CompanyId,
        remote: Remote,
        ours: frozenset[SyncId],
        *,
        quiet: bool,
        settled: Settled,
    ) -> None:
        self.findings = Findings(company)
        self.remote = remote
        self._ours = ours
        # A sync of others that has not ended may hold anything: it may not list yet all that it holds.
        self._quiet = quiet and remote.running <= ours
        self._settled = settled
        self._found: dict[ExpenseId, Verdict] = {}
        self._absent: dict[ExpenseId, tuple[SyncId, str] | None] = {}

    def add(self, page: Sequence[Known]) -> None:
        """Compare a page."""
        findings = self.findings
        findings.expenses += len(page)
        for known in page:
            expense, there = known.expense_id, self.remote.completed.get(known.expense_id, [])
            if len(there) > 1:
                findings.doubled.append(expense)
            if known.state is ExpenseState.POSTED:
                self._posted(known, there)
            elif there and known.state is not ExpenseState.SENT:
                self._found[expense] = found_posted(there, self._ours, "verified", _VERIFIED)
                findings.settled[known.currency] += Sum(1, known.gross)
            elif known.state is ExpenseState.SENT and expense in self._settled.unknown:
                findings.in_doubt.append(expense)
                findings.sync_unknown.append(expense)
            elif known.state is ExpenseState.IN_DOUBT or known.sync_state is SyncState.STARTING:
                findings.in_doubt.append(expense)
                if self._is_absent(known):
                    self._absent[expense] = self.remote.last_word(expense)
                    findings.absent.append(expense)
            else:
                findings.rest[known.state] += 1

    async def record(self, kit: Kit) -> None:
        """Repair the journal where it knew less."""
        company, verbs = self.findings.company_id, kit.journal.verification
        if self._found:
            await verbs.record_found(company, self._found, kind="verified")
        if self._absent:
            await verbs.record_absent(company, self._absent)

    def _posted(self, known: Known, there: Sequence[SyncId]) -> None:
        earlier = known.posted_by in self.remote.earlier
        if earlier and there:
            # By the sync that was compared earlier, and by another one since.
            self.findings.doubled.append(known.expense_id)
        if there:
            self.findings.agreed[known.currency] += Sum(1, known.gross)
        elif earlier:
            self.findings.earlier[known.currency] += Sum(1, known.gross)
        elif known.on_trust:
            self.findings.rest[ExpenseState.POSTED] += 1
        else:
            self.findings.missing.append(known.expense_id)

    def _is_absent(self, known: Known) -> bool:
        expense = known.expense_id
        if known.state is not ExpenseState.IN_DOUBT or expense in self._settled.fresh:
            return False
        if known.sync_state is SyncState.FORGOTTEN:
            # Where Codat forgets a sync, that nothing lists its expenses does not say that it never posted them.
            return False
        return self._quiet and not self.remote.is_undecided(expense)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a rebuild has learnt of one company."""

    clear: bool
    """Whether nothing that Codat lists is still running: a running sync may not list yet all that it holds."""
    unexplained: list[ExpenseId]
    """What stands in the books and in no file, where rows without ids are to be sent that could be the same."""


async def rebuild_company(company: CompanyId, kit: Kit) -> Learnt:
    """Learn from Codat alone what became of expenses that the journal only has from its CSVs, or from a copy.

    To be repeated until the quiescence time is over: a request of the lost journal's may still be on its way.
    """
    listed = {status.sync_id: status for status in await kit.codat.statuses(company)}
    await _settle_open_syncs(company, listed, kit)
    ours = await kit.journal.syncs.started_here(company)
    remote = await read_remote(company, listed, kit)
    unexplained = set(remote.completed)
    after = NO_EXPENSE
    while page := await kit.journal.verification.page(company, after=after, limit=PAGE):
        after = page[-1].expense_id
        unexplained.difference_update(known.expense_id for known in page)
        found = {known.expense_id: _rebuilt(known, remote, ours) for known in page}
        verdicts = {expense: verdict for expense, verdict in found.items() if verdict is not None}
        if verdicts:
            await kit.journal.verification.record_found(company, verdicts, kind="rebuilt")
    # Codat does not say what is attached, and the journal that knew is lost.
    await kit.journal.verification.doubt_receipts(company, code=REBUILT, message=_ATTACHED)
    if unexplained and not await kit.journal.verification.has_unnamed_to_send(company):
        unexplained.clear()
    return Learnt(not remote.running, sorted(unexplained))


REBUILT = "rebuilt"
"""Code of what a rebuild had to conclude."""
_FOUND = "Found in the books when the journal was rebuilt."
_ATTACHED = "The journal that knew whether this receipt was attached is lost, and Codat cannot be asked."


def _rebuilt(known: Known, remote: Remote, ours: frozenset[SyncId]) -> Verdict | None:
    """Judge an expense by the newest sync that lists it, unless that one's verdict is in the journal already."""
    expense = known.expense_id
    if known.state in {ExpenseState.POSTED, ExpenseState.SENT}:
        return None
    if expense in remote.completed:
        return found_posted(remote.completed[expense], ours, REBUILT, _FOUND)
    if expense not in remote.latest:
        return None
    sync_id, row = remote.latest[expense]
    if sync_id in ours or sync_id in remote.running:
        return None
    verdict = judge([expense], [row])[expense]._replace(evidence_sync=sync_id)
    return None if verdict.state is known.state else verdict
