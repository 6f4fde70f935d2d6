"""`expense-runner companies`: which companies the account has, and how they are connected."""

import json
from collections import Counter
from contextlib import aclosing
from pathlib import Path

import click

from runner.app import App
from runner.cli.keys import read_credential
from runner.cli.options import account_options, journal_option, json_option
from runner.cli.session import conduct
from runner.errors import ExitCode, OutcomeUnknown, RequestError
from runner.listing import ListedCompany, companies_of, listed
from runner.report.result_types.acts import CompanyLine
from runner.report.words import counted
from runner.settings import RunSettings
from runner.stack import connected, governor_for


@click.command(epilog="Example: `expense-runner companies --unlinked` names those whose expenses would be held.")
@journal_option
@account_options
@click.option(
    "--linked/--unlinked", default=None, help="Only those whose accounting software is connected, or only the others."
)
@json_option
def companies(journal: Path, base_url: str, *, linked: bool | None, as_json: bool) -> int:
    """List the companies at Codat, and those of the journal that Codat does not list: one line each, as they come.

    Each with its id, how its accounting connection stands, the platform, and its name. Needs no journal.
    """
    settings = RunSettings(credential=read_credential(), journal=journal, base_url=base_url)
    counts: Counter[str] = Counter()

    async def show_all(app: App) -> None:
        known = await companies_of(journal, app.clock)
        governor = governor_for(settings, clock=app.clock, since_previous=None)
        async with (
            connected(settings, governor, clock=app.clock, draining=app.draining, counts=app.counts) as codat,
            aclosing(listed(codat, known)) as found,
        ):
            async for each in found:
                if linked is None or linked is _is_linked(each):
                    counts[_status(each)] += 1
                    click.echo(json.dumps(_json(each)) if as_json else _line(each))

    try:
        conduct(show_all, quiet=True)
    except RequestError as error:
        hint = "What was listed is right; ask again for the rest." if isinstance(error, OutcomeUnknown) else None
        click.echo(f"Error: {error.message}", err=True)
        click.echo(f"  {hint or 'Look with: expense-runner doctor'}", err=True)
        return int(ExitCode.WORK_REMAINS)
    if not as_json:
        click.echo(_total(counts), err=True)
    return int(ExitCode.OK)


def _is_linked(company: ListedCompany) -> bool:
    return company.info is not None and bool(company.info.linked)


def _status(company: ListedCompany) -> str:
    if company.info is None:
        return "not at Codat"
    return company.info.connection or "no connection"


def _line(company: ListedCompany) -> str:
    info = company.info
    facts = ["", ""] if info is None else [info.platform or "", info.name or ""]
    return f"{company.company_id:<36}  {_status(company):<13}  {facts[0]:<22}  {facts[1]}".rstrip()


def _json(company: ListedCompany) -> CompanyLine:
    info = company.info
    return {
        "company_id": company.company_id,
        "name": None if info is None else info.name,
        "connection": None if info is None else info.connection,
        "linked": _is_linked(company),
        "platform": None if info is None else info.platform,
        "at_codat": info is not None,
        "in_journal": company.in_journal,
    }


def _total(counts: Counter[str]) -> str:
    states = ", ".join(f"{count:,} {state}" for state, count in counts.most_common())
    return f"{counted(counts.total(), 'company')}{': ' if states else '.'}{states}"
