"""The journal's verb for one expense's whole story."""

from sqlite3 import Connection
from typing import Any

from runner.domain.ids import ExpenseId
from runner.domain.money import canonical, join
from runner.journal.context import Verbs
from runner.journal.records import OpenRowError
from runner.journal.statements import load

_SQL = load("story")

_EXPENSE = ("company_id", "expense_id", "file", "line", "rows", "state", "code", "message", "currency", "amount",
            "retries", "evidence_sync", "external")  # fmt: skip
_DRAFT = ("draft", "draft_state", "dataset_id", "sync_no", "sync_id", "sync_state", "status_code", "error", "adopted",
          "begun_at", "running_at", "finished_at", "judged_at")  # fmt: skip
_ATTEMPT = ("kind", "idempotency_key", "first_sent_at", "last_sent_at", "sends", "outcome", "http_status",
            "correlation_id", "detail", "run")  # fmt: skip
_RECEIPT = ("path", "size", "state", "attachment_id", "code", "message")
_EVENT = ("at", "kind", "detail", "run")

Story = dict[str, Any]
"""One expense with `drafts`, `attempts`, `receipts` and `events`: plain values, as the command line prints them."""


class Stories(Verbs):
    """Tells what happened to one expense."""

    async def of(self, expense: ExpenseId) -> list[Story]:
        """Return the story of every expense with this id: one for each company that has it."""

        def operation(connection: Connection) -> list[Story]:
            rows = connection.execute(_SQL["find"], {"id": expense}).fetchall()
            return [_story(connection, row) for row in rows]

        return await self._read(operation)

    async def wrong_rows(self, expense: ExpenseId, *, limit: int) -> list[OpenRowError]:
        """Return what is wrong with rows that would be an expense with this id, and were not let in."""
        return await self._rows(OpenRowError, _SQL["wrong_rows"], {"id": expense, "limit": limit})


def _story(connection: Connection, row: tuple[Any, ...]) -> Story:
    number, *facts, currency, units, nanos, retries, draft_no, evidence, external = row
    values = {"expense_no": number, "draft_no": draft_no}
    payload = connection.execute(_SQL["payload"], values).fetchone()
    drafts = [dict(zip(_DRAFT, each, strict=True)) for each in connection.execute(_SQL["drafts"], values)]
    attempts: dict[tuple[Any, ...], Story] = {}
    for draft in drafts:
        subject = {"expense_no": number, "draft_no": draft["draft"], "sync_no": draft["sync_no"]}
        for each in connection.execute(_SQL["attempts"], subject):
            attempts[each] = dict(zip(_ATTEMPT, each, strict=True))
    amount = canonical(join(units, nanos))
    return {
        **dict(zip(_EXPENSE, (*facts, currency, amount, retries, evidence, bool(external)), strict=True)),
        "payload": None if payload is None else bytes(payload[0]).decode("utf-8"),
        "drafts": drafts,
        "attempts": sorted(attempts.values(), key=lambda attempt: str(attempt["first_sent_at"])),
        "receipts": [dict(zip(_RECEIPT, each, strict=True)) for each in connection.execute(_SQL["receipts"], values)],
        "events": [dict(zip(_EVENT, each, strict=True)) for each in connection.execute(_SQL["events"], values)],
    }
