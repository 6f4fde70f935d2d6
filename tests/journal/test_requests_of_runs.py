"""What all runs sent is told without claiming more than is known, and without counting what sends nothing."""

import pytest

from runner.journal.journal import Journal
from runner.journal.opening import open_scratch
from runner.journal.store import Inline
from runner.report.summary import requests_json, requests_words
from tests.clocks import FakeClock


@pytest.fixture
async def journal():
    connection = open_scratch()
    yield Journal(Inline(connection), FakeClock())
    connection.close()


async def run(journal, purpose, requests=None):
    await journal.runs.begin(version="1", flow="datasets", purpose=purpose)
    if requests is not None:
        await journal.runs.end(exit_code=0, requests=requests, retried=1, rate_limited=0)


async def test_only_runs_that_speak_with_codat_are_counted(journal):
    for purpose, requests in (("run", 319), ("retry", 0), ("prune", 0), ("verify", 193)):
        await run(journal, purpose, requests)

    totals = await journal.runs.request_totals()
    assert requests_words(totals) == "512 requests in 2 runs, 4 of them retries"
    assert (await journal.health.of()).requests == totals


async def test_with_a_killed_run_among_them_it_is_the_least_that_was_sent(journal):
    for purpose, requests in (("run", 319), ("run", None), ("run", 193)):
        await run(journal, purpose, requests)

    totals = await journal.runs.request_totals()
    assert requests_words(totals) == "At least 512 requests in 3 runs, 2 of them retries"
    assert requests_json(totals) == {"total": 512, "retried": 2, "rate_limited": 0}
    assert (await journal.health.of()).requests == totals


async def test_a_retry_that_was_killed_hides_no_requests(journal):
    await run(journal, "run", 7)
    await run(journal, "retry")

    assert not (await journal.runs.request_totals()).unended
