"""`expense-runner retry`: put expenses back to be sent by the next run."""

import asyncio
import json
from pathlib import Path

import click

from runner import __version__
from runner.cli.options import journal_option, json_option
from runner.cli.own_ids import meant
from runner.clock import SystemClock
from runner.domain.ids import CompanyId
from runner.domain.states import ExpenseState
from runner.errors import ExitCode, RefusedToStart
from runner.journal.journal import require_journal, writing
from runner.journal.resends import Candidate
from runner.meant import company_meant
from runner.report.result_types.acts import RetryResult
from runner.report.words import counted


@click.command(
    epilog="Examples: `expense-runner retry` puts back all that failed; `expense-runner retry --code push_error "
    "--company ID`; `expense-runner retry --in-doubt` after `expense-runner verify`."
)
@journal_option
@click.option("--company", help="Only this company's.")
@click.option("--code", help="Only those with this code, such as push_error.")
@click.option(
    "--id", "expense", help="Only the expense with this id; with --company also the text of the CSV's id column."
)
@click.option("--in-doubt", is_flag=True, help="Also those in doubt that verify has searched for in the books in vain.")
@click.option(
    "--rejected",
    is_flag=True,
    help="Also rejected ones, where the fault was not the row's: a mapping, a tax "
    "rate or an account that has been mended in the accounting software since.",
)
@json_option
def retry(
    *,
    journal: Path,
    company: str | None,
    code: str | None,
    expense: str | None,
    in_doubt: bool,
    rejected: bool,
    as_json: bool,
) -> int:
    """Put failed expenses back to be sent by the next run, which looks once more where they were before.

    A failed expense may stand in the books all the same: a timeout behind Codat looks like a failure. That is
    why nothing is sent again by itself.
    """
    chosen, left = asyncio.run(_retry(journal, company, code, expense, in_doubt=in_doubt, rejected=rejected))
    again: list[str] = [each.expense_id for each in left if each.sendable]
    unchecked = len(left) - len(again)
    if as_json:
        result: RetryResult = {
            "staged_again": [each.expense_id for each in chosen],
            "not_verified": unchecked,
            "came_again": again,
        }
        click.echo(json.dumps(result))
        return int(ExitCode.OK)
    click.echo(f"{counted(len(chosen), 'expense')} will be sent again by: expense-runner run --journal {journal}")
    if unchecked:
        click.echo(
            f"{unchecked:,} in doubt are left alone, because no verify has found them absent for certain yet: "
            f"expense-runner verify --journal {journal}"
        )
    if again:
        click.echo(
            f"{len(again):,} rejected are left alone, because an expense that means the same has come in since by "
            f"another file, the first of them {again[0]}. If it is another purchase: expense-runner retry --journal "
            f"{journal} --rejected --id {again[0]}; if not: expense-runner resolve --journal {journal} {again[0]} "
            "--dismiss --note …"
        )
    return int(ExitCode.OK)


async def _retry(
    path: Path, company: str | None, code: str | None, expense: str | None, *, in_doubt: bool, rejected: bool
) -> tuple[list[Candidate], list[Candidate]]:
    """Put back what may be sent; return that, and what is left alone. Who names an expense has looked at it."""
    require_journal(path)
    async with writing(path, SystemClock()) as journal:
        await journal.runs.begin(purpose="retry", version=__version__, flow="datasets")
        if company is not None:
            company = await company_meant(journal, company)
        found = await journal.resends.candidates(
            company=None if company is None else CompanyId(company),
            code=code,
            expense=None if expense is None else meant(expense, company=company),
        )
        if not found and (company or code or expense):
            raise RefusedToStart(
                "No failed, rejected or doubtful expense is like that.",
                hint="List what there is with: expense-runner errors",
            )
        states = {ExpenseState.FAILED}
        states |= {ExpenseState.REJECTED} if rejected else set()
        states |= {ExpenseState.IN_DOUBT} if in_doubt else set()
        named = [each for each in found if each.state in states]
        chosen = [each for each in named if each.sendable and (expense is not None or not each.came_again)]
        await journal.resends.stage_again(chosen)
        await journal.runs.end(exit_code=ExitCode.OK, requests=0, retried=0, rate_limited=0)
        staged = {each.place for each in chosen}
        return chosen, [each for each in named if each.place not in staged]
