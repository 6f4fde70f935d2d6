"""Attaching receipts: blind, since Codat cannot be asked what is attached, and the same file twice is there twice."""

from runner.domain.ids import CompanyId
from runner.domain.remote import ReceiptFile
from runner.domain.states import Outcome, ReceiptState
from runner.errors import NotReady, OutcomeUnknown, ReceiptUnusable, Refused, RequestError, RunStopped
from runner.journal.records import Attempt, WaitingReceipt
from runner.steps.holds import find_company, held_by_refusal
from runner.steps.intent import Intent, end_of
from runner.steps.kit import Kit
from runner.steps.replay import PAUSES, OtherBody, SameBody, may_replay
from runner.together import each


async def upload_receipts(company: CompanyId, kit: Kit, *, limit: int) -> bool:
    """Attach waiting receipts of the company's posted expenses, each once; say whether there were any."""
    page = await kit.journal.receipts.waiting(company, limit=limit)
    await each(page, lambda waiting: upload(company, waiting, kit), limit=kit.limits.receipts_in_flight)
    return bool(page)


async def upload(company: CompanyId, waiting: WaitingReceipt, kit: Kit) -> None:
    """Attach one receipt: recall, begin, act, record."""
    earlier = await kit.journal.attempts.of_receipt(waiting.no)
    risky = kit.limits.retry_receipts_in_doubt
    if waiting.sync_id is None or (waiting.external and earlier is None and not risky):
        await _in_doubt(waiting, "external", "The expense was posted by others, perhaps with this receipt.", kit)
        return
    try:
        file = kit.load_receipt(waiting.receipt)
    except ReceiptUnusable as error:
        if _is_unanswered(earlier):
            # What was sent before may be attached, whatever became of its file: it is not rejected.
            await _leave_in_doubt(company, waiting, f" {error.message}", kit)
            return
        await _reject(company, waiting, error.code, error.message, kit)
        return
    if earlier is not None and _is_unanswered(earlier):
        # Also who accepts the risk that a receipt is there twice runs it only where nothing better is known.
        if not risky:
            await _settle(company, waiting, file, earlier, kit)
            return
        if await may_replay(company, earlier, kit) and await _replay(company, waiting, file, earlier, kit):
            return
    key = kit.new_key()
    intent = Intent(
        key,
        lambda body_hash: kit.journal.receipts.begin_attach(company, waiting.no, key=key, body_hash=body_hash),
        kit.journal.attempts,
    )
    await _attach(company, waiting, file, intent, kit)


async def _attach(company: CompanyId, waiting: WaitingReceipt, file: ReceiptFile, intent: Intent, kit: Kit) -> None:
    assert waiting.sync_id is not None  # noqa: S101 - looked at by the caller
    try:
        attachment = await kit.codat.attach(
            company, waiting.sync_id, waiting.expense_id, file, key=intent.key, begin=intent.begin
        )
    except (OutcomeUnknown, NotReady) as error:
        if intent.attempt is None:
            raise
        await kit.journal.attempts.record(intent.attempt, end_of(error))
        attempt = await kit.journal.attempts.of_receipt(waiting.no)
        assert attempt is not None  # noqa: S101 - it has just been recorded
        await _settle(company, waiting, file, attempt, kit)
    except Refused as refusal:
        await _meet_refusal(company, waiting, refusal, intent, kit)
    except (RequestError, RunStopped) as error:
        if intent.attempt is not None:
            await kit.journal.attempts.record(intent.attempt, end_of(error))
        raise
    else:
        assert intent.attempt is not None  # noqa: S101 - an answered effect was begun
        await kit.journal.receipts.record_attached(waiting.no, attachment, intent.attempt)
        kit.note("receipt_attached", company=company, expense=waiting.expense_id, attachment=attachment)


async def _meet_refusal(
    company: CompanyId, waiting: WaitingReceipt, refusal: Refused, intent: Intent, kit: Kit
) -> None:
    ended = None if intent.attempt is None else (intent.attempt, end_of(refusal))
    if refusal.status in {403, 404, 422}:
        if ended is not None:
            await kit.journal.attempts.record(*ended)
        # 404 and 422 are the company's as often as the receipt's: its other receipts must not be rejected for it.
        info = None if refusal.status == 403 else await find_company(company, kit.codat)
        if info is None or info.linked is False:
            raise held_by_refusal(refusal) from refusal
    message = f"Codat refused the receipt with {refusal.status}: {refusal.message}"
    await kit.journal.receipts.record_judged(
        waiting.no, ReceiptState.REJECTED, code="refused", message=message, ended=ended
    )
    kit.note(
        "receipt_rejected",
        company=company,
        expense=waiting.expense_id,
        path=waiting.receipt.path,
        message=message,
    )


async def _settle(company: CompanyId, waiting: WaitingReceipt, file: ReceiptFile, attempt: Attempt, kit: Kit) -> None:
    """Resolve an unanswered upload: by its key where that is proven to be honoured and young, else it is in doubt."""
    if await may_replay(company, attempt, kit) and await _replay(company, waiting, file, attempt, kit):
        return
    await _leave_in_doubt(company, waiting, "", kit)


async def _replay(company: CompanyId, waiting: WaitingReceipt, file: ReceiptFile, attempt: Attempt, kit: Kit) -> bool:
    intent = SameBody(attempt, kit.journal.attempts)
    assert waiting.sync_id is not None  # noqa: S101 - looked at by the caller
    for pause in (*PAUSES, None):
        try:
            attachment = await kit.codat.attach(
                company, waiting.sync_id, waiting.expense_id, file, key=attempt.key, begin=intent.begin
            )
        except OutcomeUnknown as error:
            await kit.journal.attempts.record(attempt.no, end_of(error))
            if error.received:
                return False
        except NotReady:
            pass
        except (Refused, OtherBody):
            return False
        else:
            await kit.journal.receipts.record_attached(waiting.no, attachment, attempt.no)
            return True
        if pause is not None:
            await kit.pause(pause)
    return False


def _is_unanswered(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.outcome in {None, Outcome.UNKNOWN}


async def _leave_in_doubt(company: CompanyId, waiting: WaitingReceipt, why: str, kit: Kit) -> None:
    message = f"The upload got no answer: the receipt may be attached or not.{why}"
    await _in_doubt(waiting, "unanswered", message, kit)
    kit.note("receipt_in_doubt", company=company, expense=waiting.expense_id, path=waiting.receipt.path)


async def _in_doubt(waiting: WaitingReceipt, code: str, message: str, kit: Kit) -> None:
    await kit.journal.receipts.record_judged(waiting.no, ReceiptState.IN_DOUBT, code=code, message=message)


async def _reject(company: CompanyId, waiting: WaitingReceipt, code: str, message: str, kit: Kit) -> None:
    await kit.journal.receipts.record_judged(waiting.no, ReceiptState.REJECTED, code=code, message=message)
    kit.note(
        "receipt_rejected",
        company=company,
        expense=waiting.expense_id,
        path=waiting.receipt.path,
        message=message,
    )
