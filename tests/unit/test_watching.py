"""What a person sees while it runs: true numbers, no flood, and a display that leaves nothing behind."""

import io
import re
import sys
from collections import defaultdict
from types import SimpleNamespace

import pytest
from rich.console import Console

from runner.cli.live import sentence, watching
from runner.cli.screen import Screen
from runner.codat.draining import Draining
from runner.logs import get_log
from runner.progress import FEW, WARNED, Notes, Progress
from runner.report.happenings import sentence_of
from runner.report.speed import WINDOW, Speed, duration


def watched():
    notes = Notes(get_log(), Progress())
    return SimpleNamespace(notes=notes, draining=Draining(), counts=SimpleNamespace(total=5), governor=None)


# ---- how fast ----


def test_a_rate_is_what_came_lately_and_nothing_is_said_too_early():
    speed = Speed()
    speed.see(0, now=0.0)
    speed.see(50, now=2.0)
    assert speed.a_second() is None

    for second in range(3, 201):
        speed.see(50 + 10 * second, now=float(second))

    assert speed.a_second() == pytest.approx(10.0)
    assert speed.seconds_for(600) == pytest.approx(60.0)


def test_what_stands_still_has_no_time_left_to_name():
    speed = Speed()
    for second in range(int(WINDOW) + 10):
        speed.see(7, now=float(second))

    assert speed.seconds_for(5) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00:00"), (270.4, "0:04:30"), (90_000, "25:00:00"), (200_000, "2 days 7 h")]
)
def test_a_duration_is_said_as_people_read_it(seconds, said):
    assert duration(seconds) == said


# ---- what happens ----


def test_a_happening_is_one_printable_sentence():
    said = sentence_of("company_held", {"company": "c1", "message": "no\x1b[2J\nlink " + "x" * 500})

    assert said.startswith("c1 is held: no [2J link")
    assert said.isprintable()
    assert len(said) == 300


def test_what_happens_all_the_time_or_says_too_little_is_not_told():
    assert sentence_of("dataset_created", {"company": "c1"}) is None
    assert sentence_of("company_held", {"company": "c1"}) is None


def test_what_was_shown_is_not_warned_of_again(capsys):
    app = watched()
    app.notes.shown = lambda _event, _facts: True
    app.notes("company_held", company="c1", message="no link")

    assert capsys.readouterr().err == ""

    app.notes.shown = lambda _event, _facts: False
    app.notes("company_held", company="c1", message="no link")

    assert "company_held" in capsys.readouterr().err


def test_companies_at_work_come_and_go():
    notes = watched().notes
    for event in ("company_taken", "dataset_created", "sync_started"):
        notes(event, company="c1", expenses=1)
    assert notes.progress.at_work == {"c1": "waits for a sync"}

    notes("company_let_go", company="c1")
    notes("receipt_attached", company="c1")

    assert notes.progress.at_work == {}


# ---- plain lines ----


def test_a_plain_line_says_how_much_of_how_much():
    notes = watched().notes
    assert sentence(notes) == "beginning, 0 staged"
    notes("staged", file="a.csv", expenses=5, errors=1)
    assert sentence(notes) == "reading a.csv, 5 staged, 1 rejected"
    notes("walking", expenses=1_200, receipts=3, requests=30)
    notes("company_taken", company="c1")
    notes("sync_judged", company="c1", posted=1_000, rejected=1)

    assert sentence(notes) == ("0 sent, 1,000 of 1,200 posted, 0 of 3 receipts attached, 1 company at work, 2 rejected")


def test_each_change_of_state_is_a_line_at_once_without_a_terminal(capsys):
    app = watched()
    with watching(app, quiet=False):
        app.notes("walking", expenses=1_200, receipts=3, requests=30)
        app.notes("company_held", company="c1", message="no link")
        app.notes("dataset_created", company="c2", expenses=50)

    lines = [re.sub(r"^\[0:00:0\d\] ", "", line) for line in capsys.readouterr().err.splitlines()]
    assert lines == ["sending 1,200 expenses and 3 receipts, in about 30 requests", "c1 is held: no link"]


def test_a_thousand_companies_left_are_a_few_lines_and_a_sum(capsys):
    app = watched()
    with watching(app, quiet=False):
        for number in range(1_000):
            app.notes("company_left", company=f"c{number}", code="not_sent", message="Codat cannot be reached.")
    app.notes.sum_up()

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == FEW + 2
    assert "c0 is left to a later run: Codat cannot be reached." in lines[0]
    assert lines[-1].endswith("1,000 in all: company left")


def test_a_thousand_warnings_in_the_log_are_a_few_and_one_that_sums_up(capsys):
    notes = watched().notes
    for number in range(1_000):
        notes("company_left", company=f"c{number}", code="not_sent", message="Codat cannot be reached.")
    notes.sum_up()
    notes.sum_up()

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == FEW + 1
    assert "more_of_these" in lines[-1]
    assert "995" in lines[-1]


def test_every_warning_has_a_sentence_for_people():
    facts = defaultdict(lambda: "x")
    assert [event for event in sorted(WARNED) if sentence_of(event, facts) is None] == []


# ---- the display ----


@pytest.fixture
def terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def begin():
        # Only now: pytest puts its own stderr in place before each test's call.
        made = Terminal()
        monkeypatch.setattr(sys, "stderr", made)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        return made

    return begin


def drawn(app, *, columns=100, lines=30):
    screen = Screen(app)
    screen._console = Console(file=io.StringIO(), width=columns, height=lines, force_terminal=True, no_color=True)
    with screen._console.capture() as captured:
        screen._console.print(screen._draw())
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.get()).splitlines()


def busy():
    app = watched()
    app.notes("walking", expenses=40_000, receipts=100, requests=900)
    for number in range(20):
        app.notes("company_taken", company=f"company-{number}")
    app.notes("dataset_created", company="company-1", expenses=10_000)
    app.notes("sync_judged", company="company-1", posted=4_000, rejected=3)
    return app


def test_what_an_earlier_run_stored_or_sent_is_not_waited_for_again():
    app = watched()
    app.notes("walking", expenses=24_000, receipts=0, requests=480, in_syncs=8_000, in_datasets=6_700)
    app.notes("dataset_created", company="company-1", expenses=9_300)
    shown = drawn(app)

    assert any("stored" in line and "9,300 of 9,300" in line for line in shown)
    assert any("sent" in line and "0 of 16,000" in line for line in shown)
    assert any("posted" in line and "0 of 24,000" in line for line in shown)


def test_the_display_says_how_far_everything_is():
    shown = drawn(busy())

    assert any("posted" in line and "4,000 of 39,997" in line for line in shown)
    assert any("stored" in line and "10,000 of 40,000" in line for line in shown)
    assert any("receipts" in line and "0 of 100" in line for line in shown)
    assert any("20 companies at work" in line for line in shown)
    assert "3 rejected" in shown
    assert shown[-1].startswith("5 requests of about 900")


@pytest.mark.parametrize(("columns", "lines"), [(40, 10), (60, 24), (200, 60)])
def test_the_display_fits_terminals_of_every_size(columns, lines):
    shown = drawn(busy(), columns=columns, lines=lines)

    assert len(shown) <= max(lines, 9)
    assert max(map(len, shown)) <= columns


def test_nothing_is_left_of_the_display_but_what_happened(terminal):
    terminal, app = terminal(), watched()
    with Screen(app).shown():
        app.notes("company_held", company="c1", message="no link")
        sys.stderr.write("a line of the log\n")

    written = terminal.getvalue()
    assert sys.stderr is terminal
    assert written.count("c1 is held: no link") == 1
    assert written.count("a line of the log") == 1


def test_a_thousand_held_companies_are_twenty_lines(terminal):
    terminal, app = terminal(), watched()
    with Screen(app).shown():
        for number in range(1_000):
            app.notes("company_held", company=f"c{number}", message="no link")

    assert terminal.getvalue().count("is held") == 20
    assert terminal.getvalue().count("only counted") == 1
    assert app.notes.progress.held == 1_000
