"""The journal's verbs for receipts."""

from sqlite3 import Connection
from typing import Any

from runner.domain.expense import Receipt
from runner.domain.ids import AttachmentId, AttemptNo, CompanyId, ExpenseId, IdempotencyKey, ReceiptNo, SyncId
from runner.domain.states import EffectKind, ReceiptState
from runner.journal import attempts
from runner.journal.attempts import DONE, End
from runner.journal.context import Verbs
from runner.journal.records import WaitingReceipt
from runner.journal.statements import load

_SQL = load("receipts")


class Receipts(Verbs):
    """Knows which receipts wait for what."""

    async def waiting(self, company: CompanyId, *, limit: int) -> list[WaitingReceipt]:
        """Return the next waiting receipts of expenses that stand in the books."""
        values = {"company": company, "limit": limit}
        return await self._rows(_waiting, _SQL["waiting"], values)

    async def begin_attach(
        self, company: CompanyId, receipt: ReceiptNo, *, key: IdempotencyKey, body_hash: bytes
    ) -> AttemptNo:
        """Write the intention to attach the receipt."""
        return await self._write(
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

        await self._write(operation)

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

        await self._write(operation)

    async def retry_in_doubt(self) -> int:
        """Let receipts in doubt wait again, at the risk that one is attached twice; return how many."""
        return await self._change(_SQL["retry_in_doubt"])


def _waiting(*row: Any) -> WaitingReceipt:
    number, expense, root, path, size, sha256, sync_id, external = row
    return WaitingReceipt(
        ReceiptNo(number),
        ExpenseId(expense),
        Receipt(root, path, size, sha256),
        None if sync_id is None else SyncId(sync_id),
        bool(external),
    )
