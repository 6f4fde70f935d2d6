"""Side by side, and none is cut off."""

import asyncio

import pytest

from runner.errors import CompanyHeld, KeyRefused, OutcomeUnknown
from runner.together import each, gravest


async def test_results_come_in_the_order_of_the_items():
    async def act(n):
        for _ in range(10 - n):
            await asyncio.sleep(0)
        return n

    assert await each(range(10), act, limit=4) == list(range(10))


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_no_more_than_the_limit_are_under_way(limit):
    under_way, most = set(), 0

    async def act(n):
        nonlocal most
        under_way.add(n)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(n)

    await each(range(20), act, limit=limit)
    assert most == min(limit, 20)


async def test_after_an_error_those_under_way_end_and_no_other_begins():
    begun, ended, go_on = [], [], asyncio.Event()

    async def act(n):
        begun.append(n)
        await asyncio.sleep(0)
        if n == 1:
            raise OutcomeUnknown("lost", received=False)
        await go_on.wait()
        ended.append(n)

    running = asyncio.ensure_future(each(range(10), act, limit=3))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not running.done()
    go_on.set()
    with pytest.raises(OutcomeUnknown):
        await running
    assert (begun, ended) == ([0, 1, 2], [0, 2])


async def test_the_gravest_of_several_errors_is_raised():
    errors = [OutcomeUnknown("x", received=False), CompanyHeld("x"), KeyRefused("x"), CompanyHeld("y")]

    async def act(error):
        await asyncio.sleep(0)
        raise error

    with pytest.raises(KeyRefused):
        await each(errors, act, limit=4)


def test_what_nobody_foresaw_comes_before_all():
    unforeseen = KeyError("x")
    assert gravest([KeyRefused("x"), unforeseen, CompanyHeld("x")]) is unforeseen


async def test_nothing_to_do_is_done():
    assert await each([], None, limit=3) == []
