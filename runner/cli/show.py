"""`expense-runner show`: the whole story of one expense."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from runner.cli.options import journal_option, json_option
from runner.clock import SystemClock
from runner.domain.identity import named_id
from runner.domain.ids import CompanyId, ExpenseId, is_uuid
from runner.errors import RefusedToStart
from runner.journal.journal import Journal, reading
from runner.journal.story import Story


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
    if is_uuid(expense):
        wanted = ExpenseId(expense.lower())
    elif company is not None:
        wanted = named_id(CompanyId(company), expense)
    else:
        raise RefusedToStart(
            f"{expense!r} is no UUID.", hint="Name the company as well, with --company: the id is made of both."
        )
    with reading(journal, SystemClock()) as opened:
        stories = asyncio.run(_stories(opened, wanted))
    if company is not None:
        stories = [story for story in stories if story["company_id"] == company]
    if not stories:
        raise RefusedToStart(
            f"No expense {wanted} in this journal.", hint="Look for its id with: expense-runner status"
        )
    if as_json:
        click.echo(json.dumps(stories))
    else:
        for story in stories:
            click.echo("\n".join(_lines(story)))
    return 0


async def _stories(journal: Journal, expense: ExpenseId) -> list[Story]:
    return await journal.stories.of(expense)


def _lines(story: Story) -> Iterator[str]:
    yield f"Expense {story['expense_id']} of company {story['company_id']}"
    yield f"  {story['amount']} {story['currency']}, from {story['file']} line {story['line']} ({story['rows']} row(s))"
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
