"""What each code means, who can do something about it, and what: the same words in every report."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from runner.domain.states import SyncCode
from runner.intake.codes import MEANINGS


class Who(StrEnum):
    """Who can do something about it."""

    FIX_DATA = "fix-data"
    """Whoever made the rows."""
    FIX_MAPPING = "fix-mapping"
    """Whoever decides which accounts, tax rates and settings are used."""
    RECONNECT_COMPANY = "reconnect-company"
    """The company's owner, in Codat or in the accounting software."""
    WAIT = "wait"
    """Nobody yet: a later run settles it."""
    ASK_CODAT = "ask-codat"
    """Codat's support, with the correlation id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One code explained."""

    meaning: str
    who: Who
    way_out: str


_CORRECT = "Correct the row and run with the corrected file: the id stays the same, what is posted stays posted."

_EXPENSES = {
    "id_conflict": Entry(
        "The id is known with other content, and a known expense is never overwritten.",
        Who.FIX_DATA,
        "Give the row another id if it is another expense, or the content it had before.",
    ),
    "validation_error": Entry(
        "Codat checked the expense against the company's accounting software and refused it.",
        Who.FIX_MAPPING,
        "Codat's message says what: mostly an account, a tax rate or a date. Correct the row and run again; or mend "
        "the accounting software, then `expense-runner retry --rejected`.",
    ),
    "invalid": Entry("Codat refused the expense by name before storing it.", Who.FIX_DATA, _CORRECT),
    "refused": Entry("Codat refused the expense when it was sent alone, without naming it.", Who.FIX_DATA, _CORRECT),
    "push_error": Entry(
        "The accounting software did not take the expense, or did not say so in time: it may stand in the books.",
        Who.WAIT,
        "Look into the books; if it is not there: `expense-runner retry`, then run again.",
    ),
    "absent": Entry(
        "The sync has ended and its transactions do not list the expense.",
        Who.WAIT,
        "`expense-runner verify` searches all syncs; if it finds nothing: `expense-runner retry --in-doubt`.",
    ),
    "pending": Entry(
        "The sync has ended and Codat still calls the expense pending.",
        Who.WAIT,
        "The next run looks again; if it stays so, `expense-runner verify`, and ask Codat.",
    ),
    "unknown": Entry(
        "The sync has ended and Codat does not know what became of the expense.",
        Who.ASK_CODAT,
        "The next run looks again; if it stays so, ask Codat with the sync's id.",
    ),
    "sync_not_found": Entry(
        "Codat no longer knows the sync that the expense was in.",
        Who.ASK_CODAT,
        "Ask Codat with the sync's id. Nothing is sent again before it is clear what became of it.",
    ),
}

_HOLDS = {
    "configuration_error": Entry(
        "The company's expense configuration is wrong or incomplete.",
        Who.FIX_MAPPING,
        "Complete bank account, supplier and customer in the company's expense configuration, then run again.",
    ),
    "company_not_found": Entry(
        "Codat does not know the company, or it was deleted.", Who.FIX_DATA, "Check the company id in the CSV."
    ),
    "not_authorized": Entry(
        "The company's connection was de-authorized.",
        Who.RECONNECT_COMPANY,
        "The company's owner reconnects the accounting software; the next run goes on by itself.",
    ),
    "no_connection": Entry(
        "The company has no linked accounting connection.",
        Who.RECONNECT_COMPANY,
        "The company's owner connects the accounting software; the next run goes on by itself.",
    ),
    "billing_expired": Entry(
        "The subscription to the accounting software has lapsed.",
        Who.RECONNECT_COMPANY,
        "The company's owner renews it; the next run goes on by itself.",
    ),
    "forbidden": Entry(
        "The API key may not touch this company.", Who.ASK_CODAT, "Give the key access to the company in Codat."
    ),
    "start_refused": Entry(
        "Codat refuses to start a sync for this company.", Who.ASK_CODAT, "Ask Codat, with the correlation id."
    ),
    "everything_refused": Entry(
        "Codat refuses every expense of this company, so the fault is hardly the rows'.",
        Who.FIX_MAPPING,
        "Check the flow and create_path settings and the company's configuration.",
    ),
    "sync_not_found": _EXPENSES["sync_not_found"],
    "not_rebuilt": Entry(
        "The journal was rebuilt, but not for this company: it could not be read, or one of its syncs did not end.",
        Who.WAIT,
        "`expense-runner verify --rebuild` again; nothing is sent for the company before.",
    ),
}

_RECEIPTS = {
    "unanswered": Entry(
        "The upload got no answer: the receipt may be attached or not, and Codat cannot be asked.",
        Who.WAIT,
        "Look into the books; to attach it again at the risk of having it twice: run --receipts-in-doubt retry.",
    ),
    "external": Entry(
        "The expense was posted outside this journal, perhaps with this receipt.",
        Who.WAIT,
        "Look into the books; to attach it all the same: run --receipts-in-doubt retry.",
    ),
    "rebuilt": Entry(
        "The journal that knew whether the receipt was attached is lost.",
        Who.WAIT,
        "Look into the books; to attach it at the risk of having it twice: run --receipts-in-doubt retry.",
    ),
    "refused": Entry(
        "The accounting software did not take the receipt.",
        Who.FIX_DATA,
        "Mostly its size or kind: give a smaller file or a PDF under the same name and run with the CSV again.",
    ),
}

_SYNCS = {
    SyncCode.IN_PROGRESS: Entry("The sync is in progress.", Who.WAIT, "It is polled."),
    SyncCode.IN_PROGRESS_LONG: Entry(
        "The sync has been in progress for over ten minutes.", Who.WAIT, "It is polled, more rarely."
    ),
    SyncCode.SUCCESS: Entry(
        "The sync has ended and pushed data.", Who.WAIT, "Each expense is judged by its own status."
    ),
    SyncCode.SUCCESS_NOTHING_PUSHED: Entry(
        "The sync has ended and pushed nothing.", Who.WAIT, "Each expense is judged by its own status."
    ),
    SyncCode.CONFIGURATION_ERROR: _HOLDS["configuration_error"],
    SyncCode.COMPANY_NOT_FOUND: _HOLDS["company_not_found"],
    SyncCode.COMPANY_NOT_AUTHORIZED: _HOLDS["not_authorized"],
    SyncCode.PLATFORM_BILLING_EXPIRED: _HOLDS["billing_expired"],
    SyncCode.SERVER_ERROR: Entry(
        "Codat had an error of its own; some expenses may have been posted.",
        Who.WAIT,
        "Each expense is judged by its own status; failed ones are for `expense-runner retry`.",
    ),
    SyncCode.DUPLICATION_PROTECTION: Entry(
        "Codat's duplicate guard stopped the sync: some expenses had been posted before.",
        Who.WAIT,
        "Those are found and never sent again; the rest is sent in a new dataset.",
    ),
    SyncCode.DATA_PROCESSING_ERROR: Entry(
        "Some rows of the sync are at fault.", Who.FIX_DATA, "Each expense is judged by its own status."
    ),
    SyncCode.DATA_PUSH_ERROR: Entry(
        "The accounting software failed to take some expenses; some may have been posted.",
        Who.WAIT,
        "Each expense is judged by its own status; failed ones are for `expense-runner retry`.",
    ),
}

EXPENSES: Final[Mapping[str, Entry]] = MappingProxyType(_EXPENSES)
HOLDS: Final[Mapping[str, Entry]] = MappingProxyType(_HOLDS)
RECEIPTS: Final[Mapping[str, Entry]] = MappingProxyType(_RECEIPTS)
ROWS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "id_conflict": _EXPENSES["id_conflict"],
        **{str(code): Entry(meaning, Who.FIX_DATA, _CORRECT) for code, meaning in MEANINGS.items()},
    }
)

_UNFORESEEN = Entry("A cause that this version has no words for.", Who.ASK_CODAT, "Ask Codat, with the correlation id.")


def explain(code: str) -> list[tuple[str, Entry]]:
    """Return every explanation of a code with the kind of thing it is about; none for a code nobody knows."""
    found = [
        (kind, entries[code])
        for kind, entries in (("row", ROWS), ("expense", EXPENSES), ("company", HOLDS), ("receipt", RECEIPTS))
        if code in entries
    ]
    if code.isdecimal() and int(code) in SyncCode._value2member_map_:
        found.append(("sync", _SYNCS[SyncCode(int(code))]))
    return list({entry: (kind, entry) for kind, entry in found}.values())


def entry_of(entries: Mapping[str, Entry], code: str) -> Entry:
    """Return a code's explanation, or one that admits that there is none."""
    return entries.get(code, _UNFORESEEN)


def all_codes() -> list[str]:
    """Return every code that can be explained, sorted, numbers last."""
    words = {*ROWS, *EXPENSES, *HOLDS, *RECEIPTS}
    return [*sorted(words), *(str(int(code)) for code in _SYNCS)]
