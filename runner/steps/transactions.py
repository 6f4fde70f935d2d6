"""Checking transactions: every expense of a finished sync is judged by its own status."""

from collections.abc import Mapping, Sequence

from runner.domain.expense import MAX_EXPENSES_A_DRAFT
from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.judging import POSTED, Verdict, judge, judge_by, previously_processed, statuses
from runner.domain.remote import TransactionRow
from runner.domain.states import ExpenseState, SyncClass, SyncCode, TransactionStatus, classify
from runner.errors import CompanyHeld, Refused
from runner.journal.records import Sync
from runner.steps.evidence import completed_in, posted_elsewhere
from runner.steps.holds import ASK_FOR_SYNC, SYNC_NOT_FOUND, held_by_refusal, held_by_status
from runner.steps.kit import Kit

_LOOKS = (1.0, 2.5, 7.5)
"""Pauses between looks at doubtful transactions, in poll intervals: rows can lag behind their sync's status."""

STAGED = Verdict(ExpenseState.STAGED)


async def check_transactions(company: CompanyId, sync: Sync, kit: Kit) -> None:
    """Read a finished sync's transactions and record what became of each of its expenses.

    Raises `CompanyHeld` where the sync's code asks for a person; the expenses are judged before that.
    """
    if sync.code is None:
        raise RuntimeError(f"sync {sync.no} is not finished")
    expected = await kit.journal.syncs.expenses_of(sync.no)
    kind = classify(sync.code)
    rows, verdicts = await _judged(company, sync, expected, kit)
    alone: Sequence[Sequence[ExpenseId]] = ()
    if sync.code == SyncCode.DUPLICATION_PROTECTION:
        verdicts, alone = await _after_duplication(company, sync, verdicts, rows, kit)
    elif kind is SyncClass.HOLD:
        verdicts = _unless_begun(verdicts)
    elif before := previously_processed(None, rows, verdicts):
        verdicts.update(await posted_elsewhere(company, before, kit, but=sync.sync_id))
    others = {expense: verdict for expense, verdict in verdicts.items() if verdict != POSTED}
    await kit.journal.syncs.record_judged(
        company,
        sync.no,
        posted=len(verdicts) - len(others),
        others=others,
        alone=alone,
        free=bool(alone),
    )
    kit.note(
        "sync_judged",
        company=company,
        sync=sync.sync_id,
        code=sync.code,
        posted=len(verdicts) - sum(v.state is not ExpenseState.POSTED for v in others.values()),
        rejected=sum(v.state is ExpenseState.REJECTED for v in others.values()),
        others=len(others),
    )
    if kit.limits.auto_retry:
        await kit.journal.resends.auto_retry(sync.no, limit=kit.limits.auto_retry)
    if kind is SyncClass.HOLD:
        raise held_by_status(sync.code, sync.error)


async def _judged(
    company: CompanyId, sync: Sync, expected: Mapping[ExpenseId, ExpenseState], kit: Kit
) -> tuple[dict[ExpenseId, TransactionRow], dict[ExpenseId, Verdict]]:
    for pause in (*_LOOKS, None):
        rows = statuses(await read_transactions(company, sync.sync_id, kit))
        verdicts = judge_by(rows, expected)
        doubtful = any(verdict.state is ExpenseState.IN_DOUBT for verdict in verdicts.values())
        if not doubtful or pause is None:
            return rows, verdicts
        await kit.pause(pause * kit.limits.poll_interval)
    raise AssertionError("the last pause is None")


async def read_transactions(company: CompanyId, sync_id: SyncId | None, kit: Kit) -> list[TransactionRow]:
    """Read all transactions of a sync; raise `CompanyHeld` where Codat refuses."""
    if sync_id is None:
        raise RuntimeError("a sync without an id has no transactions to read")
    try:
        return await kit.codat.transactions(company, sync_id)
    except Refused as refusal:
        if refusal.status == 404:
            raise CompanyHeld(
                f"Codat does not know the transactions of sync {sync_id}: {refusal.message}",
                code=SYNC_NOT_FOUND,
                hint=ASK_FOR_SYNC,
                correlation_id=refusal.correlation_id,
            ) from refusal
        raise held_by_refusal(refusal) from refusal


def _unless_begun(verdicts: Mapping[ExpenseId, Verdict]) -> dict[ExpenseId, Verdict]:
    """Stage the open expenses of a sync again whose code says that it was stopped before it pushed anything.

    Where anything shows that the push had begun, its code says nothing about the others: they stay in doubt.
    """
    begun = any(v.state in {ExpenseState.POSTED, ExpenseState.FAILED} or v.code in _BEGUN for v in verdicts.values())
    if begun:
        return dict(verdicts)
    return {e: STAGED if v.state is ExpenseState.IN_DOUBT else v for e, v in verdicts.items()}


_BEGUN = frozenset({TransactionStatus.UNKNOWN.value.lower()})


async def _after_duplication(
    company: CompanyId,
    sync: Sync,
    verdicts: Mapping[ExpenseId, Verdict],
    rows: Mapping[ExpenseId, TransactionRow],
    kit: Kit,
) -> tuple[dict[ExpenseId, Verdict], Sequence[Sequence[ExpenseId]]]:
    """Sort out a sync that the duplicate guard stopped: the named were posted before, the rest goes on alone.

    Where the guard's message cannot be read, evidence is looked for; where there is none, the sync is halved
    until the expense it means stands alone.
    """
    before = previously_processed(sync.error, rows, verdicts)
    open_ones = [e for e in verdicts if e not in rows or rows[e].status is TransactionStatus.PENDING]
    if not before:
        before = set(await completed_in(company, open_ones, kit, but=sync.sync_id))
    if not before and len(verdicts) == 1:
        before = set(open_ones)
    others = {e: v for e, v in verdicts.items() if e not in before}
    result = {**_unless_begun(others), **await posted_elsewhere(company, before, kit, but=sync.sync_id)}
    free = [e for e in open_ones if result[e] == STAGED]
    return result, () if before or not free else _parts(free)


def _parts(ids: Sequence[ExpenseId]) -> list[Sequence[ExpenseId]]:
    size = min(MAX_EXPENSES_A_DRAFT, (len(ids) + 1) // 2)
    return [ids[start : start + size] for start in range(0, len(ids), size)]


async def look_again(company: CompanyId, kit: Kit, *, doubts: bool) -> None:
    """Read once more what became of expenses in doubt (with `doubts`) and of those that a sync gave back.

    Those that somebody has chosen to send again are looked for in `look_before_resend`: here only Completed counts.
    """
    for sync in await kit.journal.syncs.to_look_at(company, doubts=doubts):
        expected = await kit.journal.syncs.expenses_of(sync.no)
        others = await kit.journal.syncs.not_to_judge(sync.no)
        try:
            rows = await read_transactions(company, sync.sync_id, kit)
        except CompanyHeld as unreadable:
            if unreadable.code != SYNC_NOT_FOUND:
                raise
            await _cannot_look(company, {e: s for e, s in expected.items() if e not in others}, kit)
            continue
        verdicts, again = {}, []
        for expense, verdict in judge(expected, rows).items():
            match expected[expense]:
                case _ if verdict == POSTED:
                    verdicts[expense] = verdict
                case _ if expense in others:
                    pass
                case ExpenseState.STAGED if not _is_open(verdict):
                    # Nobody chose to send it again: it was staged for want of rows, and now it has one.
                    verdicts[expense] = verdict
                case ExpenseState.IN_DOUBT if verdict.state is not ExpenseState.IN_DOUBT:
                    verdicts[expense] = verdict
                case ExpenseState.STAGED:
                    again.append(expense)
                case _:
                    pass
        await kit.journal.syncs.record_look(company, verdicts=verdicts, again=again)
        kit.note("looked_again", company=company, sync=sync.sync_id, settled=len(verdicts), again=len(again))


def _is_open(verdict: Verdict) -> bool:
    """Say whether a row, or the want of one, shows no sign that the push of its expense was tried."""
    return verdict.state is ExpenseState.IN_DOUBT and verdict.code not in _BEGUN


async def _cannot_look(company: CompanyId, expected: Mapping[ExpenseId, ExpenseState], kit: Kit) -> None:
    """Keep back what should be sent again: without a look at its last sync it could be posted twice."""
    doubt = Verdict(
        ExpenseState.IN_DOUBT, SYNC_NOT_FOUND, "Codat no longer lists the sync that this expense was in last."
    )
    kept = {expense: doubt for expense, state in expected.items() if state is ExpenseState.STAGED}
    await kit.journal.syncs.record_look(company, verdicts=kept, again=())
