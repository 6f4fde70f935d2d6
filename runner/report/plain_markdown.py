"""The page about one company as Markdown, for its bookkeeper: plain words, no commands, nobody else's data."""

from collections.abc import Iterator, Sequence

from runner.journal.health_records import Health, TroubleFacts
from runner.report.addressed import groups, numbers, plain_verdict
from runner.report.amounts import moment, money
from runner.report.markdown import as_table, as_text, left_out
from runner.report.overview import STATES, currency_lines
from runner.report.plain import STATES as PLAIN
from runner.report.plain import happened, to_do
from runner.report.words import counted


def plain_markdown(health: Health) -> str:
    """Return the whole page; what others wrote cannot become markup.

    Raises `ValueError` where the facts are not of one company alone.
    """
    if health.company is None:
        raise ValueError("a letter is about one company")
    return "\n".join(_lines(health, health.company)) + "\n"


def _lines(health: Health, company: str) -> Iterator[str]:
    found = plain_verdict(health)
    yield "# Your expenses, and where they stand"
    yield f"\nCompany {as_text(company)}, as of {moment(health.taken_at)} UTC."
    yield f"\n**{found.headline}** {found.detail}"
    yield f"\n## {counted(health.books.total, 'expense')}\n"
    yield from as_table(("Expenses and receipts", "Number"), [(words, f"{n:,}") for words, n in numbers(health)])
    for hold in health.books.holds:
        yield "\n## Your connection needs somebody"
        yield f"\n**{happened('company', hold.code)}** Since {moment(hold.held_at)} UTC."
        yield f"\n{to_do('company', hold.code)}"
        yield "\nWe keep your expenses and send them as soon as it works again: you need not tell us."
    yield from _groups(health, "What we ask you to look at", ours=False)
    yield from left_out(health.troubles.left_out)
    yield from _groups(health, "What we settle ourselves", ours=True)
    yield from _accounts(health)
    yield from _files(health)


def _groups(health: Health, title: str, *, ours: bool) -> Iterator[str]:
    for place, group in enumerate(groups(health, ours=ours)):
        if not place:
            yield f"\n## {title}"
        yield f"\n### {group.headline}\n\n{group.to_do}\n"
        yield from _listed(group.about, group.found)


def _listed(about: str, found: Sequence[TroubleFacts]) -> Iterator[str]:
    if about == "row":
        rows = [(f"{each.file}, line {each.line}", each.message or "") for each in found]
        yield from as_table(("Where", "What is wrong"), rows, written=True)
        return
    head = ("Date", "Merchant", "Amount", "Reference", "What was said", "Where it came from", "Our number")
    yield from as_table(head, [_described(each) for each in found], written=True)


def _described(each: TroubleFacts) -> tuple[str, ...]:
    told = (
        "" if each.amount is None or each.currency is None else f"{money(each.amount, each.currency)} {each.currency}"
    )
    words = ": ".join(part for part in (each.receipt, each.message) if part)
    place = f"{each.file}, line {each.line}"
    date = (each.date or "")[:10]
    return date, each.merchant or "", told, each.reference or "", words, place, each.expense_id or ""


def _accounts(health: Health) -> Iterator[str]:
    if not health.books.companies:
        return
    yield "\n## By currency\n\nHow many, and how much, as we received them and where all of it stands now.\n"
    rows = []
    for line in currency_lines(health.books):
        parts = [("received", line.accepted), *((PLAIN[s], line.by_state[s]) for s in STATES if s in line.by_state)]
        rows += [
            (line.currency, words, f"{value.count:,}", money(value.amount, line.currency) if health.amounts else "")
            for words, value in parts
        ]
    yield from as_table(("Currency", "Where", "Expenses", "Amount"), rows)


def _files(health: Health) -> Iterator[str]:
    if health.inputs.shown:
        yield "\n## Files with your expenses\n"
        rows = [
            (each.name, f"{each.expenses:,}", moment(each.staged_at or each.begun_at)) for each in health.inputs.shown
        ]
        yield from as_table(("File", "New expenses of yours", "Read (UTC)"), rows, written=True)
