"""The prediction counts what the preflight reads, and for how long what was seen is believed."""

from datetime import UTC, datetime, timedelta

import pytest

from runner.domain.forecast import Batches, OpenWork, requests_by_kind
from runner.domain.preflight import LINKED_LIFE, Preflight, is_fresh

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEW = OpenWork(undrafted=1)
SEEN = OpenWork(undrafted=1, linked_seen=True, defaults_seen=True, options_seen=True)


@pytest.mark.parametrize(
    ("work", "companies", "rows"),
    [
        ([], 0, 0),
        ([NEW], 2, 3),
        ([SEEN], 0, 0),
        ([OpenWork(undrafted=1, defaults_seen=True, options_seen=True)], 1, 1),
        ([OpenWork(stored=1)], 2, 2),
        ([OpenWork(syncs=1, unfinished=1, receipts=3)], 0, 0),
        ([OpenWork(undrafted=1, held=True)], 0, 0),
        ([NEW, NEW], 4, 6),
        ([NEW, NEW, NEW], 4, 7),
        ([SEEN, SEEN, SEEN], 0, 0),
    ],
)
def test_the_prediction_counts_what_was_never_seen_or_is_too_old(work, companies, rows):
    counted = {
        level: requests_by_kind(work, Batches(True, 50, 40, 2_000, preflight=level)).checks for level in Preflight
    }
    assert counted == {Preflight.OFF: 0, Preflight.COMPANIES: companies, Preflight.ROWS: rows}


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        (timedelta(0), True),
        (LINKED_LIFE - timedelta(seconds=1), True),
        (LINKED_LIFE, False),
        (timedelta(seconds=-1), False),
    ],
)
def test_what_was_seen_counts_until_it_is_too_old_and_never_if_it_is_of_the_future(age, fresh):
    assert is_fresh(NOW - age, LINKED_LIFE, now=NOW) is fresh


def test_what_was_never_seen_does_not_count():
    assert not is_fresh(None, LINKED_LIFE, now=NOW)
