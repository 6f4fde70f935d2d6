"""Demanding the defaults that a company's expenses need: without them every sync of theirs would fail."""

from runner.domain.ids import CompanyId
from runner.domain.preflight import IDS_LIFE, is_fresh
from runner.domain.remote import Defaults
from runner.errors import CompanyHeld
from runner.journal.preflight import Seen, ToSend
from runner.steps.asking import said
from runner.steps.kit import Kit

CONFIGURE = (
    "Somebody with access to Codat must complete the company's expense configuration (bank account, supplier, "
    "customer) or its mapping."
)


async def demand_defaults(company: CompanyId, work: ToSend, seen: Seen, kit: Kit) -> None:
    """Demand those defaults that stand in for what the expenses do not name; raise `CompanyHeld` without them."""
    if not (work.lacks_bank_account or work.lacks_contact):
        return
    if is_fresh(seen.defaults_at, IDS_LIFE, now=kit.clock.now()) and not _missing(work, seen.defaults):
        return
    defaults = await said(kit.codat.defaults(company))
    await kit.journal.preflight.record_defaults(company, defaults)
    if missing := _missing(work, defaults):
        raise CompanyHeld(
            f"The company's expense configuration has no {' and no '.join(missing)}, and its expenses name none.",
            code="configuration_error",
            hint=CONFIGURE,
        )


def _missing(work: ToSend, defaults: Defaults | None) -> list[str]:
    """Return which defaults are missing; none where Codat does not say."""
    if defaults is None:
        return []
    lacks_bank_account = work.lacks_bank_account and not defaults.bank_account
    lacks_supplier = work.lacks_contact and not defaults.supplier
    return ["bank account"] * lacks_bank_account + ["supplier"] * lacks_supplier
