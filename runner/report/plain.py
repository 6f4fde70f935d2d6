"""The causes in words for a company's bookkeeper, who has never heard of the program or its commands."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from runner.domain.states import ExpenseState
from runner.report.accounting import ACCOUNTING
from runner.report.catalog import entry_about
from runner.report.entry import Entry, Who

STATES: Final[Mapping[ExpenseState, str]] = MappingProxyType({
    ExpenseState.POSTED: "in your books",
    ExpenseState.SENT: "on their way into your books",
    ExpenseState.STAGED: "not sent yet",
    ExpenseState.HELD: "waiting, because your company's connection or settings need somebody",
    ExpenseState.REJECTED: "not accepted: something must be corrected",
    ExpenseState.FAILED: "not taken by your accounting software",
    ExpenseState.IN_DOUBT: "perhaps in your books: please look",
})  # fmt: skip

_BY_WHO: Final[Mapping[Who, str]] = MappingProxyType({
    Who.FIX_DATA: "Please tell us, or whoever made the expense, what is right. We send it again then.",
    Who.FIX_MAPPING: "Please look at account, tax rate and date in your accounting software, and tell us what to use.",
    Who.DECIDE: "Please tell us whether this is another purchase, or one that is in your books already.",
    Who.RECONNECT_COMPANY: "Please connect your accounting software again, or ask whoever may do so.",
    Who.WAIT: "You need not do anything: we look again by ourselves.",
    Who.ASK_CODAT: "You need not do anything: we are asking the connection's provider.",
})  # fmt: skip

_TO_DO: Final[Mapping[tuple[str, str], str]] = MappingProxyType({
    ("expense", "push_error"): "Please look whether it is in your books, and tell us: if it is not, we send it again.",
    ("expense", "absent"): "Please look whether it is in your books, and tell us. We do not send it again before.",
    ("expense", "unknown"): "Please look whether it is in your books, and tell us. We do not send it again before.",
    ("receipt", "unanswered"): "Please look whether it is attached. If not, attach it or tell us to send it again.",
    ("receipt", "external"): "Please look whether it is attached. If it is not, attach it, or tell us to send it.",
    ("receipt", "rebuilt"): "Please look whether it is attached. If it is not, attach it, or tell us to send it.",
    ("receipt", "refused"): "Please give us a smaller file or a PDF, or attach it yourself.",
    ("company", "configuration_error"): "Please see that bank account, supplier and customer for expenses are chosen.",
    ("company", "billing_expired"): "Please renew the subscription to your accounting software.",
    ("company", "not_authorized"): "Please allow the connection to your accounting software again.",
})  # fmt: skip

_MEANING: Final[Mapping[tuple[str, str], str]] = MappingProxyType({
    ("expense", "absent"): "We sent the expense, and the answer does not list it.",
    ("expense", "start_unanswered"): "We sent the expense, and have no answer yet.",
    ("expense", "pending"): "We sent the expense, and it is still called pending.",
    ("expense", "unknown"): "We sent the expense, and nobody can say yet what became of it.",
    ("expense", "validation_error"): "Your accounting software would not accept the expense.",
    ("expense", "refused"): "The expense was not accepted.",
    ("expense", "invalid"): "The expense was not accepted.",
    ("expense", "other_sync"): "We sent the expense, and nobody can say yet what became of it.",
    ("expense", "sync_not_found"): "We sent the expense, and nobody can say yet what became of it.",
    ("company", "company_not_found"): "Your company's connection was not found.",
    ("company", "start_refused"): "Your company's connection does not accept expenses at the moment.",
    ("company", "everything_refused"): "Every expense of your company is refused: hardly the fault of each of them.",
    ("company", "sync_not_found"): "We cannot read what became of the expenses that were sent.",
    ("company", "id_repeated"): "We cannot read what became of the expenses that were sent.",
    ("company", "forbidden"): "We are not allowed to use your company's connection.",
    ("company", "not_rebuilt"): "We are still finding out which of your expenses are in your books.",
    ("company", "unexplained"): "We are still finding out which of your expenses are in your books.",
    ("company", "configuration_error"): "The settings for expenses of your company are wrong or incomplete.",
    ("receipt", "rebuilt"): "We cannot tell whether the receipt was attached.",
    ("receipt", "external"): "The expense came into your books without us, perhaps with this receipt.",
    ("receipt", "unanswered"): "We sent the receipt, and got no answer: it may be attached or not.",
})  # fmt: skip


_OF_ACCOUNTING: Final[Mapping[str, str]] = MappingProxyType({
    "closed_period": "Please open the period for us, or tell us which date in an open period the expense is to have.",
    "duplicate_number": "Please look whether it is in your books already, and tell us.",
    "software_busy": "Please look whether it is in your books, and tell us: if it is not, we send it again.",
    "permission_missing": "Please give the user who connected your accounting software the right to do this, or "
    "connect it again as one who has it.",
    "software_limit": "Please make room in your plan of the accounting software, or take a larger one.",
    "subscription_ended": "Please renew the subscription to your accounting software.",
    "file_refused": "Please give us a smaller file or a PDF, or attach it yourself.",
})  # fmt: skip


def happened(about: str, code: str, accounting: str | None = None) -> str:
    """Say what happened, without the words of the program; `accounting` is the usual error behind it, where one is."""
    if accounting is not None:
        return ACCOUNTING[accounting].meaning
    return _MEANING.get((about, code)) or _entry(about, code).meaning


def to_do(about: str, code: str, accounting: str | None = None) -> str:
    """Say what the bookkeeper can do."""
    if accounting is not None and (about, code) not in _TO_DO:
        return _OF_ACCOUNTING.get(accounting) or _BY_WHO[ACCOUNTING[accounting].who]
    return _TO_DO.get((about, code)) or _BY_WHO[_entry(about, code).who]


def is_ours(about: str, code: str) -> bool:
    """Say whether the bookkeeper need not do anything about it."""
    return (about, code) not in _TO_DO and _entry(about, code).who in {Who.WAIT, Who.ASK_CODAT}


def _entry(about: str, code: str) -> Entry:
    return entry_about(about, code)
