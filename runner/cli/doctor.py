"""`expense-runner doctor`: what stands in the way of a run, and what to do about it."""

import asyncio
import json
import shutil
import sys
import textwrap
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from runner.cli.keys import keep_secret, key_sources
from runner.cli.options import account_options, flow_option, journal_option, json_option
from runner.clock import SystemClock
from runner.codat.credential import Credential
from runner.codat.flows import Flow
from runner.codat.key_sources import KeySources, find_key
from runner.codat.messages import Transport
from runner.doctor import account, connection, machine, units
from runner.doctor import journal as journal_checks
from runner.doctor.examination import examine, exit_code_of
from runner.doctor.findings import Finding, Level, well
from runner.listing import companies_of
from runner.report.result_types.acts import DoctorCheck
from runner.report.words import counted

if TYPE_CHECKING:
    from runner.codat.transport import HttpTransport

_TIMEOUT: Final = 20.0
"""Seconds that one request may take."""
_COLOURS: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}
_INDENT: Final = " " * 23
_NARROWEST: Final = 60


@click.command(epilog="Example: `sudo -u expenses expense-runner doctor` as the user that runs it every night.")
@journal_option
@account_options
@flow_option
@json_option
def doctor(journal: Path, base_url: str, flow: str, *, as_json: bool) -> int:
    """Look for what stands in the way of a run: key, network, account, journal, disk, units.

    Only looks, with few requests, and works without a key and without a journal. Exit code 0 if there is no problem,
    else what a run would end with because of the first one; warnings do not change it.
    """
    found: list[Finding] = []

    async def all_of_them() -> None:
        async with aclosing(_examine(journal, base_url, Flow(flow), key_sources())) as findings:
            async for each in findings:
                found.append(each)
                if not as_json:
                    _show(each)

    asyncio.run(all_of_them())
    code = exit_code_of(found)
    if as_json:
        click.echo(json.dumps({"exit_code": int(code), "checks": [_json(each) for each in found]}))
    else:
        click.echo(f"\n{_verdict(found)}")
    return int(code)


async def _examine(path: Path, base_url: str, flow: Flow, sources: KeySources) -> AsyncGenerator[Finding, None]:
    clock = SystemClock()
    asked, folders = account.Asked(), units.usual_folders()
    async with AsyncExitStack() as stack:
        keys: list[Credential] = []
        wire: list[Transport] = []

        async def find() -> Sequence[Finding]:
            found = await find_key(sources)
            keep_secret(found)
            keys.append(found)
            return [well("key", f"Found in {found.source}.")]

        async def reached() -> Sequence[Finding]:
            found = await connection.reached(base_url)
            # Without a way there nothing is asked: that would fail again, and say less well why.
            if keys and not exit_code_of(found):
                wire.append(await stack.enter_async_context(_transport(base_url, keys[0])))
            return found

        async def accepted() -> Sequence[Finding]:
            return await account.accepted(wire[0], asked, clock=clock) if wire else []

        async def spoken() -> Sequence[Finding]:
            return await account.spoken_flow(wire[0], asked, flow=flow) if wire else []

        async def companies() -> Sequence[Finding]:
            return await account.connected_companies(asked, await companies_of(path, clock))

        async def last_run() -> Sequence[Finding]:
            return await journal_checks.last_run(path, clock, scheduled=bool(units.timers_in(folders)))

        checks = (
            ("versions", machine.versions),
            ("extras", machine.extras),
            ("key", find),
            ("api", reached),
            ("key_accepted", accepted),
            ("clock", partial(account.same_time, asked)),
            ("companies", companies),
            ("flow", spoken),
            ("journal", partial(journal_checks.file, path)),
            ("lock", partial(journal_checks.lock, path)),
            ("integrity", partial(journal_checks.soundness, path, clock)),
            ("disk", partial(machine.disk, path)),
            ("units", partial(units.units, folders)),
            ("last_run", last_run),
        )
        async with aclosing(examine(checks)) as findings:
            async for each in findings:
                yield each


def _transport(base_url: str, credential: Credential) -> "HttpTransport":
    # Here, because it loads the HTTP client, which help needs not.
    from runner.codat.transport import HttpTransport  # noqa: PLC0415

    return HttpTransport(
        base_url=base_url, credential=credential, connect_timeout=connection.PATIENCE, total_timeout=_TIMEOUT
    )


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level:<9}", fg=_COLOURS[finding.level])
    click.echo(f"{level}{finding.check:<14}{_wrapped(finding.message)}")
    if finding.fix:
        click.echo(f"{_INDENT}{_wrapped(finding.fix)}")


def _wrapped(text: str) -> str:
    """Return the text in lines as wide as the terminal, or in one where there is none."""
    if not sys.stdout.isatty():
        return text
    width = max(_NARROWEST, shutil.get_terminal_size().columns) - len(_INDENT)
    return f"\n{_INDENT}".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))


def _json(finding: Finding) -> DoctorCheck:
    return {
        "check": finding.check,
        "level": finding.level.value,
        "message": finding.message,
        "fix": finding.fix,
        "exit_code": int(finding.exit_code),
    }


def _verdict(found: Sequence[Finding]) -> str:
    problems, warnings = (sum(each.level is level for each in found) for level in (Level.PROBLEM, Level.WARNING))
    if not problems and not warnings:
        return "Nothing stands in the way of a run."
    said = [counted(count, noun) for count, noun in ((problems, "problem"), (warnings, "warning")) if count]
    return f"{', '.join(said)}. {'Mend the first problem first.' if problems else 'A run would work.'}"
