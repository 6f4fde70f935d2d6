"""`expense-runner verify`: the journal beside what Codat says."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from runner.app import VerifyReport
from runner.cli.keys import read_credential
from runner.cli.options import (
    DURATION,
    check_journal_option,
    codat_options,
    input_options,
    journal_option,
    json_option,
)
from runner.cli.session import conduct
from runner.codat.flows import Flow
from runner.domain.money import canonical
from runner.domain.states import ExpenseState
from runner.errors import RefusedToStart
from runner.intake.mapping.choose import read_mappings
from runner.intake.sources import find_sources, find_workbooks
from runner.report.result_types.books import VerifyResult
from runner.report.summary import hold_lines, holds_json
from runner.report.words import counted
from runner.settings import RunSettings
from runner.steps.verifying import Findings

_SHOWN = 10

_BY_JOURNAL: Final[Mapping[ExpenseState, str]] = {
    ExpenseState.POSTED: "posted, by the journal alone",
    ExpenseState.SENT: "sent, in syncs that have not ended",
    ExpenseState.STAGED: "not sent yet",
    ExpenseState.HELD: "not sent, because the company is held",
    ExpenseState.REJECTED: "rejected: a person must change the row",
    ExpenseState.FAILED: "failed: not taken by the accounting software; may be sent again",
    ExpenseState.IN_DOUBT: "in doubt",
}
_NOTHING_TO_COMPARE: Final[Mapping[ExpenseState, str]] = {
    **_BY_JOURNAL,
    ExpenseState.POSTED: "posted on the word of Codat's duplicate guard; no sync that lists them was found",
}
"""An expense in these states stands nowhere at Codat as completed."""


@click.command(
    epilog="Examples: `expense-runner verify` compares all companies; `expense-runner verify --rebuild expenses/` "
    "makes a lost journal again, before anything else is sent."
)
@click.argument("inputs", nargs=-1, metavar="[FILE|FOLDER]...")
@journal_option
@codat_options
@input_options
@click.option("--company", "companies", multiple=True, help="Only this company; may be given several times.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Read all syncs again, not only those since the last comparison of the company that agreed.",
)
@click.option(
    "--rebuild",
    is_flag=True,
    help="The journal is lost, or older than reality (restored from a copy): learn from the CSV files and from Codat "
    "alone what stands where. Waits until the quiescence time is over; nothing is sent.",
)
@click.option(
    "--others-posted",
    is_flag=True,
    help="With --rebuild: posted expenses that no file explains are another program's.",
)
@click.option(
    "--quiescence",
    type=DURATION,
    default=None,
    metavar="SECONDS",
    envvar="EXPENSE_RUNNER_QUIESCENCE",
    help="How long a request that got no answer may still take effect. [default: the request timeout and 600 more]",
)
@click.option("--concurrency", type=click.IntRange(1, 1000), default=32, show_default=True, help="Companies at a time.")
@check_journal_option
@json_option
def verify(
    inputs: tuple[str, ...],
    companies: tuple[str, ...],
    *,
    everything: bool,
    rebuild: bool,
    others_posted: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Compare the journal with what Codat says, expense by expense, and repair the journal where it knew less.

    Of each company, the syncs since its last comparison that agreed are read; with --all every one.

    Tells expenses that are posted here and absent there, posted there more than once, posted there and unknown
    here, and those in doubt. Nothing is sent. Exit code 0 if both sides agree, 7 if anything is left to look at.
    """
    if inputs and not rebuild:
        raise RefusedToStart(
            "verify reads no files.", hint="Files belong to verify --rebuild, which makes a journal again."
        )
    if others_posted and not rebuild:
        raise click.UsageError("--others-posted goes with --rebuild.")
    options["flow"] = Flow(options["flow"])
    options["mapping"] = read_mappings(options["mapping"])
    settings = RunSettings(credential=read_credential(), **options)
    sources = (find_sources(inputs) if inputs else []) if rebuild else None
    _warn_of_workbooks(inputs, settings.journal)
    report = conduct(
        lambda app: app.verify(
            settings, companies=companies, rebuild=sources, everything=everything, others_posted=others_posted
        ),
        quiet=as_json,
    )
    if as_json:
        click.echo(json.dumps(_json(report)))
    else:
        _print(report, settings.journal)
    return int(report.exit_code)


def _warn_of_workbooks(inputs: tuple[str, ...], journal: Path) -> None:
    left_out = find_workbooks(inputs)
    if left_out:
        named = shlex.join([*inputs, *left_out])
        click.echo(
            f"{counted(len(left_out), 'workbook')} in these folders will not be read: of a folder only *.csv counts. "
            "What a run has staged from a workbook has to be named, or a later run would send it again:\n"
            f"  expense-runner verify --rebuild --journal {shlex.quote(str(journal))} {named}",
            err=True,
        )


def _json(report: VerifyReport) -> VerifyResult:
    return {
        "exit_code": int(report.exit_code),
        "companies": [
            {
                "company_id": each.company_id,
                "agrees": each.agrees,
                "unread": each.unread,
                "expenses": each.expenses,
                "agreed": {c: {"count": s.count, "amount": canonical(s.amount)} for c, s in each.agreed.items()},
                "earlier": {c: {"count": s.count, "amount": canonical(s.amount)} for c, s in each.earlier.items()},
                "settled": {c: {"count": s.count, "amount": canonical(s.amount)} for c, s in each.settled.items()},
                "missing": [*each.missing],
                "doubled": [*each.doubled],
                "unknown": [*each.unknown],
                "in_doubt": [*each.in_doubt],
                "sync_unknown": [*each.sync_unknown],
                "absent": [*each.absent],
                "rest": {state.value: each.rest[state] for state in ExpenseState if each.rest.get(state)},
            }
            for each in report.findings
        ],
        "holds": holds_json(report.holds),
    }


def _print(report: VerifyReport, journal: Path) -> None:
    if report.stop is not None:
        click.echo(f"Stopped: {report.stop.message}", err=True)
    for each in report.findings:
        for line in _lines(each):
            click.echo(line)
    if report.holds:
        click.echo("\nCompanies that are held:")
        for line in hold_lines(report.holds):
            click.echo(line)
    if report.stop is None and not report.holds and all(each.agrees for each in report.findings):
        click.echo("Both sides agree.")
    if any(len(each.in_doubt) > len(each.absent) for each in report.findings):
        click.echo(
            "\nStill in doubt: Codat calls them pending, or the quiescence time after their sync is not over. "
            "Verify again later; or look into the books, then: "
            f"expense-runner resolve --journal {journal} ID… --posted, or --absent"
        )
    if any(each.absent for each in report.findings):
        click.echo(f"\nTo send the absent ones again: expense-runner retry --in-doubt --journal {journal}")


def _lines(each: Findings) -> list[str]:
    lines = [f"{each.company_id}: {counted(each.expenses, 'expense')}"]
    if each.unread:
        return [*lines, f"  could not be compared: {each.unread}", *_rest_lines(each, _BY_JOURNAL)]
    for words, sums in (
        ("posted, both say", each.agreed),
        ("posted, both said when they were compared", each.earlier),
        ("found in the books; the journal was repaired", each.settled),
    ):
        lines += [f"  {total.count:>8,}  {words} ({total.amount:,.2f} {currency})" for currency, total in sums.items()]
    for words, ids in (
        ("posted here, listed as completed nowhere at Codat: look into the books", each.missing),
        ("completed by more than one sync: doubled in the books, remove one by hand", each.doubled),
        ("completed at Codat and not known here: sent by somebody else", each.unknown),
        ("in doubt", each.in_doubt),
        ("of these sent in a sync that Codat does not know for this company", each.sync_unknown),
        ("of these searched for in vain: certain not to be listed by Codat", each.absent),
    ):
        if ids:
            lines.append(f"  {len(ids):>8,}  {words}: {', '.join(ids[:_SHOWN])}{' …' if len(ids) > _SHOWN else ''}")
    return [*lines, *_rest_lines(each, _NOTHING_TO_COMPARE)]


def _rest_lines(each: Findings, words: Mapping[ExpenseState, str]) -> list[str]:
    return [f"  {each.rest[state]:>8,}  {said}" for state, said in words.items() if each.rest.get(state)]
