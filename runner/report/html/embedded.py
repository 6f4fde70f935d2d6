"""The tables' data as the page's script reads them: rows of numbers and texts, each text only once."""

import json
from collections.abc import Hashable
from typing import Any

from runner.domain.ids import CompanyId
from runner.domain.states import ExpenseState, ReceiptState, SyncState
from runner.journal.health_records import NO_FACTS, Health, TroubleFacts
from runner.report.accounting import ACCOUNTING, cause_of
from runner.report.amounts import at, money, seconds_between
from runner.report.catalog import entry_about, sync_meaning
from runner.report.commands import COMPANY, next_command
from runner.report.html.markup import clean
from runner.report.overview import STATES


class _Interned:
    """Gives each value a number, the same one each time."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[Hashable, int] = {}

    def place(self, value: Hashable) -> int:
        found = self._places.get(value)
        if found is None:
            found = self._places[value] = len(self.values)
            self.values.append(value)
        return found

    def text(self, value: str | None) -> int:
        return -1 if not value else self.place(clean(value))


def embedded(health: Health, *, journal: str, live: bool) -> str:
    """Return the data as JSON that is safe inside of a script element."""
    texts, causes, companies = _Interned(), _Interned(), _Interned()
    rows = _companies(health, companies, texts)
    data = {
        "states": [state.value for state in STATES],
        "companies": rows,
        "syncs": [_sync(health, number, companies, texts) for number in range(len(health.syncs.shown))],
        "items": [_item(each, companies, causes, texts) for each in health.troubles.shown],
        "causes": [_cause(*cause, journal=journal) for cause in causes.values],
        "codes": {str(code): sync_meaning(code) for code in _codes(health)},
        "syncStates": [state.value for state in SyncState],
        "texts": texts.values,
        "left": {"items": health.troubles.left_out, "syncs": health.syncs.left_out},
        "journal": clean(journal),
        "live": live,
    }
    return escaped(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def _codes(health: Health) -> list[int]:
    last = {facts.last_code for facts in health.facts.values()}
    return sorted(code for code in {*last, *(sync.code for sync in health.syncs.shown)} if code)


def escaped(text: str) -> str:
    """Return JSON in which nothing can end the element it stands in."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _companies(health: Health, companies: _Interned, texts: _Interned) -> list[list[Any]]:
    counts: dict[CompanyId, list[int]] = {}
    amounts: dict[CompanyId, list[list[str]]] = {}
    for each in health.books.companies:
        own = counts.setdefault(each.company_id, [0] * len(STATES))
        for state, value in each.by_state.items():
            own[STATES.index(state)] += value.count
        posted = each.by_state.get(ExpenseState.POSTED)
        left = each.accepted.amount - (posted.amount if posted else 0)
        line = [each.currency, money(each.accepted.amount, each.currency), money(left, each.currency) if left else ""]
        amounts.setdefault(each.company_id, []).extend([line] if health.amounts else [])
    holds = {hold.company_id: hold for hold in health.books.holds}
    rows = []
    for company in dict.fromkeys((*counts, *health.facts, *holds)):
        facts, hold = health.facts.get(company, NO_FACTS), holds.get(company)
        own = counts.get(company, [0] * len(STATES))
        own[STATES.index(ExpenseState.REJECTED)] += facts.broken
        receipts = facts.receipts or {}
        bad = facts.missing + sum(receipts.get(s, 0) for s in (ReceiptState.REJECTED, ReceiptState.IN_DOUBT))
        companies.place(company)
        rows.append([
            clean(company), own, amounts.get(company, []), bad, sum(receipts.values()), facts.syncs,
            facts.last_code or 0, _epoch(facts.last_begun),
            [] if hold is None else [hold.code, texts.text(hold.message), texts.text(_way_out(hold)),
                                    _epoch(hold.held_at)],
        ])  # fmt: skip
    return rows


def _way_out(hold: Any) -> str:  # noqa: ANN401 - a hold as the journal has it
    return str(hold.hint or entry_about("company", hold.code).way_out)


def _epoch(iso: str | None) -> int:
    return 0 if iso is None else int(at(iso).timestamp())


def _sync(health: Health, number: int, companies: _Interned, texts: _Interned) -> list[Any]:
    sync = health.syncs.shown[number]
    took = seconds_between(sync.begun_at, sync.ended_at)
    return [
        companies.place(sync.company_id), sync.sync_id or "", _epoch(sync.begun_at),
        -1 if took is None else round(max(0.0, took), 1), sync.code or 0, list(SyncState).index(sync.state),
        sync.expenses, sync.posted, texts.text(sync.error), int(sync.adopted),
    ]  # fmt: skip


def _item(each: TroubleFacts, companies: _Interned, causes: _Interned, texts: _Interned) -> list[Any]:
    return [
        -1 if each.company_id is None else companies.place(each.company_id),
        causes.place((each.about, each.state, each.code, cause_of(each.about, each.state, each.message))),
        clean(each.expense_id or ""), texts.text(each.message), texts.text(each.file), each.line,
        "" if each.amount is None else money(each.amount, each.currency or ""), each.currency or "",
        texts.text(each.receipt),
    ]  # fmt: skip


def _cause(about: str, state: str, code: str, accounting: str | None, *, journal: str) -> list[Any]:
    entry = entry_about(about, code) if accounting is None else ACCOUNTING[accounting]
    command = next_command(about, state, code, journal=clean(journal), company=COMPANY)
    return [about, state, clean(code), entry.who.value, entry.meaning, entry.way_out, command or "", accounting or ""]
