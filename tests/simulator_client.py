"""A small client of the simulator's core: says in one word what the API needs a path and a body for."""

import json
import uuid
from decimal import Decimal

from runner.simulator.behaviour import NO_LIMITS, Behaviour
from runner.simulator.service import Service
from runner.simulator.values import Answer, Call, encode

AUTHORIZED = {"authorization": "Basic c2VjcmV0"}
COMPANY = "company-1"


def expense_id(number):
    """The id of the n-th expense."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"expense {number}"))


def expense(number=1, **changed):
    """A transaction as the API takes it."""
    return {
        "id": expense_id(number),
        "type": "Payment",
        "issueDate": "2026-03-01T00:00:00+00:00",
        "currency": "GBP",
        "lines": [{"netAmount": Decimal("12.50"), "taxAmount": Decimal("2.50"), "accountRef": {"id": "400"}}],
        **changed,
    }


class Client:
    """Speaks to one service at a moment that the test moves by hand."""

    def __init__(self, behaviour=None, *, faults=(), seed=1, **dials):
        dials.setdefault("limits", NO_LIMITS)
        dials.setdefault("sync_seconds", (10.0, 10.0))
        self.service = Service(behaviour or Behaviour(**dials), seed=seed, faults=faults)
        self.now = 1_000.0

    @property
    def ledger(self):
        return self.service.ledger

    def send(self, method, path, body=None, *, key=None, headers=AUTHORIZED, peer="127.0.0.1", **query) -> Answer:
        raw = body if isinstance(body, bytes) else b"" if body is None else encode(body)
        extra = {} if key is None else {"idempotency-key": key}
        call = Call(method, path, {k: str(v) for k, v in query.items()}, {**headers, **extra}, raw, peer)
        return self.service.handle(call, now=self.now)

    def wait(self, seconds):
        self.now += seconds

    def path(self, rest, company=COMPANY):
        return f"/companies/{company}/sync/expenses/{rest}"

    def get(self, rest, *, company=COMPANY, **query) -> Answer:
        return self.send("GET", self.path(rest, company), **query)

    def create(self, *expenses, key=None, company=COMPANY) -> Answer:
        """The dataset flow's create."""
        path = self.path("expense-transactions", company)
        return self.send("POST", path, {"items": list(expenses)}, key=key)

    def create_directly(self, *expenses, key=None, company=COMPANY) -> Answer:
        """The direct flow's create."""
        return self.send("POST", self.path("expense-transactions", company), list(expenses), key=key)

    def initiate(self, *datasets, key=None, company=COMPANY) -> Answer:
        return self.send("POST", self.path("syncs", company), {"datasetIds": list(datasets)}, key=key)

    def dataset(self, *expenses, company=COMPANY) -> str:
        """Create a dataset and return its id."""
        answer = self.create(*expenses, company=company)
        assert answer.status == 200, answer
        return read(answer)["datasetId"]

    def sync(self, *expenses, company=COMPANY) -> str:
        """Create a dataset, start its sync and return the sync's id."""
        answer = self.initiate(self.dataset(*expenses, company=company), company=company)
        assert answer.status == 202, answer
        return read(answer)["syncId"]

    def posted(self, *expenses, company=COMPANY) -> str:
        """Sync expenses, wait until that has ended and return the sync's id."""
        sync = self.sync(*expenses, company=company)
        self.wait(60)
        self.get(f"syncs/{sync}/status", company=company)
        return sync

    def code(self, sync, *, company=COMPANY) -> int:
        return read(self.get(f"syncs/{sync}/status", company=company))["syncStatusCode"]

    def rows(self, sync, *, company=COMPANY):
        """Each transaction's id with its status, expense rows only."""
        found = read(self.get(f"syncs/{sync}/transactions", company=company, pageSize=5000))["results"]
        return {row["transactionId"]: row["status"] for row in found if row["integrationType"] != "bankfeeds"}

    def times_posted(self, number, *, company=COMPANY) -> int:
        return len(self.ledger.postings_of(company, expense_id(number)))


def read(answer):
    """The JSON of an answer."""
    return json.loads(answer.body)


def attachment(content=b"%PDF-1.7", *, name="receipt.pdf", content_type="application/pdf", field="file"):
    """The headers and the body of an attachment."""
    head = (
        f'--limit\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    body = head.encode() + content + b"\r\n--limit--\r\n"
    return {**AUTHORIZED, "content-type": "multipart/form-data; boundary=limit"}, body
