"""The least that can stand in for Codat: a process of its own that answers every request at once.

It checks nothing, limits nothing and forgets nothing it needs for its answers: a dataset's expense ids until
its sync has been read. What a client costs can be measured against it, because it costs next to nothing itself.
"""

import asyncio
import itertools
import json
import multiprocessing
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from urllib.parse import parse_qs

_EXPENSE = re.compile(rb'\{"id": ?"([0-9a-f-]{36})", ?"type": ?"(?:Payment|Refund|Reward|Chargeback)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TYPES = ["Payment", "Refund", "Reward", "Chargeback"]
_OPTIONS = json.dumps(
    {
        "accounts": [
            {
                "id": str(number),
                "name": f"Account {number}",
                "nominalCode": str(number),
                "currency": "EUR",
                "accountType": "Expense",
                "isBankAccount": False,
                "validTransactionTypes": _TYPES,
            }
            for number in range(400, 420)
        ],
        "taxRates": [
            {
                "id": "tax-20",
                "name": "20 %",
                "code": "20",
                "effectiveTaxRate": 20,
                "totalTaxRate": 20,
                "validTransactionTypes": _TYPES,
            }
        ],
        "trackingCategories": [],
    }
)
"""What the benchmarks' expenses name, in every company."""
_CONFIG = '{"bankAccount":{"id":"bank"},"supplier":{"id":"supplier"},"customer":{"id":"customer"}}'
_COMPANY = '{"id":"x","dataConnections":[{"status":"Linked","sourceType":"Accounting"}]}'
_FIXED = {"mappingOptions": _OPTIONS, "config": _CONFIG}
_ROW = '{"transactionId":"%s","status":"Completed","integrationType":"expense","message":null}'


class Books:
    """Datasets and syncs by id; every expense that arrives is in the books at once."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._datasets: dict[str, list[str]] = {}
        self._syncs: dict[str, list[str]] = {}
        self.expenses = 0
        self.requests = 0

    def answer(self, method: bytes, target: str, body: bytes) -> tuple[int, str]:
        """Return the status and body that a request is answered with."""
        self.requests += 1
        path, _, query = target.partition("?")
        if method == b"POST" and path.endswith("/syncs"):
            found = [self._datasets.pop(each.decode(), []) for each in _UUID.findall(body)]
            return 202, f'{{"syncId":"{self._kept(self._syncs, list(itertools.chain(*found)))}"}}'
        if method == b"POST":
            ids = [each.decode() for each in _EXPENSE.findall(body)]
            if not ids:
                return 400, '{"statusCode":400,"error":"no expenses"}'
            self.expenses += len(ids)
            return 200, f'{{"datasetId":"{self._kept(self._datasets, ids)}"}}'
        if path.endswith("/status"):
            sync = path.split("/")[-2]
            return 200, f'{{"syncId":"{sync}","syncStatusCode":2000,"syncStatus":"Complete","dataPushed":true}}'
        if path.endswith("/transactions"):
            return 200, self._page(path.split("/")[-2], parse_qs(query))
        return 200, _FIXED.get(path.rpartition("/")[2], _COMPANY)

    def _kept(self, where: dict[str, list[str]], ids: list[str]) -> str:
        name = str(uuid.UUID(int=next(self._numbers)))
        where[name] = ids
        return name

    def _page(self, sync: str, query: dict[str, list[str]]) -> str:
        number, size = int(query["page"][0]), int(query["pageSize"][0])
        ids = self._syncs[sync]
        rows = ",".join([_ROW % each for each in ids[(number - 1) * size : number * size]])
        following = ',"next":{"href":"x"}' if number * size < len(ids) else ""
        return (
            f'{{"results":[{rows}],"pageNumber":{number},"pageSize":{size},"totalResults":{len(ids)},'
            f'"_links":{{"self":{{"href":"x"}}{following}}}}}'
        )


class Conversation(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is there whole."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[: end + 2])
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._read) < whole:
                return
            body = bytes(self._read[end + 4 : whole])
            del self._read[:whole]
            method, target, _ = head.split(b" ", 2)
            status, text = self._books.answer(method, target.decode(), body)
            assert self._transport is not None
            head_out = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
            self._transport.write(f"{head_out}\r\n\r\n{text}".encode())


def _serve(pipe: Connection, make: Callable[[], Books]) -> None:
    async def serving() -> None:
        books = make()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Conversation(books), "127.0.0.1", 0, backlog=4096)
        pipe.send(server.sockets[0].getsockname()[1])
        while await asyncio.to_thread(pipe.recv) == "count":
            pipe.send((books.requests, books.expenses))
            books.requests = books.expenses = 0
        server.close()

    asyncio.run(serving())


class Server:
    """A handle on the process that answers."""

    def __init__(self, pipe: Connection, url: str) -> None:
        self._pipe = pipe
        self.url = url

    def count(self) -> tuple[int, int]:
        """Return how many requests and expenses arrived since the last time this was asked."""
        self._pipe.send("count")
        found: tuple[int, int] = self._pipe.recv()
        return found


@contextmanager
def answering(make: Callable[[], Books] = Books) -> Iterator[Server]:
    """Run the server, over books made there, in a process of its own for as long as the block lasts."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there, make), daemon=True)
    process.start()
    try:
        yield Server(here, f"http://127.0.0.1:{here.recv()}")
    finally:
        here.send("end")
        process.join(10)
