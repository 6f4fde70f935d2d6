"""The judge: what must be true of every history, whatever happened in it."""

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from runner.errors import AccountsDoNotBalance
from runner.journal.accounts import books_of
from runner.outcome import require_balance
from runner.simulator import FaultKind
from tests.scenarios.world.books import all_staged, company_id, content_of

if TYPE_CHECKING:
    import sqlite3

    from runner.journal.records import StagedExpense
    from tests.scenarios.world.history import History

_OPEN = """
SELECT EXISTS (SELECT 1 FROM expense WHERE state IN ('staged', 'sent'))
    OR EXISTS (SELECT 1 FROM sync WHERE state IN ('starting', 'running', 'finished'))
    OR EXISTS (SELECT 1 FROM company WHERE hold_code IS NOT NULL)
    OR EXISTS (SELECT 1 FROM receipt JOIN expense USING (expense_no)
               WHERE receipt.state = 'waiting' AND expense.state = 'posted')
    OR NOT EXISTS (SELECT 1 FROM input WHERE staged_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM expense JOIN draft USING (draft_no) JOIN sync USING (sync_no)
               WHERE expense.state = 'failed' AND retries < :auto_retry AND sync.state = 'judged')
"""

_INVARIANTS = {
    "a judged sync holds expenses that nothing was decided about": """
        SELECT count(*) FROM expense JOIN draft USING (draft_no) JOIN sync USING (sync_no)
        WHERE sync.state IN ('judged', 'void', 'forgotten') AND expense.state = 'sent'""",
    "a posted expense is tied to no sync": """
        SELECT count(*) FROM expense LEFT JOIN draft USING (draft_no) LEFT JOIN sync USING (sync_no)
        WHERE expense.state = 'posted' AND external = 0 AND coalesce(evidence_sync, sync.sync_id) IS NULL""",
    "an open draft holds nothing": """
        SELECT count(*) FROM draft WHERE state IN ('drafted', 'stored')
        AND NOT EXISTS (SELECT 1 FROM expense WHERE expense.draft_no = draft.draft_no AND state = 'staged')""",
    "a sync is not over, and nothing knows how it was started": """
        SELECT count(*) FROM sync WHERE state = 'starting'
        AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.sync_no = sync.sync_no AND kind = 'start')""",
}


def is_anything_open(connection: "sqlite3.Connection", *, auto_retry: int = 0) -> bool:
    """Say whether the journal still has something to do."""
    return bool(connection.execute(_OPEN, {"auto_retry": auto_retry}).fetchone()[0])


def may_stay_in_doubt(history: "History") -> bool:
    """Say whether all that is open are doubts that nobody could settle.

    Such is a start or a create without an answer, or an answer that could not be believed, where Codat lists a sync,
    unknown to the journal, that never shows a row.
    """
    connection, account = history.connection, history.service.account
    doubts = connection.execute(
        "SELECT company_no, company_id FROM company WHERE hold_code = 'id_repeated' OR EXISTS (SELECT 1 FROM sync"
        " WHERE sync.company_no = company.company_no AND state = 'starting')"
        " OR EXISTS (SELECT 1 FROM attempt JOIN draft USING (draft_no)"
        " WHERE attempt.company_no = company.company_no AND kind = 'create' AND outcome = 'unknown'"
        " AND draft.state = 'drafted')"
    ).fetchall()
    known = {row[0] for row in connection.execute("SELECT sync_id FROM sync WHERE sync_id IS NOT NULL")}
    for _, identifier in doubts:
        company = history.service.company(identifier)
        syncs = [account.syncs.find(company, each) for each in company.syncs if each not in known]
        if not any(sync.code is not None and not account.syncs.rows(sync, now=float("inf")) for sync in syncs):
            return False
    numbers = ",".join(str(number) for number, _ in doubts)
    others = connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM expense WHERE state IN ('staged', 'sent') AND company_no NOT IN ({numbers}))"
        f" OR EXISTS (SELECT 1 FROM sync WHERE state IN ('running', 'finished') AND company_no NOT IN ({numbers}))"
        " OR EXISTS (SELECT 1 FROM company WHERE hold_code <> 'id_repeated')"
    ).fetchone()[0]
    return bool(doubts) and not others


def judge(history: "History") -> Counter:
    """Compare the journal with the ledger; complain about everything that must not be. Returns states counted."""
    states = _expenses(history)
    states.update(_receipts(history))
    _no_two_syncs(history)
    if history.most_in_flight > 10:
        history.complain(f"{history.most_in_flight} requests of one company were in flight at once")
    for meaning, query in _INVARIANTS.items():
        if (count := history.connection.execute(query).fetchone()[0]) and not history.violations:
            history.complain(f"{meaning} ({count})")
    try:
        require_balance(books_of(history.connection))
    except AccountsDoNotBalance as error:
        history.complain(str(error))
    return states


def _expenses(history: "History") -> Counter:
    ledger = history.service.ledger
    known = {
        (company, expense): (state, code, bool(external))
        for company, expense, state, code, external in history.connection.execute(
            "SELECT company_id, expense_id, state, expense.code, external FROM expense JOIN company USING (company_no)"
        )
    }
    for key, count in ledger.doubled().items():
        history.complain(f"{key} stands {count} times in the books")
    states: Counter = Counter()
    input_ = all_staged(history.plan.companies)
    for staged in input_:
        state, code, external = known.pop((staged.company_id, staged.expense_id), (None, None, False))
        states[f"{state}{'_external' if external else ''}"] += 1
        if problem := _problem(history, staged, state, code):
            history.complain(f"{staged.company_id} {staged.expense_id} {problem}")
    if known:
        history.complain(f"the journal has expenses that nobody gave it: {sorted(known)[:3]}")
    if len(ledger.entries) > len(input_):
        history.complain("the books have more entries than there are expenses")
    return states


def _problem(history: "History", staged: "StagedExpense", state: str | None, code: str | None) -> str | None:
    """Say what is wrong with where an expense stands in the end, or nothing."""
    posted = history.service.ledger.postings_of(staged.company_id, staged.expense_id)
    match state:
        case "posted":
            same = posted and posted[0].gross == staged.gross and posted[0].currency == staged.currency
            return None if same else "is called posted, and does not stand in the books with its amount"
        case "rejected":
            return _rejected(history, code, posted)
        case "failed":
            hidden = history.plan.world.push_error_lands or not posted
            said = _last_status(history, staged) == "PushError"
            return None if hidden and said else "is called failed, and stands in the books or Codat does not say so"
        case "in_doubt":
            known = _last_status(history, staged) in {"Completed", "ValidationError", "PushError"}
            return "is called in doubt, and Codat could say what became of it" if known else None
        case "sent" | "staged" if history.in_doubt_for_good:
            return None
        case _:
            return None if history.violations else f"is {state} at the end"


_VALIDATION = frozenset({FaultKind.VALIDATION_ERROR})


def _rejected(history: "History", code: str | None, posted: list) -> str | None:
    if posted:
        return "is called rejected and stands in the books"
    if code == "validation_error":
        invalid = any(fault.kind in _VALIDATION for fault in history.plan.world.faults)
        return None if invalid else "is called invalid, and Codat never said so"
    return None if "400" in history.refused else f"is called refused ({code}), and nobody refused it"


def _last_status(history: "History", staged: "StagedExpense") -> str | None:
    """What the service's rows say of an expense: the best known of its syncs, Completed before all."""
    account = history.service.account
    company = history.service.company(staged.company_id)
    found = [
        item.status
        for identifier in company.syncs
        if not (sync := account.syncs.find(company, identifier)).forgotten
        for item in sync.items
        if item.transaction.id == staged.expense_id
    ]
    if "Completed" in found:
        return "Completed"
    return found[-1] if found else None


def _receipts(history: "History") -> Counter:
    counts = Counter((each.company, each.expense, each.sha256) for each in history.service.ledger.attachments)
    states: Counter = Counter()
    rows = history.connection.execute(
        "SELECT company_id, expense_id, path, receipt.state, expense.state, external, receipt.code,"
        " EXISTS (SELECT 1 FROM attempt WHERE attempt.receipt_no = receipt.receipt_no AND outcome IS NULL) FROM receipt"
        " JOIN expense USING (expense_no) JOIN company ON company.company_no = expense.company_no"
    )
    for company, expense, path, state, stands, external, code, cut_off in rows:
        name = f"the receipt of {company} {expense}"
        states[f"receipt_{state}"] += 1
        digest = hashlib.sha256(content_of(path)).hexdigest()
        there = counts.pop((company, expense, digest), 0)
        if there > 1 and not history.plan.retry_receipts_in_doubt:
            history.complain(f"{name} is attached {there} times")
        disturbed = any(f"/transactions/{expense}/" in each for each in history.disturbed)
        if state == "attached" and not there:
            history.complain(f"{name} is called attached and is not there")
        if state == "rejected" and (there or not disturbed):
            history.complain(f"{name} is called rejected ({code}), attached {there} times")
        if state == "in_doubt" and not (disturbed or cut_off or external or code == "resolved"):
            history.complain(f"{name} is called in doubt, and nothing ever happened to it")
        if state == "waiting" and stands == "posted" and not (history.violations or history.in_doubt_for_good):
            history.complain(f"{name} still waits at the end")
    if counts:
        history.complain(f"files are attached that are no receipts of theirs: {list(counts)[:3]}")
    return states


def _no_two_syncs(history: "History") -> None:
    """No expense may be in two syncs that can both run: Codat would not protect them from one another."""
    if any(kind.startswith("twice") for kind, _ in history.hit):
        return
    account = history.service.account
    for number in range(len(history.plan.companies)):
        identifier = company_id(number)
        company = account.companies.get(identifier)
        if company is None:
            continue
        syncs = [account.syncs.find(company, each) for each in company.syncs]
        ends: dict[str, float] = {}
        for sync in syncs:
            end = float("inf") if sync.finished_at is None else sync.finished_at
            for item in sync.items:
                if ends.get(item.transaction.id, 0.0) > sync.accepted_at:
                    history.complain(f"{identifier} {item.transaction.id} was in two syncs at once")
                ends[item.transaction.id] = end
