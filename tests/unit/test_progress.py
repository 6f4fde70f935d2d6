"""What a run has done, counted from its own notes."""

import structlog
from structlog.testing import LogCapture

from runner.progress import Notes, Progress


def notes():
    captured = LogCapture()
    log = structlog.wrap_logger(None, processors=[captured], wrapper_class=structlog.make_filtering_bound_logger(0))
    return Notes(log, Progress()), captured.entries


def test_notes_are_counted():
    note, _ = notes()
    note("staged", file="a.csv", expenses=5, errors=2, repeated=1)
    note("dataset_created", company="c1", expenses=5)
    note("sync_started", company="c1", expenses=5)
    note("sync_judged", company="c1", posted=3, rejected=1, others=2)
    note("draft_refused", company="c2", rejected=2)
    note("receipt_attached", company="c1")
    note("company_held", company="c2", code="forbidden")
    note("something_else", company="c3")

    done = note.progress
    assert (done.staged, done.row_errors) == (5, 2)
    assert (done.stored, done.sent, done.posted, done.rejected, done.attached, done.held) == (5, 5, 3, 3, 1, 1)
    assert done.companies == {"c1", "c2", "c3"}


def test_listeners_hear_each_event_after_it_was_counted():
    note, _ = notes()
    heard = []
    note.listen(lambda event: heard.append((event, note.progress.posted)))
    note("sync_judged", posted=2)
    assert heard == [("sync_judged", 2)]


def test_what_comes_by_the_thousand_is_debug_and_what_needs_a_person_a_warning():
    note, entries = notes()
    for event in ("dataset_created", "sync_judged", "company_held"):
        note(event, nothing=None)
    assert [(each["event"], each["log_level"]) for each in entries] == [
        ("dataset_created", "debug"),
        ("sync_judged", "info"),
        ("company_held", "warning"),
    ]
    assert all("nothing" not in each for each in entries)
