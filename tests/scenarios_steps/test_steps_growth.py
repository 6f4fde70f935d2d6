"""What one expense costs does not depend on how many there are: counted in SQLite's instructions and in requests."""

from runner.domain.preflight import Preflight
from tests.scenarios_steps.walking import World

SMALL, LARGE = 400, 2_000
BY = 100
"""SQLite's instructions between two calls of the counter."""


class Instructions:
    """Counts what a connection executes."""

    def __init__(self, connection):
        self._connection = connection
        self._calls = 0

    def __enter__(self):
        self._connection.set_progress_handler(self._count, BY)
        return self

    def __exit__(self, *_):
        self._connection.set_progress_handler(None, 0)

    def _count(self):
        self._calls += 1
        return 0

    def of_each(self, count):
        return self._calls * BY / count


async def costs(count):
    """Return what staging, the walk and a walk with nothing to do cost for each expense: instructions, requests."""
    w = World(limits={"drafts_a_sync": 5, "draft_size": 20}, preflight=Preflight.ROWS)
    found = []
    try:
        for work in (lambda: w.stage(*range(1, count + 1)), w.live, w.live):
            before = len(w.service.requests)
            with Instructions(w.connection) as counted:
                await work()
            found.append((counted.of_each(count), (len(w.service.requests) - before) / count))
        assert w.connection.execute("SELECT count(*) FROM expense WHERE state = 'posted'").fetchone() == (count,)
    finally:
        w.close()
    return found


async def test_an_expense_among_many_costs_what_it_costs_among_few():
    small, large = await costs(SMALL), await costs(LARGE)
    for what, few, many in zip(("staging", "walk", "nothing to do"), small, large, strict=True):
        assert many[0] < few[0] * 1.15, what
        assert many[1] <= few[1], what
