"""The page about all companies: what a team opens in the morning."""

from collections.abc import Iterator
from typing import Final

from runner import __version__
from runner.domain.states import ExpenseState, ReceiptState
from runner.errors import ExitCode
from runner.journal.health_records import Health, InputFacts, RunFacts
from runner.report.amounts import listed, moment, moneys, seconds_between
from runner.report.chart import charts
from runner.report.html.drawing import drawing
from runner.report.html.embedded import embedded
from runner.report.html.frame import frame
from runner.report.html.markup import Child, Html, said, tag
from runner.report.html.pieces import NAMES, accounts_table, banner, section, share_bar, table
from runner.report.overview import MEANING, STATES, Cause, causes_of, currency_lines, unbalanced, verdict
from runner.report.summary import requests_words
from runner.report.words import counted, lasting

_WHO: Final = {
    "fix-data": "whoever made the rows",
    "fix-mapping": "whoever decides accounts and settings",
    "reconnect-company": "the company's owner",
    "wait": "whoever runs expense-runner",
    "decide": "whoever knows the purchases",
    "ask-codat": "Codat's support",
}
_PARTS: Final = (
    ("causes", "What needs somebody"),
    ("time", "Over time"),
    ("companies", "Companies"),
    ("attention", "Expenses"),
    ("syncs", "Syncs"),
    ("accounts", "Accounts"),
    ("inputs", "Inputs"),
    ("runs", "Runs"),
)


def page(health: Health, *, journal: str, live: bool = False) -> str:
    """Return the whole page; `live` says that it is served, so that loading it again shows how things stand then."""
    causes = causes_of(health, journal=journal)
    return frame(
        f"Expenses: {verdict(health).headline}",
        tag("a", "To the content", href="#main", class_="skip"),
        _header(health, journal, live=live),
        tag(
            "main",
            banner(verdict(health)),
            _totals(health),
            _causes(causes),
            _time(health),
            _companies(),
            _attention(health, journal),
            _syncs(health),
            _accounts(health),
            _inputs(health),
            _runs(health),
            id="main",
        ),
        _footer(health),
        data=embedded(health, journal=journal),
        journal=journal,
        live=live,
    )


def _header(health: Health, journal: str, *, live: bool) -> Html:
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title in _PARTS]
    about = tag(
        "p",
        "Journal ", said(journal), ", as it stood at ", tag("time", f"{moment(health.taken_at)} UTC",
        datetime=health.taken_at), ". Load the page again to see it anew." if live else ".",
        class_="about",
    )  # fmt: skip
    return tag(
        "header",
        tag("h1", "Where the expenses stand"),
        about,
        tag("nav", tag("ul", links), aria_label="Parts of this page"),
    )


def _totals(health: Health) -> Html:
    books = health.books
    lines = currency_lines(books)
    tiles = []
    for state in STATES:
        count = books.count(state)
        own = [(line.currency, line.by_state[state].amount) for line in lines if state in line.by_state]
        amounts = own if health.amounts else []
        content = (
            tag("span", NAMES[state], class_="label"),
            tag("strong", count),
            tag("span", MEANING[state], class_="meaning"),
            tag("span", [tag("span", each) for each in listed(amounts, most=3)], class_="money") if amounts else None,
        )
        attributes = f"tile edge-{state.value}" + ("" if count else " empty")
        tiles.append(tag("li", tag("a", *content, href=f"#companies?state={state.value}"), class_=attributes))
    receipts = _receipts(health)
    return tag(
        "section",
        tag(
            "h2", counted(books.total, "expense"), " of ", counted(_company_count(health), "company"), id="totals-title"
        ),
        share_bar(books),
        tag("ul", tiles, class_="tiles"),
        tag("p", receipts, class_="intro") if receipts else None,
        id="totals",
        aria_labelledby="totals-title",
    )


def _company_count(health: Health) -> int:
    return len({*(each.company_id for each in health.books.companies), *health.facts})


def _receipts(health: Health) -> list[Child]:
    receipts = health.books.receipts
    total = sum(receipts.values())
    if not total:
        return []
    names = {
        ReceiptState.ATTACHED: "attached",
        ReceiptState.WAITING: "not attached yet",
        ReceiptState.REJECTED: "rejected",
        ReceiptState.IN_DOUBT: "in doubt",
    }
    parts = [f"{receipts[state]:,} {name}" for state, name in names.items() if receipts.get(state)]
    missing = f"; {health.books.attachable:,} are missing at expenses that are in the books" * bool(
        health.books.attachable
    )
    return [tag("b", counted(total, "receipt")), ": ", ", ".join(parts), missing, "."]


def _causes(causes: list[Cause]) -> Html:
    if not causes:
        return section("causes", "What needs somebody", tag("p", "Nothing does.", class_="intro"))
    return section(
        "causes",
        "What needs somebody",
        tag("ul", [_cause(cause) for cause in causes], class_="causes"),
        intro="By cause, the gravest first: how much it concerns, who can mend it, and the command that goes on.",
    )


def _cause(cause: Cause) -> Html:
    if cause.about == "company":
        much = f"{counted(cause.companies, 'company')} held, {counted(cause.count, 'expense')}"
        link = f"#companies?hold={cause.code}"
    else:
        noun = {"expense": "expense", "row": "wrong row", "receipt": "receipt"}[cause.about]
        number = counted(cause.count, "row") if cause.about == "row" else counted(cause.count, noun)
        stands = "wrong" if cause.about == "row" else cause.state.replace("_", " ")
        where = f" of {counted(cause.companies, 'company')}" if cause.companies else ""
        much = f"{number} {stands}{where}"
        link = f"#attention?about={cause.about}&state={cause.state}&code={cause.code}"
    return tag(
        "li",
        tag("p", tag("a", much, href=link), " ", tag("code", cause.code, class_="pill"),
            [" ", tag("code", cause.accounting, class_="pill")] if cause.accounting else None, class_="much"),
        tag("p", moneys(cause.amounts, most=4), class_="money") if cause.amounts else None,
        tag("p", cause.entry.meaning),
        tag(
            "p",
            tag("span", _WHO[cause.entry.who.value], class_="who"), " ", marked(cause.entry.way_out),
        ),
        tag("code", cause.command, class_="command") if cause.command else None,
        class_=f"edge-{cause.state}",
    )  # fmt: skip


def marked(text: str) -> list[Child]:
    """Return a text with what stands between backticks as code."""
    return [tag("code", part) if place % 2 else part for place, part in enumerate(text.split("`"))]


def _time(health: Health) -> Html:
    drawn = [drawing(chart) for chart in charts(health.times, health.runs, now=health.taken_at)]
    if not drawn:
        return section("time", "Over time", tag("p", "Nothing has been posted yet.", class_="intro"))
    return section(
        "time", "Over time", *drawn, intro="When expenses were found posted, and receipts were attached. UTC."
    )


def _filled(name: str, words: str) -> Html:
    """Return the place where the script puts a table; who runs no scripts reads why it is empty."""
    hint = tag("p", words, " ", tag("code", "expense-runner report --format json"), ".", class_="intro")
    return tag("div", tag("noscript", hint), class_="filled", id=f"{name}-table")


_NO_SCRIPT = "This table needs JavaScript, which is part of this file. Without it, as data:"


def _companies() -> Html:
    intro = "Open a company to see what it needs. Sort by a column's title."
    return section("companies", "Companies", _filled("companies", _NO_SCRIPT), intro=intro)


def _attention(health: Health, journal: str) -> Html:
    left = health.troubles.left_out
    note = None
    if left:
        note = tag(
            "p",
            f"{left:,} more are counted above and not listed here: each company has its first ones only. All of one: ",
            tag("code", f"expense-runner report --journal {journal} --company COMPANY --out FILE.html"), ".",
            class_="note",
        )  # fmt: skip
    intro = "Each expense, row and receipt that needs attention, with its cause and what settles it."
    return section("attention", "Expenses and receipts that need attention", note, _filled("attention", _NO_SCRIPT),
                   intro=intro)  # fmt: skip


def _syncs(health: Health) -> Html:
    left = health.syncs.left_out
    note = tag("p", f"{left:,} older syncs that ended well are not listed.", class_="note") if left else None
    return section(
        "syncs", "Syncs", note, _filled("syncs", _NO_SCRIPT), intro="Every sync that was started, the newest first."
    )


def _accounts(health: Health) -> Html:
    books = health.books
    wrong = unbalanced(books)
    if wrong:
        words = (
            f"{counted(wrong, 'company')} do not balance. Keep the journal and report it; nothing more should be sent."
        )
    else:
        words = "Every expense that was let in stands in exactly one state, in number and in money, for each company."
    broken = None
    if books.broken:
        one = books.broken == 1
        broken = tag(
            "p",
            f"{counted(books.broken, 'expense')} never came in because rows of {'its' if one else 'theirs'} are wrong "
            f"({counted(books.row_errors, 'error')}): counted as rejected, without an amount.",
            class_="intro",
        )
    return section(
        "accounts",
        "Accounts",
        accounts_table(books, amounts=health.amounts) if books.companies else None,
        broken,
        intro=words,
    )


def _inputs(health: Health) -> Html:
    rows = [_input(each) for each in health.inputs.shown]
    left = f" {health.inputs.left_out:,} older ones are not listed." if health.inputs.left_out else ""
    head = ("File", "Rows", "New expenses", "Known before", "Read (UTC)", "Mapping", "SHA-256")
    body = (
        table("Files that were read", head, rows, numbers=(1, 2, 3)) if rows else tag("p", "None yet.", class_="intro")
    )
    return section("inputs", "Inputs", body, intro=f"Each file as it was read, the latest first.{left}")


def _input(each: InputFacts) -> tuple[Child, ...]:
    mark = tag("span", " read again later", class_="quiet") if each.superseded else None
    read = moment(each.staged_at) or tag("span", "not read to its end", class_="bad")
    sha256 = tag("code", each.sha256, class_="hash") if each.sha256 else "–"
    mapping = said(each.mapping) if each.mapping else "–"
    return [said(each.name), mark], each.rows, each.expenses, each.repeated or 0, read, mapping, sha256


def _runs(health: Health) -> Html:
    rows = list(_run_rows(health))
    head = ("Run", "What", "Started (UTC)", "Took", "Exit code", "Requests", "Retried", "Version")
    words = f"{requests_words(health.requests)}."
    body = table("Runs, the latest first", head, rows, numbers=(0, 3, 5, 6)) if rows else None
    return section("runs", "Runs", body, intro=words)


def _run_rows(health: Health) -> Iterator[tuple[Child, ...]]:
    for place, run in enumerate(health.runs):
        took = seconds_between(run.started_at, run.ended_at)
        ended = _ended(run, latest=place == 0)
        yield (
            str(run.no), f"{run.purpose}, {run.flow}", moment(run.started_at), "–" if took is None else lasting(took),
            ended, *(("–", "–") if run.ended_at is None else (run.requests, run.retried)), run.version,
        )  # fmt: skip


def _ended(run: RunFacts, *, latest: bool) -> Child:
    if run.exit_code is None:
        return "at work, or killed" if latest else "killed"
    known = run.exit_code in ExitCode.__members__.values()
    word = ExitCode(run.exit_code).name.lower().replace("_", " ") if known else ""
    return [str(run.exit_code), " ", tag("span", word, class_="quiet")]


def _footer(health: Health) -> Html:
    states = ", ".join(f"{health.books.count(state):,} {NAMES[state]}" for state in ExpenseState)
    return tag(
        "footer",
        tag("p", f"{states}: {counted(health.books.total, 'expense')}."),
        tag(
            "p", f"Made by expense-runner {__version__} from the journal alone. This file loads nothing from anywhere."
        ),
    )
