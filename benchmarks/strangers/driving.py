"""What both strangers are asked to do, in their own environment: standard library only, nothing of the project.

A job comes as JSON on stdin, the report goes as JSON to stdout:

    {"url", "threads", "poll_seconds", "sync_seconds", "batches": [{"company", "expenses": [Expense]}]}
    {"seconds", "cpu_seconds", "worked_around": {text: count}, "syncs": [Sync]}

`Expense`, `Line` and `Receipt` below are its shapes; amounts are decimals as text, contents base64.
"""

import base64
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, TypedDict

KEY_HEADER = "Basic " + base64.b64encode(b"rehearsal").decode()
"""What their READMEs call BASE_64_ENCODED(API_KEY); the simulator takes any key."""
FINAL = 2000
"""Sync status codes below are in progress."""


class Line(TypedDict):
    """One line of an expense."""

    net: str
    tax: str
    account: str
    tax_rate: str
    tracking: list[str]


class Receipt(TypedDict):
    """One file to attach."""

    name: str
    content: str


class Expense(TypedDict):
    """One expense, in no client's own terms."""

    id: str
    type: str
    issue_date: str
    currency: str
    merchant: str
    notes: str
    lines: list[Line]
    receipts: list[Receipt]


class Row(NamedTuple):
    """One row of a sync's transactions, as the client understood it."""

    expense: str
    status: str
    kind: str


class Client(Protocol):
    """A stranger, with what had to be worked around counted by a short text."""

    worked_around: Counter[str]

    def send(self, company: str, expenses: list[Expense]) -> str:
        """Create the expenses, initiate a sync where the flow has it, and return the sync's id."""

    def status(self, company: str, sync: str) -> int:
        """Return the sync's status code."""

    def transactions(self, company: str, sync: str) -> list[Row]:
        """Return the rows of the sync, of all pages."""

    def attach(self, company: str, sync: str, expense: str, *, name: str, content: bytes) -> str:
        """Attach a file and return the attachment's id."""


def main(connect: Callable[[str], Client]) -> None:
    """Do the job on stdin with the client that `connect` makes for a base URL."""
    sys.addaudithook(_loopback_only)
    job = json.load(sys.stdin)
    client = connect(job["url"])

    def follow(batch: dict[str, Any]) -> dict[str, Any]:
        return _follow(client, batch, poll_seconds=job["poll_seconds"], sync_seconds=job["sync_seconds"])

    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    if job["threads"] == 1:
        syncs = [follow(batch) for batch in job["batches"]]
    else:
        with ThreadPoolExecutor(job["threads"]) as threads:
            syncs = list(threads.map(follow, job["batches"]))
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    report = {
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "worked_around": client.worked_around,
        "syncs": syncs,
    }
    json.dump(report, sys.stdout)


def _follow(client: Client, batch: dict[str, Any], *, poll_seconds: float, sync_seconds: float) -> dict[str, Any]:
    """Take one batch the whole way: create, initiate, status, transactions, attachments."""
    company, expenses = batch["company"], batch["expenses"]
    sync = client.send(company, expenses)
    give_up = time.monotonic() + sync_seconds
    while (code := client.status(company, sync)) < FINAL:
        if time.monotonic() > give_up:
            raise TimeoutError(f"sync {sync} is still {code} after {sync_seconds} s")
        time.sleep(poll_seconds)
    rows = client.transactions(company, sync)
    completed = {row.expense for row in rows if row.kind != "bankfeeds" and row.status == "Completed"}
    attachments = [
        client.attach(company, sync, expense["id"], name=receipt["name"], content=base64.b64decode(receipt["content"]))
        for expense in expenses
        if expense["id"] in completed
        for receipt in expense["receipts"]
    ]
    return {"company": company, "sync": sync, "code": code, "rows": rows, "attachments": attachments}


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    """Let no stranger speak to anybody but the simulator, whatever its defaults are."""
    if event == "socket.connect" and arguments[1][0] not in {"127.0.0.1", "::1"}:
        raise PermissionError(f"not loopback: {arguments[1]!r}")
