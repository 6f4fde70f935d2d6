"""The journal's verbs for attempts: intentions before effects, outcomes after."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from runner.domain.ids import AttemptNo, CompanyId, DraftNo, ExpenseId, IdempotencyKey, ReceiptNo, SyncId, SyncNo
from runner.domain.states import EffectKind, Outcome
from runner.errors import IdRepeated
from runner.journal.ages import instant
from runner.journal.context import Context, Verbs
from runner.journal.records import Attempt
from runner.journal.statements import load

_SQL = load("attempts")


@dataclass(frozen=True, slots=True)
class End:
    """What is known of an attempt when it is over, for this time."""

    outcome: Outcome
    received: bool = False
    http_status: int | None = None
    correlation_id: str | None = None
    detail: str | None = None


DONE = End(Outcome.DONE)


@dataclass(frozen=True, slots=True)
class Traces:
    """What the journal knows of the way that expenses went."""

    syncs: frozenset[SyncId]
    """Syncs that listed one of them."""
    sent: Sequence[datetime]
    """When they may have gone out."""


def begin(  # noqa: PLR0913 - one row, its columns
    context: Context,
    connection: Connection,
    *,
    company: CompanyId,
    kind: EffectKind,
    key: IdempotencyKey,
    body_hash: bytes,
    draft: DraftNo | None = None,
    sync: SyncNo | None = None,
    receipt: ReceiptNo | None = None,
) -> AttemptNo:
    """Write an intention, within an operation."""
    values: dict[str, Any] = {
        **context.stamp(),
        "company": company,
        "kind": kind,
        "draft": draft,
        "sync": sync,
        "receipt": receipt,
        "key": key,
        "body_hash": body_hash,
        **context.clocks(),
    }
    (number,) = connection.execute(_SQL["begin"], values).fetchone()
    return AttemptNo(number)


def end(context: Context, connection: Connection, attempt: AttemptNo, fact: End) -> None:
    """Write an outcome, within an operation."""
    values = {
        "now": context.now(),
        "attempt": attempt,
        "outcome": fact.outcome,
        "received": int(fact.received),
        "http_status": fact.http_status,
        "correlation_id": fact.correlation_id,
        "detail": fact.detail,
    }
    connection.execute(_SQL["outcome"], values)


class Attempts(Verbs):
    """Reads attempts back and notes that one is sent again."""

    async def record_unbelieved(self, attempt: AttemptNo, repeated: IdRepeated) -> None:
        """Record an answer whose id belongs to something else: the attempt counts as unanswered, its key as burnt.

        A dataset that was told twice is nobody's: who has it and has not started it forgets it too.
        """
        values = {"attempt": attempt, "sync_id": repeated.sync_id, "dataset_id": repeated.dataset_id}
        fact = End(Outcome.UNKNOWN, received=True, detail=repeated.message)

        def operation(connection: Connection) -> None:
            end(self._context, connection, attempt, fact)
            connection.execute(_SQL["unbelieved"], values)
            connection.execute(_SQL["forget_told_twice"], values)

        await self._write(operation)

    async def any_unbelieved(self, company: CompanyId) -> bool:
        """Say whether an answer that could not be believed leaves something of the company in doubt."""
        return bool(await self._value(_SQL["any_unbelieved"], {"company": company}))

    async def again(self, attempt: AttemptNo) -> None:
        """Record that the attempt's request leaves once more, under its key and with its body."""
        values = {"attempt": attempt, **self._context.stamp(), **self._context.clocks()}
        await self._change(_SQL["again"], values)

    async def record(self, attempt: AttemptNo, fact: End) -> None:
        """Record an outcome that nothing else depends on."""
        await self._write(lambda connection: end(self._context, connection, attempt, fact))

    async def traces_of(self, company: CompanyId, expenses: Collection[ExpenseId]) -> Traces:
        """Return where these expenses may have ended up, without a look at Codat."""

        def operation(connection: Connection) -> Traces:
            sent = {at for (at,) in connection.execute(_SQL["lost_starts"], {"company": company})}
            syncs: set[SyncId] = set()
            for expense in expenses:
                values = {"company": company, "expense": expense}
                sent.update(at for (at,) in connection.execute(_SQL["sent"], values))
                syncs.update(SyncId(sync_id) for (sync_id,) in connection.execute(_SQL["known_in"], values))
            return Traces(frozenset(syncs), sorted(datetime.fromisoformat(at) for at in sent))

        return await self._read(operation)

    async def of_draft(self, draft: DraftNo) -> Attempt | None:
        """Return the latest attempt to create the draft's dataset."""
        return await self._latest("of_draft", draft)

    async def of_sync(self, sync: SyncNo) -> Attempt | None:
        """Return the latest attempt to start the sync."""
        return await self._latest("of_sync", sync)

    async def of_receipt(self, receipt: ReceiptNo) -> Attempt | None:
        """Return the latest attempt to attach the receipt."""
        return await self._latest("of_receipt", receipt)

    async def _latest(self, statement: str, subject: int) -> Attempt | None:
        def operation(connection: Connection) -> Attempt | None:
            row = connection.execute(_SQL[statement], {"subject": subject}).fetchone()
            if row is None:
                return None
            number, key, body_hash, outcome, received, sync_id, dataset_id, *sent = row
            return Attempt(
                no=AttemptNo(number),
                key=IdempotencyKey(key),
                body_hash=body_hash,
                first=instant(connection, self._context, *sent[:4]),
                last=instant(connection, self._context, *sent[4:]),
                outcome=None if outcome is None else Outcome(outcome),
                received=bool(received),
                unbelieved_sync=sync_id,
                unbelieved_dataset=dataset_id,
            )

        return await self._read(operation)
