"""Putting a company aside with a reason, and looking whether it is well again."""

from runner.codat.client import Codat
from runner.domain.ids import CompanyId
from runner.domain.states import SyncCode
from runner.errors import CompanyHeld, Refused
from runner.steps.kit import Kit

_RECONNECT = "The company's owner must reconnect the accounting software in Codat."
_CONFIGURE = (
    "Somebody with access to Codat must complete the company's expense configuration (bank account, supplier, "
    "customer) or its mapping."
)
_ACCESS = "Ask Codat, or whoever manages the Codat account, to give this API key access to the company."
_COMPANY_ID = "Check the company id in the CSV: Codat does not know it, or the company was deleted."
_BILLING = "The company's subscription to its accounting software has lapsed: its owner must renew it."
_ASK = "Ask Codat's support, with the correlation id."

_BY_CODE: dict[int, tuple[str, str, str]] = {
    SyncCode.CONFIGURATION_ERROR: (
        "configuration_error",
        "Codat cannot sync: the configuration is wrong",
        _CONFIGURE,
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
        (f"sync_{code}", "Codat ended a sync with a code that asks for the company's attention", _CONFIGURE),
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


NOT_REBUILT = "not_rebuilt"
"""Code of a company that a rebuild of the journal could not learn about: only another rebuild releases it."""


def not_rebuilt(reason: str) -> CompanyHeld:
    """Return the hold of a company that a rebuild could not learn about."""
    return CompanyHeld(
        f"The journal could not be rebuilt for this company: {reason}",
        code=NOT_REBUILT,
        hint="Run expense-runner verify --rebuild again: nothing is sent for the company before it was compared.",
    )


async def probe_hold(company: CompanyId, kit: Kit) -> None:
    """Let a held company go on if one cheap look finds it well; raise `CompanyHeld` again if not."""
    hold = await kit.journal.companies.hold_of(company)
    if hold is None:
        return
    if hold.code == NOT_REBUILT:
        raise CompanyHeld(hold.message, code=hold.code, hint=hold.hint)
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
    await kit.journal.companies.release(company)
    kit.note("company_released", company=company, was=hold.code)


async def is_linked(company: CompanyId, codat: Codat) -> bool:
    """Say whether the company is there and nothing says that its accounting connection is not."""
    try:
        return (await codat.company(company)).linked is not False
    except Refused as refusal:
        if refusal.status == 404:
            return False
        raise held_by_refusal(refusal) from refusal


async def is_alive(company: CompanyId, codat: Codat) -> bool:
    """Say whether Codat knows the company; raise `CompanyHeld` where the key may not ask."""
    try:
        await codat.company(company)
    except Refused as refusal:
        if refusal.status == 404:
            return False
        raise held_by_refusal(refusal) from refusal
    return True
