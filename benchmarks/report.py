"""What a report of many companies costs: seconds, memory, size, and the first paint where there is a browser.

    python -m benchmarks.report                       # 2,000 and 20,000 companies

Each company has 24 expenses in three nights; every fifth has expenses in each bad state, and a wrong row.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks.measuring import Stopwatch, alone, machine
from runner.clock import SystemClock
from runner.journal.journal import reading
from runner.report.html.page import page
from tests.browser import browser, found
from tests.many_outcomes import write

PAINTED = (
    "new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))"
    ".observe({ type: 'paint', buffered: true }))"
)


def _report(journal: Path, out: Path, companies: int) -> tuple[int, Stopwatch]:
    with Stopwatch() as watch:
        with reading(journal, SystemClock()) as opened:
            health = asyncio.run(opened.health.of())
        assert health is not None
        out.write_text(page(health, journal=journal.name), encoding="utf-8")
    return companies, watch


async def _painted(out: Path, profile: Path) -> float:
    profile.mkdir()  # noqa: ASYNC240 - nothing else runs here
    async with browser(profile) as tab:
        await tab.open(out.as_uri())
        return float(await tab.run(PAINTED))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", default="2000,20000")
    sizes = [int(each) for each in parser.parse_args().companies.split(",")]
    print(machine())
    print(f"{'companies':>10} {'seconds':>8} {'CPU s':>7} {'peak MB':>8} {'file MB':>8} {'first paint ms':>15}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for size in sizes:
            journal, out = Path(folder) / f"{size}.db", Path(folder) / f"{size}.html"
            write(journal, companies=size)
            cost = alone(_report, journal, out, size)
            paint = f"{asyncio.run(_painted(out, Path(folder) / f'{size}')):.0f}" if found() else "no browser"
            print(
                f"{size:>10,} {cost.wall:>8.1f} {cost.cpu:>7.1f} {cost.peak:>8.0f} "
                f"{out.stat().st_size / 1e6:>8.2f} {paint:>15}",
                flush=True,
            )


if __name__ == "__main__":
    main()
