"""Isolating bad expenses: one of them never sinks the other 49."""

from collections.abc import Mapping, Sequence

from runner.domain.ids import AttemptNo, CompanyId, ExpenseId
from runner.domain.judging import Verdict, is_previously_processed, named
from runner.domain.states import ExpenseState
from runner.errors import CompanyHeld, Refused
from runner.journal.records import Contents, Draft
from runner.steps.evidence import posted_elsewhere
from runner.steps.intent import end_of
from runner.steps.kit import Kit

UNNAMED = "refused"
"""Code of an expense that was refused alone, in a refusal that named nobody."""
INVALID = "invalid"
"""Code of an expense that a refusal named."""
ALL_REFUSED = 5
"""So many expenses refused one by one, and never one accepted: then the fault is hardly the rows'."""


def can_isolate(refusal: Refused) -> bool:
    """Say whether a refusal may be the fault of single expenses (400), or of how many they are (413)."""
    return refusal.status in {400, 413}


async def isolate(
    company: CompanyId, draft: Draft, contents: Contents, refusal: Refused, attempt: AttemptNo, kit: Kit
) -> list[Draft]:
    """Split a refused draft: expenses that the refusal names are judged, the others go on in new drafts.

    A refusal that names nobody halves the draft; a draft of n expenses so costs at most 2n - 2 extra requests.
    """
    verdicts = await _verdicts(company, contents.ids, refusal, kit, certain=True)
    rest = [expense for expense in contents.ids if expense not in verdicts]
    parts = await kit.journal.drafts.split(
        company,
        draft,
        groups=_groups(rest, halve=not verdicts),
        verdicts=verdicts,
        reason=refusal.message,
        ended=(attempt, end_of(refusal)),
    )
    kit.note(
        "draft_refused",
        company=company,
        draft=draft.no,
        judged=len(verdicts),
        rejected=_rejected(verdicts),
        again_in=len(parts),
        message=refusal.message,
        correlation=refusal.correlation_id,
    )
    await _blame_the_company(company, verdicts, refusal, kit)
    return parts


async def _verdicts(
    company: CompanyId, ids: Sequence[ExpenseId], refusal: Refused, kit: Kit, *, certain: bool
) -> dict[ExpenseId, Verdict]:
    """Judge the expenses that a refusal names; a single one needs no name where the refusal is `certain`ly its own."""
    messages = [refusal.message, *(item.message for item in refusal.items)]
    if any(is_previously_processed(message) for message in messages):
        before = named([m for m in messages if is_previously_processed(m)], ids)
        before |= {
            e for item in refusal.items if is_previously_processed(item.message) for e in named([item.item_id], ids)
        }
        if not before and certain and len(ids) == 1:
            before = set(ids)
        return await posted_elsewhere(company, before, kit)
    verdicts = {}
    for item in refusal.items:
        # A message may mention others too ("the same as ..."): it counts only where the item itself has no name.
        for expense in named([item.item_id], ids) or named([item.message], ids):
            verdicts[expense] = Verdict(ExpenseState.REJECTED, INVALID, item.message or refusal.message)
    for expense in named([refusal.message], ids):
        verdicts.setdefault(expense, Verdict(ExpenseState.REJECTED, INVALID, refusal.message))
    if not verdicts and certain and len(ids) == 1:
        verdicts[ids[0]] = Verdict(ExpenseState.REJECTED, UNNAMED, refusal.message)
    return verdicts


def _rejected(verdicts: Mapping[ExpenseId, Verdict]) -> int:
    return sum(verdict.state is ExpenseState.REJECTED for verdict in verdicts.values())


def _groups(ids: Sequence[ExpenseId], *, halve: bool) -> list[Sequence[ExpenseId]]:
    middle = (len(ids) + 1) // 2
    parts = (ids[:middle], ids[middle:]) if halve else (ids,)
    return [part for part in parts if part]


async def _blame_the_company(
    company: CompanyId, verdicts: dict[ExpenseId, Verdict], refusal: Refused, kit: Kit
) -> None:
    """Hold a company that refuses everything instead of rejecting its expenses one by one."""
    if not any(verdict.code == UNNAMED for verdict in verdicts.values()):
        return
    if await kit.journal.companies.ever_accepted(company):
        return
    if await kit.journal.drafts.count_rejected(company, UNNAMED) < ALL_REFUSED:
        return
    await kit.journal.drafts.unreject(company, UNNAMED)
    hint = "Check the flow and create_path settings and the company's configuration; its expenses are kept."
    if not kit.codat.flow.creates_datasets:
        hint = f'If this account takes datasets, set flow = "datasets" (or --flow datasets) and run again. {hint}'
    raise CompanyHeld(
        f"Codat refuses every expense of this company: {refusal.message}",
        code="everything_refused",
        hint=hint,
        correlation_id=refusal.correlation_id,
    )


async def isolate_started(company: CompanyId, drafts: Sequence[Draft], refusal: Refused, kit: Kit) -> bool:
    """Split those drafts of a refused start that the refusal is about; say whether anything changed.

    Where a start takes one draft only (the direct flow), the refusal is certainly about it.
    """
    changed = False
    for draft in drafts:
        contents = await kit.journal.drafts.contents(draft)
        whole = len(drafts) == 1 and not kit.codat.flow.creates_datasets
        verdicts = await _verdicts(company, contents.ids, refusal, kit, certain=whole)
        if not verdicts and not whole:
            continue
        changed = True
        kit.note(
            "draft_refused",
            company=company,
            draft=draft.no,
            judged=len(verdicts),
            rejected=_rejected(verdicts),
            message=refusal.message,
            correlation=refusal.correlation_id,
        )
        rest = [expense for expense in contents.ids if expense not in verdicts]
        await kit.journal.drafts.split(
            company,
            draft,
            groups=_groups(rest, halve=not verdicts),
            verdicts=verdicts,
            reason=refusal.message,
        )
        await _blame_the_company(company, verdicts, refusal, kit)
    return changed
