"""How close the governor comes to Codat's limit on real clocks and sockets, and what it costs.

A strict service in a process of its own counts arrivals in a sliding minute (1,000 at most) and requests in
flight for each company (10 at most); the governor feeds it everything it is allowed to for some seconds.

    python -m benchmarks.governor_accuracy [seconds, default 130]

Nothing leaves the machine. It ends with status 1 if a limit was broken or less than 97 % of it was used.
"""

import argparse
import asyncio
import multiprocessing
import random
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from multiprocessing.connection import Connection

from runner.clock import SystemClock
from runner.codat.governing.window import WINDOW
from runner.codat.governor import Governor
from runner.codat.messages import Request, Response
from runner.domain.ids import CompanyId
from runner.errors import BudgetReached

ALLOWED = 1_000
PER_COMPANY = 10
COMPANIES = 50
WORKERS = 100


class Judge:
    """Counts by its own clock, in its own process, without knowing the governor."""

    def __init__(self, seed: int) -> None:
        self.arrivals: list[float] = []
        self.violations = 0
        self.highest = 0
        self._window: deque[float] = deque()
        self._in_flight: Counter[str] = Counter()
        self._chance = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each line, which names a company, after a while."""
        while line := await reader.readline():
            company = line.decode().strip()
            self._arrived(company)
            await asyncio.sleep(0.02 + self._chance.expovariate(1 / 0.3))
            self._in_flight[company] -= 1
            writer.write(b"200\n")
            await writer.drain()
        writer.close()

    def _arrived(self, company: str) -> None:
        now = time.monotonic()
        self.arrivals.append(now)
        self._window.append(now)
        while self._window[0] <= now - WINDOW:
            self._window.popleft()
        self._in_flight[company] += 1
        self.highest = max(self.highest, len(self._window))
        self.violations += len(self._window) > ALLOWED
        self.violations += self._in_flight[company] > PER_COMPANY


def judge(pipe: Connection) -> None:
    """Serve on a free port of the loopback until told to end; then tell what was seen."""

    async def serving() -> None:
        seen = Judge(seed=1)
        server = await asyncio.start_server(seen.serve, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.recv)
        pipe.send((seen.arrivals, seen.violations, seen.highest))
        server.close()

    asyncio.run(serving())


async def feed(governor: Governor, port: int, numbers: "deque[int]") -> None:
    """Send one request after another over one connection until the governor ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(BudgetReached):
        while True:
            company = CompanyId(f"c{numbers.popleft() % COMPANIES}")
            request = Request("GET", "/", company=company)
            async with governor.admitted(request):
                writer.write(f"{company}\n".encode())
                await reader.readline()
                governor.observe(request, Response(200, {}, b""))
    writer.close()
    await writer.wait_closed()


async def load(port: int, seconds: float) -> None:
    """Keep the governor busy for that long."""
    governor = Governor(SystemClock())
    numbers = deque(range(100_000))
    feeding = [asyncio.ensure_future(feed(governor, port, numbers)) for _ in range(WORKERS)]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(10.0, left))
        shown = governor.snapshot()
        print(f"{seconds - max(0.0, end - time.monotonic()):5.0f} s: {shown.sent:6d} sent, ", end="")
        print(f"{shown.sent_last_minute} in the last minute, {shown.in_flight} in flight", flush=True)
    governor.stop(lambda: BudgetReached("The time is over."))
    await asyncio.gather(*feeding)
    await governor.aclose()


def cost(count: int = 20_000) -> float:
    """Return the microseconds of one admission with its answer where nobody waits."""

    class Stepping(SystemClock):
        """Goes so fast that the rate never matters."""

        def monotonic(self) -> float:
            """Return the clock's seconds, ten thousandfold."""
            return time.monotonic() * 10_000

    async def measured() -> float:
        governor = Governor(Stepping())
        request = Request("GET", "/", company=CompanyId("c"))
        headers = {
            "x-rate-limit-limit": "1000000000",
            "x-rate-limit-remaining": "1000000000",
            "x-rate-limit-reset": "2100-01-01T00:00:00Z",
        }
        response = Response(200, headers, b"")
        begun = time.perf_counter()
        for _ in range(count):
            async with governor.admitted(request):
                governor.observe(request, response)
        return (time.perf_counter() - begun) / count * 1e6

    return asyncio.run(measured())


def report(arrivals: list[float], violations: int, highest: int) -> bool:
    """Print what the judge saw; say whether it is good enough."""
    start, end = arrivals[0], arrivals[-1]
    good = violations == 0
    for name, since in (("from the start", start), ("after the first minute", start + WINDOW)):
        if end - since < WINDOW / 2:
            continue
        used = sum(since <= moment for moment in arrivals)
        allowed = (end - since) * ALLOWED / WINDOW
        print(f"{name}: allowed {allowed:.0f}, used {used} ({used / allowed:.1%})")
        good = good and used >= 0.97 * allowed
    print(f"most in any {WINDOW:.0f} seconds: {highest} of {ALLOWED}; violations: {violations}")
    return good


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=130.0)
    seconds = parser.parse_args().seconds
    print(f"cost of an admission without a wait: {cost():.1f} µs")
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=judge, args=(there,), daemon=True)
    process.start()
    asyncio.run(load(here.recv(), seconds))
    here.send("end")
    good = report(*here.recv())
    process.join(10)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
