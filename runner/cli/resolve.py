"""`expense-runner resolve`: a person's word about what Codat will not tell."""

import asyncio
import getpass
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from runner import __version__
from runner.cli.options import DURATION, journal_option, json_option
from runner.cli.own_ids import meant
from runner.clock import SystemClock
from runner.domain.ids import CompanyId, SyncId
from runner.domain.money import added, canonical
from runner.domain.resolution import Answer, Kind
from runner.errors import ExitCode, RefusedToStart
from runner.journal.journal import Journal, require_journal, writing
from runner.journal.resolutions import Selection, Subject, Word
from runner.report.amounts import money
from runner.report.result_types.acts import ResolveResult
from runner.report.words import counted
from runner.resolving import Refused, Resolvable, select
from runner.resolving import resolve as say

_WORDS = {
    "posted": Answer.POSTED,
    "absent": Answer.ABSENT,
    "dismiss": Answer.DISMISSED,
    "attached": Answer.ATTACHED,
    "missing": Answer.MISSING,
    "dropped": Answer.DROPPED,
    "same": Answer.SAME,
    "other": Answer.OTHER,
}
_OF_RECEIPTS = {Answer.ATTACHED, Answer.MISSING}
_OF_INPUTS = {Answer.DROPPED, Answer.SAME, Answer.OTHER}
_QUESTION = re.compile(r"q([1-9][0-9]*\.[1-9][0-9]*)")
_FOLLOWS = {
    Answer.POSTED: "They count as posted by your word.",
    Answer.ABSENT: "They are sent again by the next run, after one more look.",
    Answer.DISMISSED: "They stay rejected, in the accounts, and ask for nobody any more.",
    Answer.ATTACHED: "They count as attached by your word.",
    Answer.MISSING: "They are uploaded again by the next run.",
    Answer.DROPPED: "What did not come in of them is not asked for any more.",
    Answer.SAME: "They are purchases that are known already: nothing more comes of these rows.",
    Answer.OTHER: "They are purchases of their own, and the next run sends them.",
}
_NAMED = 5
"""Things that are named with a reason for which something cannot be said of them."""


@click.command(
    epilog="Examples: `expense-runner resolve 6f1c… --posted --note 'looked up in Xero by Ann'`; `expense-runner "
    "resolve --sync ID --absent`; `expense-runner resolve --receipts 6f1c… --attached`; `expense-runner resolve "
    "--input cards.csv --dropped`; `expense-runner resolve --input cards-0214.csv --same`; `expense-runner resolve "
    "q3.17 --other`."
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@journal_option
@click.option("--posted", is_flag=True, help="It stands in the books: for expenses in doubt, and for failed ones.")
@click.option("--absent", is_flag=True, help="It is not in the books: for expenses in doubt, which are sent again.")
@click.option("--dismiss", is_flag=True, help="What was rejected will not come any more; say why with --note.")
@click.option("--receipts", is_flag=True, help="The receipts of these expenses are meant, with one of the next two.")
@click.option("--attached", is_flag=True, help="The receipts in doubt are attached.")
@click.option("--missing", is_flag=True, help="The receipts in doubt are not attached, and are uploaded again.")
@click.option("--input", "input_name", metavar="NAME", help="A file, as it was named, with one of the next three.")
@click.option("--dropped", is_flag=True, help="It was begun and is lost, or was refused: nothing more comes of it.")
@click.option("--same", is_flag=True, help="Rows that are asked about are purchases that are known already.")
@click.option("--other", is_flag=True, help="Rows that are asked about are purchases of their own, and come in.")
@click.option("--company", help="Only this company's; needed with ids that are the text of the CSV's id column.")
@click.option("--code", help="Only those with this code, such as unknown.")
@click.option("--sync", help="Only those whose last sync this is.")
@click.option(
    "--file",
    "id_file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with an id on each line.",
)
@click.option("--note", help="Why, such as 'looked up in Xero by Ann': kept for ever with who says it, and when.")
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@click.option(
    "--quiescence",
    type=DURATION,
    default=660.0,
    metavar="SECONDS",
    envvar="EXPENSE_RUNNER_QUIESCENCE",
    show_default=True,
    help="How long what was sent may still take effect: before that nothing is --absent or --missing.",
)
@json_option
def resolve(
    ids: tuple[str, ...], journal: Path, *, receipts: bool, yes: bool, as_json: bool, note: str | None, **options: Any
) -> int:
    """Say what Codat will not tell: whether expenses and receipts in doubt are in the books.

    Look into the books first: what you say is believed. Who says it (the user and host), when and why are kept for
    ever, and `show` tells it.
    """
    answer = _answer(options, receipts=receipts, note=note)
    named = _named(ids, options)
    asked = answer in {Answer.SAME, Answer.OTHER}
    selection = _selection([] if asked else named, options, questions=_questions(named) if asked else ())
    require_journal(journal)
    word = Word(_person(), os.uname().nodename, note)
    return asyncio.run(_resolve(journal, answer, selection, word, options, receipts=receipts, yes=yes, as_json=as_json))


def _answer(options: dict[str, Any], *, receipts: bool, note: str | None) -> Answer:
    given = [answer for name, answer in _WORDS.items() if options[name]]
    if len(given) != 1:
        raise click.UsageError(
            "Say one of --posted, --absent, --dismiss, --attached, --missing, --dropped, --same and --other."
        )
    answer = given[0]
    if (answer in _OF_RECEIPTS and not receipts) or (receipts and answer not in _OF_RECEIPTS | {Answer.DISMISSED}):
        raise click.UsageError("--receipts goes with --attached, --missing or --dismiss, and these two with it.")
    named = options["input_name"] is not None
    if (answer is Answer.DROPPED and not named) or (named and answer not in _OF_INPUTS):
        raise click.UsageError("--input NAME goes with --dropped, --same and --other.")
    if answer is Answer.DISMISSED and not note:
        raise click.UsageError("--dismiss needs a --note: why it will not come any more.")
    return answer


def _named(ids: tuple[str, ...], options: dict[str, Any]) -> list[str]:
    """Return all ids that are named, on the command line and in a file; raise `RefusedToStart` for an empty file."""
    named = list(ids)
    if (file := options["id_file"]) is not None:
        with click.open_file(str(file), encoding="utf-8-sig") as lines:
            named += [line.strip() for line in lines if line.strip()]
        if not named:
            raise RefusedToStart(f"{file} names nothing.", hint="It has an id on each line.")
    return named


def _questions(named: Sequence[str]) -> tuple[str, ...]:
    """Return what names questions, without the q before it; raise `UsageError` for what is none."""
    found = [_QUESTION.fullmatch(each.lower()) for each in named]
    for each, match in zip(named, found, strict=True):
        if match is None:
            raise click.UsageError(f"{each!r} is no question: these are called such as q3.17.")
    return tuple(match[1] for match in found if match is not None)


def _selection(named: Sequence[str], options: dict[str, Any], *, questions: tuple[str, ...]) -> Selection:
    company, sync = options["company"], options["sync"]
    if not (named or company or options["code"] or sync or options["input_name"] or questions):
        raise RefusedToStart(
            "Nothing is named.", hint="Name expenses by their ids, or with --file, --company, --code or --sync."
        )
    return Selection(
        tuple(meant(each, company=company) for each in named) or None,
        None if company is None else CompanyId(company),
        options["code"],
        None if sync is None else SyncId(sync),
        options["input_name"],
        questions,
    )


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


async def _resolve(  # noqa: PLR0913 - what the command line says
    path: Path,
    answer: Answer,
    selection: Selection,
    word: Word,
    options: dict[str, Any],
    *,
    receipts: bool,
    yes: bool,
    as_json: bool,
) -> int:
    clock = SystemClock()
    async with writing(path, clock) as journal:
        if await journal.runs.open_rebuild():
            raise RefusedToStart(
                "This journal is a copy, or a rebuild of it has not come to its end.",
                hint="Finish it: expense-runner verify --rebuild FILE…",
            )
        await journal.runs.begin(purpose="resolve", version=__version__, flow="datasets")
        found = await select(
            journal,
            answer,
            selection,
            clock=clock,
            quiescence=options["quiescence"],
            receipts=receipts,
        )
        if found.chosen:
            _ask(answer, found, yes=yes)
            await say(journal, answer, found.chosen, word)
        code = _code(found)
        await journal.runs.end(exit_code=code, requests=0, retried=0, rate_limited=0)
        by_hand = await _by_hand(journal, answer, found.chosen)
    _tell(answer, found, by_hand, word, journal=path, as_json=as_json)
    return int(code)


def _code(found: Resolvable) -> ExitCode:
    if not found.refused:
        return ExitCode.OK if found.chosen else ExitCode.REFUSED
    return ExitCode.WORK_REMAINS if found.chosen else ExitCode.REFUSED


def _ask(answer: Answer, found: Resolvable, *, yes: bool) -> None:
    """Ask for confirmation, with count and money; raise `RefusedToStart` where nobody can be asked, or says no."""
    question = f"{_sums(found.chosen)}: {answer}? {_FOLLOWS[answer]}"
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedToStart(
            f"Nobody can be asked here. {question}", hint="Nothing is changed. To say it in a script: --yes"
        )
    if not click.confirm(question, err=True):
        raise RefusedToStart("Nothing is changed.")


def _sums(subjects: Sequence[Subject]) -> str:
    kinds = Counter(each.kind for each in subjects)
    said = " and ".join(counted(count, _NAMES[kind]) for kind, count in kinds.items())
    amounts = [f"{money(amount, currency)} {currency}" for currency, amount in sorted(_amounts(subjects).items())]
    return f"{said} ({', '.join(amounts)})" if amounts else said


_NAMES = {
    Kind.EXPENSE: "expense",
    Kind.ROW: "expense that never came in",
    Kind.RECEIPT: "receipt",
    Kind.INPUT: "input",
    Kind.QUESTION: "row that is asked about",
}


def _amounts(subjects: Sequence[Subject]) -> dict[str, Decimal]:
    amounts: dict[str, Decimal] = {}
    for each in subjects:
        if each.kind in {Kind.EXPENSE, Kind.QUESTION} and each.currency is not None:
            amounts[each.currency] = added(amounts.get(each.currency, Decimal(0)), each.gross)
    return amounts


async def _by_hand(journal: Journal, answer: Answer, subjects: Sequence[Subject]) -> list[str]:
    """Return the receipts that a person must attach, because nothing tells in which sync their expenses stand."""
    if answer is not Answer.POSTED or not subjects:
        return []
    chosen = {each.named for each in subjects}
    found = await journal.resolutions.receipts(Selection(code="resolved"), Answer.ATTACHED)
    return [each.named for each in found if each.named.rpartition(" of ")[2] in chosen]


def _tell(answer: Answer, found: Resolvable, by_hand: list[str], word: Word, *, journal: Path, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_json(answer, found, by_hand, word)))
        return
    if not found.chosen and not found.refused:
        click.echo("Nothing is like that, of which it could be said. See: expense-runner status", err=True)
        return
    if found.chosen:
        click.echo(f"{_sums(found.chosen)}: {answer}, said by {word.person} at {word.host}. {_FOLLOWS[answer]}")
        if answer in {Answer.ABSENT, Answer.MISSING, Answer.OTHER}:
            click.echo(f"Go on with: expense-runner run --journal {journal}")
    for each in by_hand:
        click.echo(f"  to be attached by hand: {each}")
    if by_hand:
        click.echo("Then: expense-runner resolve --receipts ID --attached")
    reasons: dict[str, list[Refused]] = {}
    for refused in found.refused:
        reasons.setdefault(refused.reason, []).append(refused)
    for reason, those in reasons.items():
        names = ", ".join(each.subject.named for each in those[:_NAMED])
        more = f" and {len(those) - _NAMED:,} more" if len(those) > _NAMED else ""
        click.echo(f"Not said of {len(those):,} ({names}{more}): {reason}.", err=True)


def _json(answer: Answer, found: Resolvable, by_hand: list[str], word: Word) -> ResolveResult:
    return {
        "answer": answer,
        "person": word.person,
        "host": word.host,
        "note": word.note,
        "resolved": [{"kind": each.kind, "id": each.named, "company_id": each.company_id} for each in found.chosen],
        "amounts": {currency: canonical(amount) for currency, amount in sorted(_amounts(found.chosen).items())},
        "attach_by_hand": by_hand,
        "refused": [{"id": each.subject.named, "reason": each.reason} for each in found.refused],
    }
