"""`expense-runner show`: the whole story of one expense."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from runner.cli.options import journal_option, json_option
from runner.cli.own_ids import meant
from runner.clock import SystemClock
from runner.domain.ids import ExpenseId
from runner.errors import RefusedToStart
from runner.journal.journal import Journal, reading
from runner.journal.records import OpenRowError
from runner.journal.story import Story
from runner.report.amounts import money
from runner.report.summary import row_error_lines
from runner.report.words import counted

_WRONG = 20
"""Errors of one expense's rows that are told."""


@click.command(
    epilog="Example: `expense-runner show 6f1c…` with the id as status, the report or the ledger name it, or with the "
    "text of the CSV's id column and --company."
)
@click.argument("expense")
@click.option("--company", help="The company, where EXPENSE is the text of the CSV's id column.")
@journal_option
@json_option
def show(expense: str, company: str | None, journal: Path, *, as_json: bool) -> int:
    """Tell one expense's whole story: its rows, each attempt, dataset, sync, status, receipts, times."""
    with reading(journal, SystemClock()) as opened:
        owner = None if company is None else asyncio.run(opened.companies.named(company, wrong_rows=True)) or company
        wanted = meant(expense, company=owner)
        stories, wrong = asyncio.run(_found(opened, wanted))
    if owner is not None:
        stories = [story for story in stories if story["company_id"] == owner]
        wrong = [each for each in wrong if each.company_id == owner]
    if not stories:
        raise _nothing_of(expense if expense == wanted else f"{expense!r} ({wanted})", wrong)
    if as_json:
        click.echo(json.dumps(stories))
    else:
        for story in stories:
            click.echo("\n".join(_lines(story)))
    return 0


async def _found(journal: Journal, expense: ExpenseId) -> tuple[list[Story], list[OpenRowError]]:
    return await journal.stories.of(expense), await journal.stories.wrong_rows(expense, limit=_WRONG)


def _nothing_of(named: str, wrong: list[OpenRowError]) -> RefusedToStart:
    if not wrong:
        return RefusedToStart(
            f"No expense {named} in this journal.", hint="Look for its id with: expense-runner status"
        )
    lines = "\n".join(row_error_lines(wrong, total=len(wrong)))
    return RefusedToStart(
        f"No expense {named} was let into this journal, because its row is wrong:\n{lines}",
        hint="Correct the row, keep its id, and run with the corrected file.",
    )


def _lines(story: Story) -> Iterator[str]:
    yield f"Expense {story['expense_id']} of company {story['company_id']}"
    rows = counted(story["rows"], "row")
    amount = money(Decimal(story["amount"]), story["currency"])
    yield f"  {amount} {story['currency']}, from {story['file']} line {story['line']} ({rows})"
    yield f"  stands: {story['state']}" + (f" [{story['code']}] {story['message']}" if story["code"] else "")
    if story["external"]:
        yield f"  posted outside this journal, found in sync {story['evidence_sync'] or 'unknown'}"
    elif story["evidence_sync"]:
        yield f"  completed in sync {story['evidence_sync']}"
    for draft in story["drafts"]:
        yield f"  draft {draft['draft']}: dataset {draft['dataset_id'] or '-'}, sync {draft['sync_id'] or '-'}"
        if draft["sync_no"] is not None:
            yield f"    sync {draft['sync_state']}, code {draft['status_code'] or '-'}{_said(draft['error'])}"
            times = (f"{word} {draft[f'{word}_at'] or '-'}" for word in ("begun", "finished", "judged"))
            yield f"    {', '.join(times)}"
    for each in story["attempts"]:
        yield f"  {each['first_sent_at']} {each['kind']}: {each['outcome'] or 'no outcome recorded'}{_facts(each)}"
    for each in story["receipts"]:
        yield f"  receipt {each['path']}: {each['state']} {each['attachment_id'] or ''}{_said(each['message'])}"
    for each in story["events"]:
        yield f"  {each['at']} {each['kind']}{_said(each['detail'])}"


def _said(text: str | None) -> str:
    return f": {text}" if text else ""


def _facts(attempt: dict[str, Any]) -> str:
    facts = [
        f"sent {attempt['sends']} times" if attempt["sends"] > 1 else "",
        f"HTTP {attempt['http_status']}" if attempt["http_status"] else "",
        attempt["detail"] or "",
        f"correlation id {attempt['correlation_id']}" if attempt["correlation_id"] else "",
    ]
    said = ", ".join(fact for fact in facts if fact)
    return f" ({said})" if said else ""
