"""Putting a company aside with a reason, and looking whether it is well again."""

from typing import Final

from runner.codat.client import Codat
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.preflight import Preflight
from runner.domain.remote import CompanyInfo
from runner.domain.states import SyncCode
from runner.errors import CompanyHeld, IdRepeated, Refused
from runner.journal.preflight import Seen
from runner.journal.records import Hold
from runner.steps.defaults import CONFIGURE, demand_defaults
from runner.steps.kit import Kit

_RECONNECT = "The company's owner must reconnect the accounting software in Codat."
_ACCESS = "Ask Codat, or whoever manages the Codat account, to give this API key access to the company."
_COMPANY_ID = "Check the company id in the CSV: Codat does not know it, or the company was deleted."
_BILLING = "The company's subscription to its accounting software has lapsed: its owner must renew it."
_ASK = "Ask Codat's support, with the correlation id."
ASK_FOR_SYNC = (
    "Ask Codat's support, with the sync's id. Its expenses are kept as sent; a later run, after the quiescence time, "
    "that does not find it either puts them in doubt and goes on."
)

_BY_CODE: dict[int, tuple[str, str, str]] = {
    SyncCode.CONFIGURATION_ERROR: (
        "configuration_error",
        "Codat cannot sync: the configuration is wrong",
        CONFIGURE,
    ),
    SyncCode.COMPANY_NOT_FOUND: ("company_not_found", "Codat says that the company was deleted", _COMPANY_ID),
    SyncCode.COMPANY_NOT_AUTHORIZED: (
        "not_authorized",
        "The company's connection was de-authorized",
        _RECONNECT,
    ),
    SyncCode.PLATFORM_BILLING_EXPIRED: (
        "billing_expired",
        "The accounting platform's billing has expired",
        _BILLING,
    ),
}


def held_by_status(code: int, error: str | None) -> CompanyHeld:
    """Return the hold that a sync's status code asks for."""
    word, meaning, hint = _BY_CODE.get(
        code,
        (f"sync_{code}", "Codat ended a sync with a code that asks for the company's attention", CONFIGURE),
    )
    return CompanyHeld(f"{meaning} (sync status {code}{f': {error}' if error else ''}).", code=word, hint=hint)


def held_by_refusal(refusal: Refused) -> CompanyHeld:
    """Return the hold that a refused request asks for."""
    match refusal.status:
        case 403:
            code, hint = "forbidden", _ACCESS
        case 404:
            code, hint = "company_not_found", _COMPANY_ID
        case 422:
            code, hint = "no_connection", _RECONNECT
        case _:
            code, hint = "refused", _ASK
    return CompanyHeld(
        f"Codat refused the request with {refusal.status}: {refusal.message}",
        code=code,
        hint=hint,
        correlation_id=refusal.correlation_id,
    )


def not_linked() -> CompanyHeld:
    """Return the hold of a company whose accounting connection is not linked."""
    return CompanyHeld("No accounting connection of this company is linked.", code="no_connection", hint=_RECONNECT)


SYNC_NOT_FOUND = "sync_not_found"
"""Code of a company one of whose syncs Codat does not know, and of expenses that were in such a sync."""

ID_REPEATED = "id_repeated"
"""Code of a company for which Codat gave an id that is something else's: the looks at what the request did end it."""


def held_by_repeated_id(repeated: IdRepeated) -> CompanyHeld:
    """Return the hold of a company for which an answer gave an id that belongs to something else already."""
    return CompanyHeld(
        f"{repeated.message} Nothing in that answer can be believed.",
        code=ID_REPEATED,
        hint="The next run looks for what the request did, in what the id belongs to as well, and then goes on by "
        "itself. Where it happens again, ask Codat's support, with the id.",
    )


NOT_REBUILT = "not_rebuilt"
"""Code of a company that a rebuild of the journal could not learn about: only another rebuild releases it."""


def not_rebuilt(reason: str) -> CompanyHeld:
    """Return the hold of a company that a rebuild could not learn about."""
    return CompanyHeld(
        f"The journal could not be rebuilt for this company: {reason}",
        code=NOT_REBUILT,
        hint="Run expense-runner verify --rebuild again: nothing is sent for the company before it was compared.",
    )


UNEXPLAINED = "unexplained"
"""Code of a company in whose books stands what no file of a rebuild explains, beside rows without ids."""

BY_REBUILD: Final = frozenset({NOT_REBUILT, UNEXPLAINED})
"""Codes of holds that only another rebuild releases."""


def unexplained(count: int, example: ExpenseId) -> CompanyHeld:
    """Return the hold of a company some of whose posted expenses, such as `example`, no file explains."""
    return CompanyHeld(
        f"Codat lists {count:,} posted {'expense' if count == 1 else 'expenses'} of this company that none of the "
        f"files explains, such as {example}, and rows without ids are yet to be sent: they may be the same purchases.",
        code=UNEXPLAINED,
        hint="If the lost journal had read other files, such as files of rejects: put this journal aside with all that "
        "begins with its name, and rebuild from all of them in their order: expense-runner verify --rebuild FILE… If "
        "another program has posted what no file explains: verify --rebuild --others-posted.",
    )


async def probe_hold(company: CompanyId, kit: Kit) -> None:
    """Let a held company go on if one cheap look finds it well; raise `CompanyHeld` again if not."""
    hold = await kit.journal.companies.hold_of(company)
    if hold is None:
        return
    if hold.code in BY_REBUILD:
        raise CompanyHeld(hold.message, code=hold.code, hint=hold.hint)
    if hold.code == ID_REPEATED:
        # What settles its doubts ends it: no look at the company could.
        return
    try:
        info = await kit.codat.company(company)
    except Refused as refusal:
        raise held_by_refusal(refusal) from refusal
    if info.linked is False:
        raise CompanyHeld(
            "No accounting connection of this company is linked." if hold.code == "no_connection" else hold.message,
            code=hold.code,
            hint=hold.hint or _RECONNECT,
        )
    if kit.checks.level is not Preflight.OFF:
        await _look_as_the_preflight(company, hold, kit)
    await kit.journal.companies.release(company)
    kit.note("company_released", company=company, was=hold.code)


async def release_repeated(company: CompanyId, kit: Kit) -> None:
    """Let a company go on whose answers could not be believed, now that what they did is settled."""
    hold = await kit.journal.companies.hold_of(company)
    if hold is not None and hold.code == ID_REPEATED:
        await kit.journal.companies.release(company)
        kit.note("company_released", company=company, was=hold.code)


async def _look_as_the_preflight(company: CompanyId, hold: Hold, kit: Kit) -> None:
    """Note what the preflight need not ask again; keep the hold and its date where it would only begin anew."""
    await kit.journal.preflight.record_linked(company)
    if hold.code == "configuration_error":
        await demand_defaults(company, await kit.journal.preflight.to_send(company), Seen(), kit)


async def find_company(company: CompanyId, codat: Codat) -> CompanyInfo | None:
    """Return what Codat says of the company, None where it knows none; raise `CompanyHeld` where the key may not ask.

    It tells whether a 404 or a 422 is the company's fault or that of what was asked for.
    """
    try:
        return await codat.company(company)
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise held_by_refusal(refusal) from refusal
