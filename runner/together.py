"""Many tasks side by side, none of them cut off: what is in flight is recorded, whatever else goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TypeVar

from runner.errors import CompanyHeld, LookLater, RequestError, RunStopped

A = TypeVar("A")
T = TypeVar("T")


async def each(items: Iterable[A], act: Callable[[A], Awaitable[T]], *, limit: int) -> list[T]:
    """Call `act` on every item, at most `limit` at a time, and return the results in order.

    After an error no further item is begun, but those under way come to their end: cancelling them could lose
    the answer to an effect. Then the gravest error is raised.
    """
    waiting = list(enumerate(items))
    waiting.reverse()
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    async def worker() -> None:
        while waiting and not errors:
            place, item = waiting.pop()
            try:
                results[place] = await act(item)
            except Exception as error:  # noqa: BLE001 - raised below, once all are at their end
                errors.append(error)

    workers = [asyncio.ensure_future(worker()) for _ in range(min(limit, len(waiting)))]
    if workers:
        await asyncio.wait(workers)
    for ended in workers:
        # What is no Exception, such as a cancellation, is in the worker itself.
        ended.result()
    if errors:
        raise gravest(errors)
    return [results[place] for place in sorted(results)]


def gravest(errors: Collection[BaseException]) -> BaseException:
    """Return the error that reaches furthest; one that nobody foresaw comes before all others."""

    def reach(error: BaseException) -> int:
        match error:
            case RunStopped():
                return 1
            case CompanyHeld():
                return 2
            case LookLater():
                return 4
            case RequestError():
                return 3
            case _:
                return 0

    return min(errors, key=reach)
