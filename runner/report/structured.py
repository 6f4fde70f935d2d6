"""The report as JSON: the same facts as the page's, for programs."""

from collections.abc import Iterator

from runner.domain.ids import CompanyId
from runner.domain.money import NOTHING, canonical
from runner.domain.states import ExpenseState, ReceiptState
from runner.journal.health_records import NO_FACTS, Health, InputFacts, RunFacts, SyncFacts, TroubleFacts
from runner.journal.records import CompanyBooks
from runner.report.accounting import ACCOUNTING, cause_of
from runner.report.catalog import entry_about, sync_meaning
from runner.report.commands import next_command
from runner.report.overview import causes_of, currency_lines, unbalanced, verdict
from runner.report.result_types.books import (
    CompanyMoney,
    ReportCause,
    ReportedCompany,
    ReportedCurrency,
    ReportedTrouble,
    ReportInput,
    ReportResult,
    ReportRun,
    ReportSync,
)
from runner.report.summary import expenses_json, holds_json, receipts_json, requests_json


def structured(health: Health, *, journal: str) -> ReportResult:
    """Return the report as plain values; amounts are decimal texts, times ISO 8601 in UTC."""
    found = verdict(health)
    return {
        "taken_at": health.taken_at,
        "company_id": health.company,
        "verdict": {"tone": found.tone.value, "headline": found.headline, "detail": found.detail},
        "balanced": not unbalanced(health.books),
        "expenses": expenses_json(health.books),
        "receipts": {**receipts_json(health.books), "missing": health.books.attachable},
        "row_errors": health.books.row_errors,
        "requests": requests_json(health.requests),
        "currencies": list(_currencies(health)),
        "causes": list(_causes(health, journal)),
        "companies": list(_companies(health)),
        "holds": [
            {**hold, "way_out": hold["hint"] or entry_about("company", hold["code"]).way_out}
            for hold in holds_json(health.books.holds)
        ],
        "attention": [_trouble(each, journal) for each in health.troubles.shown],
        "attention_left_out": health.troubles.left_out,
        "syncs": [_sync(each) for each in health.syncs.shown],
        "syncs_left_out": health.syncs.left_out,
        "inputs": [_input(each) for each in health.inputs.shown],
        "inputs_left_out": health.inputs.left_out,
        "runs": [_run(each) for each in health.runs],
        "posted": [{"at": second, "expenses": count} for second, count in health.times.posted],
        "attached": [{"at": second, "receipts": count} for second, count in health.times.attached],
    }


def _currencies(health: Health) -> Iterator[ReportedCurrency]:
    for line in currency_lines(health.books):
        states = {state: value for state, value in line.by_state.items() if value.count}
        yield {
            "currency": line.currency,
            "balanced": line.balanced,
            "accepted": {
                "expenses": line.accepted.count,
                "amount": canonical(line.accepted.amount) if health.amounts else None,
            },
            "expenses": {state.value: value.count for state, value in states.items()},
            "amounts": {state.value: canonical(value.amount) for state, value in states.items() if health.amounts},
        }


def _causes(health: Health, journal: str) -> Iterator[ReportCause]:
    for cause in causes_of(health, journal=journal):
        yield {
            "about": cause.about,
            "state": cause.state,
            "code": cause.code,
            "accounting": cause.accounting,
            "count": cause.count,
            "companies": cause.companies,
            "amounts": {currency: canonical(amount) for currency, amount in cause.amounts},
            "who": cause.entry.who.value,
            "meaning": cause.entry.meaning,
            "way_out": cause.entry.way_out,
            "command": cause.command,
        }


def _companies(health: Health) -> Iterator[ReportedCompany]:
    counts: dict[str, dict[str, int]] = {}
    amounts: dict[str, dict[str, CompanyMoney]] = {}
    for each in health.books.companies:
        if health.amounts:
            amounts.setdefault(each.company_id, {})[each.currency] = _money(each)
        states = counts.setdefault(each.company_id, {})
        for state, value in each.by_state.items():
            if value.count:
                states[state.value] = states.get(state.value, 0) + value.count
    holds = {hold.company_id: hold.code for hold in health.books.holds}
    for company in dict.fromkeys((*counts, *map(str, health.facts))):
        facts = health.facts.get(CompanyId(company), NO_FACTS)
        states = counts.get(company, {})
        if facts.broken:
            states[ExpenseState.REJECTED.value] = states.get(ExpenseState.REJECTED.value, 0) + facts.broken
        receipts = facts.receipts or {}
        yield {
            "company_id": company,
            "expenses": states,
            "row_errors": facts.row_errors,
            "receipts": {state.value: receipts[state] for state in ReceiptState if receipts.get(state)},
            "amounts": amounts.get(company, {}),
            "receipts_missing": facts.missing,
            "hold": holds.get(CompanyId(company)),
            "syncs": facts.syncs,
            "open_syncs": facts.open_syncs,
            "last_sync_at": facts.last_begun,
            "last_sync_code": facts.last_code,
        }


def _money(each: CompanyBooks) -> CompanyMoney:
    posted = each.by_state.get(ExpenseState.POSTED, NOTHING)
    return {"accepted": canonical(each.accepted.amount), "open": canonical(each.accepted.amount - posted.amount)}


def _trouble(each: TroubleFacts, journal: str) -> ReportedTrouble:
    accounting = cause_of(each.about, each.state, each.message)
    entry = entry_about(each.about, each.code) if accounting is None else ACCOUNTING[accounting]
    return {
        "about": each.about,
        "company_id": each.company_id,
        "expense_id": each.expense_id,
        "state": each.state,
        "code": each.code,
        "accounting": accounting,
        "message": each.message,
        "file": each.file,
        "line": each.line,
        "currency": each.currency,
        "amount": None if each.amount is None else canonical(each.amount),
        "sync_id": each.sync_id,
        "receipt": each.receipt,
        "date": each.date,
        "merchant": each.merchant,
        "reference": each.reference,
        "who": entry.who.value,
        "command": next_command(each.about, each.state, each.code, journal=journal, company=each.company_id),
    }


def _sync(each: SyncFacts) -> ReportSync:
    return {
        "company_id": each.company_id,
        "sync_id": each.sync_id,
        "state": each.state.value,
        "code": each.code,
        "meaning": None if each.code is None else sync_meaning(each.code),
        "error": each.error,
        "adopted": each.adopted,
        "begun_at": each.begun_at,
        "ended_at": each.ended_at,
        "expenses": each.expenses,
        "posted": each.posted,
        "run": each.run,
    }


def _input(each: InputFacts) -> ReportInput:
    return {
        "file": each.name,
        "sha256": each.sha256,
        "rows": each.rows,
        "repeated": each.repeated,
        "expenses": each.expenses,
        "mapping": each.mapping,
        "begun_at": each.begun_at,
        "staged_at": each.staged_at,
        "superseded": each.superseded,
        "run": each.run,
    }


def _run(each: RunFacts) -> ReportRun:
    return {
        "run": each.no,
        "purpose": each.purpose,
        "flow": each.flow,
        "started_at": each.started_at,
        "ended_at": each.ended_at,
        "exit_code": each.exit_code,
        "version": each.version,
        "requests": each.requests,
        "retried": each.retried,
        "rate_limited": each.rate_limited,
    }
