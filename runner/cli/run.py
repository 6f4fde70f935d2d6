"""`expense-runner run`: the main job."""

from pathlib import Path
from typing import Any

import click

from runner.cli.inbox import inbox_options
from runner.cli.keys import read_credential
from runner.cli.limits import limit_options
from runner.cli.metrics_file import metrics_option, metrics_written
from runner.cli.notice_options import notice_options, read_notices
from runner.cli.options import (
    DURATION,
    check_journal_option,
    codat_options,
    input_options,
    journal_option,
    json_option,
    preflight_option,
)
from runner.cli.payloads import payloads_option
from runner.cli.session import conduct
from runner.cli.summary import print_report
from runner.cli.telling import telling
from runner.cli.webhooks import read_reception, webhook_option
from runner.codat.flows import Flow
from runner.domain.preflight import Preflight
from runner.intake.mapping.choose import read_mappings
from runner.intake.sources import find_sources
from runner.settings import RunSettings


@click.command(
    epilog="Examples: `expense-runner run expenses/` sends every CSV below the folder; `expense-runner run` goes on "
    "where the last run ended; `expense-runner run --json - < expenses.csv` reads standard input."
)
@click.argument("inputs", nargs=-1, metavar="[FILE|FOLDER|-]...")
@journal_option
@codat_options
@input_options
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=32,
    show_default=True,
    envvar="EXPENSE_RUNNER_CONCURRENCY",
    help="Companies at work at the same time.",
)
@click.option(
    "--poll-interval",
    type=DURATION,
    default=2.0,
    metavar="SECONDS",
    show_default=True,
    envvar="EXPENSE_RUNNER_POLL_INTERVAL",
    help="Before the first look at a sync; later ones are rarer.",
)
@click.option(
    "--wait",
    type=DURATION,
    default=3600.0,
    metavar="SECONDS",
    show_default=True,
    envvar="EXPENSE_RUNNER_WAIT",
    help="How long one sync is waited for; then a later run looks again.",
)
@click.option(
    "--quiescence",
    type=DURATION,
    default=None,
    metavar="SECONDS",
    envvar="EXPENSE_RUNNER_QUIESCENCE",
    help="After an unanswered start of a sync, how long it may still take effect. "
    "[default: the request timeout and 600 more]",
)
@click.option(
    "--syncs-in-flight",
    type=click.IntRange(1, 20),
    default=2,
    show_default=True,
    envvar="EXPENSE_RUNNER_SYNCS_IN_FLIGHT",
    help="Known syncs side by side for one company.",
)
@click.option(
    "--drafts-a-sync",
    type=click.IntRange(1, 100),
    default=40,
    show_default=True,
    envvar="EXPENSE_RUNNER_DRAFTS_A_SYNC",
    help="Datasets of up to 50 expenses in one sync.",
)
@click.option(
    "--auto-retry",
    type=click.IntRange(0, 10),
    default=0,
    show_default=True,
    envvar="EXPENSE_RUNNER_AUTO_RETRY",
    help="Send an expense that Codat failed to push again, so often, after one more look each time; also one that "
    "failed in an earlier run.",
)
@click.option(
    "--receipts-in-doubt",
    type=click.Choice(["skip", "retry"]),
    default="skip",
    show_default=True,
    envvar="EXPENSE_RUNNER_RECEIPTS_IN_DOUBT",
    help="What to do with receipts whose upload got no answer: list them, or risk attaching one twice.",
)
@click.option(
    "--reserve",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    envvar="EXPENSE_RUNNER_RESERVE",
    help="Requests of the daily quota to leave to your other programs.",
)
@click.option(
    "--max-pause",
    type=DURATION,
    default=300.0,
    metavar="SECONDS",
    show_default=True,
    envvar="EXPENSE_RUNNER_MAX_PAUSE",
    help="Codat asking for a longer pause ends the run (exit 75).",
)
@payloads_option
@check_journal_option
@limit_options
@inbox_options
@webhook_option
@click.option(
    "--max-errors",
    type=click.IntRange(0),
    default=None,
    envvar="EXPENSE_RUNNER_MAX_ERRORS",
    help="End the run (exit 5) once Codat has rejected more expenses than this.",
)
@click.option(
    "--strict", is_flag=True, envvar="EXPENSE_RUNNER_STRICT", help="Send nothing at all (exit 6) if any row is wrong."
)
@preflight_option
@metrics_option
@notice_options
@json_option
def run(inputs: tuple[str, ...], as_json: bool, **options: Any) -> int:  # noqa: FBT001 - click passes what is declared
    """Put the expenses of CSV files into their companies' books, each once, with their receipts.

    Running again is resuming: what an earlier run left open is taken up, with or without naming files. What is
    in the books is never sent again.
    """
    journal: Path = options["journal"]
    with (
        telling(read_notices(options, journal=journal)) as teller,
        metrics_written(options.pop("metrics_file"), journal) as metrics,
    ):
        settings = _settings(options)
        sources = find_sources(inputs) if inputs else []
        report = conduct(
            lambda app: metrics.during(app, app.run(settings, sources, at_end=teller.at_end)), quiet=as_json
        )
        print_report(report, journal=settings.journal, as_json=as_json)
    return int(report.exit_code)


def _settings(options: dict[str, Any]) -> RunSettings:
    journal: Path = options.pop("journal")
    options["flow"] = Flow(options["flow"])
    options["preflight"] = Preflight(options["preflight"])
    options["drop_payloads"] = options.pop("payloads") == "hash"
    options["mapping"] = read_mappings(options["mapping"])
    options["webhooks"] = read_reception(options["webhooks"])
    options["retry_receipts_in_doubt"] = options.pop("receipts_in_doubt") == "retry"
    return RunSettings(credential=read_credential(), journal=journal, **options)
