"""The report as Markdown: for a ticket, a mail or a terminal."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from runner.journal.health_records import Health
from runner.report.amounts import moment, money, moneys, seconds_between
from runner.report.catalog import sync_meaning
from runner.report.html.markup import clean
from runner.report.overview import MEANING, STATES, causes_of, currency_lines, unbalanced, verdict
from runner.report.words import counted, lasting

_MOST: Final = 200
"""Lines of one table; the rest is counted. The page and the JSON hold more."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")
_BREAKS = re.compile(r"[\r\n\t]+")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


def markdown(health: Health, *, journal: str) -> str:
    """Return the whole report of all companies; what others wrote cannot become markup."""
    return "\n".join(_lines(health, journal)) + "\n"


def _lines(health: Health, journal: str) -> Iterator[str]:
    found = verdict(health)
    yield "# Where the expenses stand"
    yield f"\n**{found.headline}** {found.detail}"
    yield f"\nJournal {_code(journal)}, as it stood at {moment(health.taken_at)} UTC."
    yield f"\n## {counted(health.books.total, 'expense')}\n"
    yield from as_table(
        ("State", "Expenses", "Meaning"),
        [
            (state.value, f"{health.books.count(state):,}", MEANING[state])
            for state in STATES
            if health.books.count(state)
        ],
    )
    if health.books.receipts:
        parts = [f"{count:,} {state.value.replace('_', ' ')}" for state, count in sorted(health.books.receipts.items())]
        missing = f"; {health.books.attachable:,} missing at posted expenses" if health.books.attachable else ""
        yield f"\nReceipts: {', '.join(parts)}{missing}."
    yield from _causes(health, journal)
    yield from _accounts(health)
    yield from _attention(health)
    yield from _syncs(health)
    yield from _inputs(health)


def _causes(health: Health, journal: str) -> Iterator[str]:
    yield "\n## What needs somebody"
    causes = causes_of(health, journal=journal)
    if not causes:
        yield "\nNothing does."
    for cause in causes:
        much = counted(cause.companies, "company") if cause.about == "company" else f"{cause.count:,} × {cause.about}"
        money_ = f" ({moneys(cause.amounts, most=4)})" if cause.amounts else ""
        codes = ", ".join(_code(code) for code in (cause.code, cause.accounting) if code)
        yield f"\n- **{much} {cause.state.replace('_', ' ')}: {codes}**{money_}. {cause.entry.meaning}"
        yield f"  {cause.entry.who.value}: {cause.entry.way_out}"
        if cause.command:
            yield f"  {_code(cause.command)}"


def _accounts(health: Health) -> Iterator[str]:
    lines = currency_lines(health.books)
    yield "\n## Accounts\n"
    wrong = unbalanced(health.books)
    yield f"{counted(wrong, 'company')} do not balance.\n" if wrong else "Every expense stands in exactly one state.\n"
    rows = [
        (
            line.currency,
            *(
                f"{value.count:,}" + f": {money(value.amount, line.currency)}" * health.amounts
                for value in (line.accepted, line.standing)
            ),
            ", ".join(f"{value.count:,} {state.value}" for state, value in line.by_state.items() if value.count),
            "yes" if line.balanced else "**no**",
        )
        for line in lines
    ]
    yield from as_table(("Currency", "Accepted", "All states", "Where", "Equal"), rows)


def _attention(health: Health) -> Iterator[str]:
    troubles = health.troubles
    if not troubles.total:
        return
    yield "\n## Expenses, rows and receipts that need attention\n"
    rows = [
        (
            each.company_id or "",
            f"{each.about} {each.state}",
            each.code,
            f"{money(each.amount, each.currency)} {each.currency}" if each.amount is not None and each.currency else "",
            f"{each.file}, line {each.line}",
            " ".join(part for part in (each.expense_id, each.receipt, each.message) if part),
        )
        for each in troubles.shown[:_MOST]
    ]
    yield from as_table(("Company", "What", "Cause", "Amount", "Where", "Which"), rows, written=True)
    yield from left_out(troubles.total - len(rows))


def _syncs(health: Health) -> Iterator[str]:
    rows = [
        (each.company_id, each.sync_id or "", moment(each.begun_at), _took(each.begun_at, each.ended_at),
         "" if each.code is None else f"{each.code}: {sync_meaning(each.code)}",
         f"{each.posted:,} of {each.expenses:,}")
        for each in sorted(health.syncs.shown, key=lambda sync: sync.is_well)[:_MOST]
    ]  # fmt: skip
    if rows:
        yield "\n## Syncs\n\nThose that did not go well first.\n"
        yield from as_table(("Company", "Sync", "Started (UTC)", "Took", "Status", "Posted"), rows, written=True)
        yield from left_out(health.syncs.total - len(rows))


def _took(begun: str, ended: str | None) -> str:
    seconds = seconds_between(begun, ended)
    return "not ended" if seconds is None else lasting(seconds)


def _inputs(health: Health) -> Iterator[str]:
    rows = [
        (
            each.name,
            "" if each.rows is None else f"{each.rows:,}",
            f"{each.expenses:,}",
            moment(each.staged_at),
            each.sha256 or "",
        )
        for each in health.inputs.shown[:_MOST]
    ]
    if rows:
        yield "\n## Inputs\n"
        yield from as_table(("File", "Rows", "New expenses", "Read (UTC)", "SHA-256"), rows, written=True)
        yield from left_out(health.inputs.total - len(rows))


def left_out(count: int) -> Iterator[str]:
    """Say how many lines a table is without."""
    if count > 0:
        yield f"\n… and {count:,} more."


def as_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, written: bool = False) -> Iterator[str]:
    """Write a table; `written` says that others wrote what is in it."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(as_text(cell) if written else cell for cell in row)} |"


def as_text(text: str) -> str:
    """Return a text in which nothing is markup, breaks a line or turns the direction of writing."""
    text = _DIRECTION.sub("\ufffd", clean(_BREAKS.sub(" ", text)))
    return _SPECIAL.sub(r"\\\1", text).replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")


def _code(text: str) -> str:
    """Return a text as code, which a backtick in it cannot end."""
    text = _BREAKS.sub(" ", clean(text))
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"
