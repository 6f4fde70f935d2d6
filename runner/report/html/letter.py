"""The page about one company, for its bookkeeper: plain words, no scripts, nobody else's data."""

from collections.abc import Sequence

from runner.journal.health_records import Health, TroubleFacts
from runner.report.addressed import groups, numbers, plain_verdict
from runner.report.amounts import moment, money
from runner.report.html.frame import frame
from runner.report.html.markup import Child, Html, said, tag
from runner.report.html.pieces import accounts_table, banner, section, share_bar, table
from runner.report.plain import happened, to_do
from runner.report.words import counted


def letter(health: Health) -> str:
    """Return the whole page; raises `ValueError` where the facts are not of one company alone."""
    if health.company is None:
        raise ValueError("a letter is about one company")
    return frame(
        f"Your expenses: {health.company}",
        tag(
            "header",
            tag("h1", "Your expenses, and where they stand"),
            tag("p", "Company ", tag("code", said(health.company)), f", as of {moment(health.taken_at)} UTC.",
                class_="about"),
        ),
        tag("main", banner(plain_verdict(health)), _totals(health), _hold(health), _open(health), _ours(health),
            _accounts(health), _files(health), id="main"),
        tag("footer", tag("p", "This page loads nothing from anywhere, and holds the data of this company alone.")),
    )  # fmt: skip


def _totals(health: Health) -> Html:
    told = table("How many", ("Expenses and receipts", "Number"), numbers(health), numbers=(1,))
    return section("totals", counted(health.books.total, "expense"), share_bar(health.books), told)


def _hold(health: Health) -> Html | None:
    if not health.books.holds:
        return None
    (hold,) = health.books.holds
    return section(
        "hold",
        "Your connection needs somebody",
        tag("p", tag("b", happened("company", hold.code)), f" Since {moment(hold.held_at)} UTC."),
        tag("p", to_do("company", hold.code)),
        tag(
            "p", "We keep your expenses and send them as soon as it works again: you need not tell us.", class_="intro"
        ),
    )


def _open(health: Health) -> Html | None:
    parts = _grouped(health, ours=False)
    left = health.troubles.left_out
    if left:
        parts.append(tag("p", f"{left:,} more are not listed here.", class_="note"))
    return section("open", "What we ask you to look at", *parts) if parts else None


def _ours(health: Health) -> Html | None:
    parts = _grouped(health, ours=True)
    return section("ours", "What we settle ourselves", *parts) if parts else None


def _grouped(health: Health, *, ours: bool) -> list[Html]:
    parts = []
    for group in groups(health, ours=ours):
        parts += [tag("h3", group.headline), tag("p", group.to_do), _listed(group.about, group.found)]
    return parts


def _listed(about: str, found: Sequence[TroubleFacts]) -> Html:
    if about == "row":
        rows = [(_place(each), said(each.message)) for each in found]
        return table("Rows that could not be read", ("Where", "What is wrong"), rows)
    head: tuple[Child, ...] = (
        "Date",
        "Merchant",
        "Amount",
        "Reference",
        "What was said",
        "Where it came from",
        "Our number",
    )
    dated = any(each.date or each.merchant for each in found)
    rows_: list[tuple[Child, ...]] = []
    for each in found:
        amount = (
            ""
            if each.amount is None or each.currency is None
            else f"{money(each.amount, each.currency)} {each.currency}"
        )
        words = (
            [said(each.receipt), ": " if each.message else "", said(each.message)]
            if each.receipt
            else said(each.message)
        )
        described: tuple[Child, ...] = (
            tag("span", (each.date or "")[:10], class_="nowrap"),
            said(each.merchant),
            amount,
            said(each.reference),
        )
        row: tuple[Child, ...] = described if dated else (amount,)
        rows_.append((*row, words, _place(each), tag("code", said(each.expense_id), class_="nowrap")))
    return table(
        "Receipts" if about == "receipt" else "Expenses",
        head if dated else ("Amount", *head[4:]),
        rows_,
        numbers=(2,) if dated else (0,),
    )


def _place(each: TroubleFacts) -> list[Child]:
    return [said(each.file), f", line {each.line}"]


def _accounts(health: Health) -> Html | None:
    if not health.books.companies:
        return None
    return section("accounts", "By currency", accounts_table(health.books, amounts=health.amounts),
                   intro="How many, and how much, as we received them and where all of it stands now.")  # fmt: skip


def _files(health: Health) -> Html | None:
    if not health.inputs.shown:
        return None
    rows = [(said(each.name), each.expenses, moment(each.staged_at or each.begun_at)) for each in health.inputs.shown]
    return section("inputs", "Files with your expenses",
                   table("Files", ("File", "New expenses of yours", "Read (UTC)"), rows, numbers=(1,)))  # fmt: skip
