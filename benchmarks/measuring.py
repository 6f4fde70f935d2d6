"""Measured fairly: each measurement in a fresh process, contestants in turns, medians of several rounds."""

import gc
import multiprocessing
import os
import platform
import resource
import statistics
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

HEADER = (
    "company_id,id,type,issue_date,currency,merchant_name,reference,notes,net_amount,tax_amount,account_id,tax_rate_id"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What some work took; time in seconds, memory in MB."""

    items: int
    wall: float
    cpu: float
    peak: float

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.wall

    @property
    def micros(self) -> float:
        """Microseconds of CPU an item, all threads and children of the measured process together."""
        return self.cpu / self.items * 1e6


class Stopwatch:
    """Measures the block it is used for, in this process and in the children that ended meanwhile."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> Self:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), _cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, _cpu() - self._cpu


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


Work = Callable[..., tuple[int, Stopwatch]]
"""Does the work in a process of its own; returns how many items and how long they took."""


def alone(work: Work, *arguments: Any) -> Cost:
    """Run some work in a fresh process and return what it cost."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_child, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        cost: Cost = here.recv()
    except EOFError:
        raise SystemExit(f"{work.__name__} failed") from None
    finally:
        process.join()
    return cost


def _child(pipe: Connection, work: Work, arguments: Sequence[Any]) -> None:
    items, watch = work(*arguments)
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    pipe.send(Cost(items, watch.wall, watch.cpu, (own + children) / 1024))


def in_turns(contestants: Mapping[str, Callable[[], Cost]], *, rounds: int) -> dict[str, list[Cost]]:
    """Let everyone run once in each round: a noisy machine is then noisy for all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            costs[name].append(run())
    return costs


def table(title: str, costs: Mapping[str, Sequence[Cost]], *, unit: str, ours: str) -> dict[str, Cost]:
    """Print the medians and how they compare with ours; return the medians."""
    medians = {name: _median(each) for name, each in costs.items()}
    base = medians[ours]
    print(f"\n{title}")
    print(f"  {'':<44} {unit + '/s':>12} {'µs CPU each':>12} {'peak MB':>8} {'time : ours':>12} {'CPU : ours':>11}")
    for name, cost in medians.items():
        print(
            f"  {name:<44} {cost.rate:>12,.0f} {cost.micros:>12.1f} {cost.peak:>8.0f} "
            f"{base.rate / cost.rate:>12.2f} {cost.micros / base.micros:>11.2f}",
            flush=True,
        )
    return medians


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        costs[0].items,
        statistics.median(each.wall for each in costs),
        statistics.median(each.cpu for each in costs),
        statistics.median(each.peak for each in costs),
    )


def machine() -> str:
    """Say what this was measured on."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}; load at the start: {load}"
    )


def write_expenses(path: Path, *, rows: int, companies: int = 20, ids: bool = True) -> Path:
    """Write a canonical CSV file of one-line expenses, companies one after the other."""
    names = [str(uuid.UUID(int=number + 1)) for number in range(companies)]
    with path.open("w", encoding="utf-8", newline="") as file:
        print(HEADER, file=file)
        for row in range(rows):
            net, day = 100 + row * 7 % 99_900, 1 + row % 28
            own = f"E{row:09}" if ids else ""
            file.write(
                f"{names[row * companies // rows]},{own},Payment,2024-03-{day:02},EUR,Merchant {row % 997},"
                f"REF-{row},Made up for measuring,{net // 100}.{net % 100:02},{net // 500}.00,{400 + row % 20},tax-20\n"
            )
    return path
