"""`expense-runner man`: the manual page, made from what click knows of the commands."""

import inspect
import re
from collections.abc import Iterator
from typing import Final, cast

import click

from runner import __version__
from runner.errors import ExitCode

EXIT_STATUS: Final = {
    ExitCode.OK: "Every expense is posted, or there was nothing to do.",
    ExitCode.INTERNAL: "An internal error, a journal that could not be written any more, accounts that do not "
    "balance, a rule that `journal check` found broken, or a file that could not be written.",
    ExitCode.USAGE: "The command line is wrong.",
    ExitCode.REJECTED: "Finished; rows, expenses or receipts are rejected, or failed for good.",
    ExitCode.WORK_REMAINS: "Finished for now: companies are held, syncs still run, failures may be retried, or a file "
    "was not read to its end.",
    ExitCode.MAX_ERRORS: "Stopped by `--max-errors`.",
    ExitCode.REFUSED: "Nothing was sent: strict mode met wrong rows, the input or the journal cannot be used, a "
    "rebuild is unfinished.",
    ExitCode.IN_DOUBT: "An expense or a receipt is in doubt; for `verify`: the sides differ, or a company could not be "
    "read.",
    ExitCode.JOURNAL_LOCKED: "Another run holds the journal; the message names its process, host and start.",
    ExitCode.BUDGET: "A quota, a limit of the run such as `--until`, a pause longer than `--max-pause`, or the "
    "account's limit (402). Run again at the printed time.",
    ExitCode.KEY_REFUSED: "Codat does not know the key (401).",
    ExitCode.CONFIGURATION: "A setting is wrong; the message names it.",
    ExitCode.INTERRUPTED: "SIGINT: what was in flight is recorded.",
    ExitCode.TERMINATED: "SIGTERM: what was in flight is recorded.",
}
"""What each exit code means: the words of the manual page, and of the reference."""

_ENVIRONMENT: Final = (
    ("CODAT_API_KEY", "The API key: the raw key, or the ready-made header value."),
    ("CODAT_API_KEY_FILE", "A file that holds the key; goes before CODAT_API_KEY. Only its owner may read it."),
    ("CREDENTIALS_DIRECTORY", "Set by systemd: codat-api-key in it goes before all other places of the key."),
    ("CODAT_WEBHOOK_SECRET", "Verifies Codat's webhooks."),
    ("CODAT_WEBHOOK_AUTHORIZATION", "Verifies webhooks of legacy rules."),
    ("EXPENSE_RUNNER_NOTIFY_AUTHORIZATION", "The Authorization header that the webhook of notices is sent."),
    ("EXPENSE_RUNNER_UVLOOP", "0 keeps to asyncio's event loop even where uvloop is installed."),
)
_FILES: Final = (
    ("expense-runner.db", "The journal. Keep it: it protects from sending anything twice."),
    ("expense-runner.toml", "Settings, read from the current folder unless --config names another file."),
)


@click.command("man", epilog="Example: `expense-runner man > expense-runner.1`, then `man ./expense-runner.1`.")
@click.pass_context
def man(context: click.Context) -> int:
    """Print the manual page."""
    click.echo(manual_page(cast("click.Group", context.find_root().command)), nl=False)
    return 0


def manual_page(root: click.Group) -> str:
    """Return the manual page of a program and all its commands, as roff in UTF-8."""
    return "\n".join([*_page(root), ""])


def _page(root: click.Group) -> Iterator[str]:
    context = click.Context(root, info_name="expense-runner", max_content_width=1000)
    yield f'.TH EXPENSE-RUNNER 1 "" "expense-runner {__version__}" "User Commands"'
    first, *rest = _paragraphs(root)
    yield from (".SH NAME", rf"expense\-runner \- {_escaped(first[0].lower() + first[1:].rstrip('.'))}")
    yield from (".SH SYNOPSIS", r".B expense\-runner", r"[\fIoptions\fR] \fIcommand\fR [\fIarguments\fR]")
    yield from (".SH DESCRIPTION", *_text([first, *rest]))
    yield from (
        ".SH OPTIONS",
        "They stand before the command. The program and every command have \\fB\\-\\-help\\fR, \\fB\\-h\\fR for short.",
    )
    yield from _options(root, context)
    yield ".SH COMMANDS"
    for command, words in _commands(root, context, "expense-runner"):
        yield from _command(command, words)
    yield ".SH EXIT STATUS"
    yield from _terms((str(int(code)), meaning) for code, meaning in EXIT_STATUS.items())
    yield ".SH ENVIRONMENT"
    yield "Options that can be set in the environment name their variables above. A flag counts before the environment,"
    yield "the environment before the configuration file. Besides:"
    yield from _terms(_ENVIRONMENT)
    yield ".SH FILES"
    yield from _terms(_FILES)
    yield from (".SH SEE ALSO", ".BR systemd.time (7),", ".BR systemd.exec (5)")


def _commands(group: click.Group, context: click.Context, words: str) -> Iterator[tuple[click.Command, str]]:
    """Give every command with what is typed for it; of a group its own ones."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, context, f"{words} {name}")
        elif command is not None:
            yield command, f"{words} {name}"


def _command(command: click.Command, words: str) -> Iterator[str]:
    context = click.Context(command, info_name=words, max_content_width=1000)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f".SS {_escaped(words)}", rf"\fB{_escaped(words)}\fR {_escaped(usage)}", ".PP")
    yield from _text(_paragraphs(command))
    yield from _options(command, context)
    if command.epilog:
        yield from (".PP", *_text([_one_line(command.epilog)]))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    # Without `--help`: every command has it, and which names it has hangs on how the command was come to.
    for parameter in command.params:
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            yield from _terms([(record[0], _one_line(record[1]))])


def _paragraphs(command: click.Command) -> list[str]:
    """Return a command's help in paragraphs; one that is indented, such as an example, stays so."""
    text = inspect.cleandoc((command.help or "").split("\f")[0]).replace("\b\n", "")
    return [each.rstrip() for each in re.split(r"\n\s*\n(?! *\n)", text) if each.strip()]


def _text(paragraphs: list[str]) -> Iterator[str]:
    for number, paragraph in enumerate(paragraphs):
        if paragraph.startswith(" "):
            lines = (_guarded(_escaped(line.strip())) for line in paragraph.splitlines())
            yield from (".PP", ".RS 4", ".nf", *lines, ".fi", ".RE")
        else:
            yield from ([".PP"] if number else [])
            yield _guarded(_escaped(_one_line(paragraph)))


def _terms(terms: Iterator[tuple[str, str]] | list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, meaning in terms:
        yield from (".TP", rf"\fB{_escaped(term)}\fR", _guarded(_escaped(_one_line(meaning))))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """Return a text as roff writes it: backslashes and hyphens are signs of its own."""
    return text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga").replace("'", r"\(aq")


def _guarded(line: str) -> str:
    """Return a line that roff does not take for a request because of how it begins."""
    return rf"\&{line}" if line.startswith(".") else line
