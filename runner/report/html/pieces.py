"""Pieces that both pages are made of."""

from collections.abc import Iterable, Sequence

from runner.domain.money import NOTHING, Sum
from runner.domain.states import ExpenseState
from runner.journal.records import Books
from runner.report.amounts import money
from runner.report.html.markup import Child, Html, tag
from runner.report.overview import STATES, Verdict, currency_lines

NAMES = {state: state.value.replace("_", " ") for state in ExpenseState}
"""States as a person reads them."""


def section(name: str, title: str, *content: Child, intro: str | None = None) -> Html:
    """Return a part of the page with its heading, which names it for who cannot see it."""
    heading = tag("h2", title, id=f"{name}-title")
    lead = tag("p", intro, class_="intro") if intro else None
    return tag("section", heading, lead, *content, id=name, aria_labelledby=f"{name}-title")


def table(caption: str, head: Sequence[Child], rows: Iterable[Sequence[Child]], *, numbers: Iterable[int] = ()) -> Html:
    """Return a table whose first column names the row; `numbers` are the columns that hold numbers."""
    right = frozenset(numbers)

    def cell(place: int, content: Child) -> Html:
        kind = "number" if place in right else None
        return tag("th", content, scope="row", class_=kind) if place == 0 else tag("td", content, class_=kind)

    titles = (tag("th", each, scope="col", class_="number" if n in right else None) for n, each in enumerate(head))
    lines = (tag("tr", [cell(place, content) for place, content in enumerate(row)]) for row in rows)
    inner = tag("table", tag("caption", caption), tag("thead", tag("tr", list(titles))), tag("tbody", list(lines)))
    return tag("div", inner, class_="scroll", tabindex=0, role="region", aria_label=caption)


def banner(verdict: Verdict) -> Html:
    """Return the one sentence that says how everything stands."""
    dot = tag("span", "", class_="dot", aria_hidden="true")
    return tag(
        "div",
        dot,
        tag("p", tag("strong", verdict.headline), " ", verdict.detail),
        class_=f"verdict {verdict.tone.value}",
        role="status",
    )


def share_bar(books: Books) -> Html:
    """Return one bar that is divided as the expenses are by state."""
    total = books.total
    if not total:
        return Html("")
    parts, left = [], 0.0
    for state in STATES:
        if count := books.count(state):
            width = 1000 * count / total
            label = f"{NAMES[state]}: {count:,} ({count / total:.1%})"
            # Never thinner than the eye sees: a few expenses in doubt among a million are what matters most.
            shown = max(width, 4.0)
            rect = tag("title", label)
            x = min(left, 1000 - shown)
            parts.append(
                tag("rect", rect, x=f"{x:.2f}", y=0, width=f"{shown:.2f}", height=16, class_=f"fill-{state.value}")
            )
            left += width
    words = ", ".join(f"{books.count(state):,} {NAMES[state]}" for state in STATES if books.count(state))
    return tag(
        "svg", *parts, viewBox="0 0 1000 16", preserveAspectRatio="none", class_="share", role="img", aria_label=words
    )


def accounts_table(books: Books, *, amounts: bool = True) -> Html:
    """Return the accounting identity: by currency, what was accepted and where all of it stands."""
    lines = currency_lines(books)
    used = [state for state in STATES if any(line.by_state.get(state, NOTHING).count for line in lines)]
    head = ("Currency", *(NAMES[state] for state in used), "all states", "accepted", "")
    rows = [
        (
            line.currency,
            *(_both(line.by_state.get(state, NOTHING), line.currency, amounts=amounts) for state in used),
            _both(line.standing, line.currency, amounts=amounts),
            _both(line.accepted, line.currency, amounts=amounts),
            tag("span", "✓ equal" if line.balanced else "✗ differ", class_="good" if line.balanced else "bad"),
        )
        for line in lines
    ]
    return table("Expenses by currency: number and money in each state", head, rows, numbers=range(1, len(used) + 3))


def _both(value: Sum, currency: str, *, amounts: bool) -> Html:
    if not value.count:
        return tag("span", "–", class_="none")
    amount = tag("small", money(value.amount, currency)) if amounts else None
    return tag("span", tag("b", value.count), " ", amount, class_="both")
