"""The journal's verbs for receipts."""

from sqlite3 import Connection

from runner.domain.expense import Receipt
from runner.domain.ids import AttachmentId, AttemptNo, CompanyId, ExpenseId, IdempotencyKey, ReceiptNo, SyncId
from runner.domain.states import EffectKind, ReceiptState
from runner.journal import attempts
from runner.journal.attempts import DONE, End
from runner.journal.context import Context
from runner.journal.records import WaitingReceipt
from runner.journal.statements import load

_SQL = load("receipts")


class Receipts:
    """Knows which receipts wait for what."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def waiting(self, company: CompanyId, *, after: ReceiptNo, limit: int) -> list[WaitingReceipt]:
        """Return the next waiting receipts of expenses that stand in the books."""

        def operation(connection: Connection) -> list[WaitingReceipt]:
            rows = connection.execute(_SQL["waiting"], {"company": company, "after": after, "limit": limit})
            return [
                WaitingReceipt(
                    ReceiptNo(number),
                    ExpenseId(expense),
                    Receipt(root, path, size),
                    None if sync_id is None else SyncId(sync_id),
                    bool(external),
                )
                for number, expense, root, path, size, sync_id, external in rows
            ]

        return await self._context.store.read(operation)

    async def begin_attach(
        self, company: CompanyId, receipt: ReceiptNo, *, key: IdempotencyKey, body_hash: bytes
    ) -> AttemptNo:
        """Write the intention to attach the receipt."""
        return await self._context.store.write(
            lambda connection: attempts.begin(
                self._context,
                connection,
                company=company,
                kind=EffectKind.ATTACH,
                key=key,
                body_hash=body_hash,
                receipt=receipt,
            )
        )

    async def record_attached(self, receipt: ReceiptNo, attachment: AttachmentId, attempt: AttemptNo) -> None:
        """Record what Codat made of the receipt."""

        def operation(connection: Connection) -> None:
            attempts.end(self._context, connection, attempt, DONE)
            connection.execute(_SQL["attached"], {"receipt": receipt, "attachment": attachment})

        await self._context.store.write(operation)

    async def record_judged(
        self,
        receipt: ReceiptNo,
        state: ReceiptState,
        *,
        code: str,
        message: str,
        ended: tuple[AttemptNo, End] | None = None,
    ) -> None:
        """Record that the receipt is rejected or in doubt, and why."""
        values = {"receipt": receipt, "state": state, "code": code, "message": message}

        def operation(connection: Connection) -> None:
            if ended is not None:
                attempts.end(self._context, connection, *ended)
            connection.execute(_SQL["judged"], values)

        await self._context.store.write(operation)

    async def retry_in_doubt(self) -> int:
        """Let receipts in doubt wait again, at the risk that one is attached twice; return how many."""
        return await self._context.store.write(lambda connection: connection.execute(_SQL["retry_in_doubt"]).rowcount)
