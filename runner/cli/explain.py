"""`expense-runner explain`: what a code means and the way out, offline."""

import json

import click

from runner.cli.options import json_option
from runner.errors import RefusedToStart
from runner.report.catalog import all_codes, explain
from runner.report.result_types.books import Explanation


@click.command(
    "explain",
    epilog="Examples: `expense-runner explain push_error`, `expense-runner explain 5080`, "
    "`expense-runner explain 'The account period has closed'`.",
)
@click.argument("code", required=False)
@json_option
def explain_code(code: str | None, *, as_json: bool) -> int:
    """Say what a code of ours or one of Codat's sync codes means, who can fix it, and how; without a code, list all.

    A message of the accounting software, in quotation marks, is explained as well where it is one of the usual ones.
    """
    if code is None:
        click.echo(json.dumps(all_codes()) if as_json else "\n".join(all_codes()))
        return 0
    found = explain(code)
    if not found:
        raise RefusedToStart(
            f"There is no code {code!r}, and it is no message of the usual kinds.",
            hint="List all codes with: expense-runner explain",
        )
    if as_json:
        entries: list[Explanation] = [
            {"about": kind, "meaning": each.meaning, "who": each.who.value, "way_out": each.way_out}
            for kind, each in found
        ]
        click.echo(json.dumps(entries))
        return 0
    for kind, entry in found:
        click.echo(f"{code} ({kind}): {entry.meaning}")
        click.echo(f"  {entry.who.value}: {entry.way_out}")
    return 0
