"""What each code means, who can do something about it, and what: the same words in every report."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from runner.domain.states import SyncClass, SyncCode, classify
from runner.domain.suspicion import Oddity
from runner.intake.codes import MEANINGS, OF_FILES, Code
from runner.report.accounting import ACCOUNTING, accounting_cause
from runner.report.entry import Entry, Who
from runner.report.preflight import PREFLIGHT

_CORRECT = "Correct the row and run with the corrected file: the id stays the same, what is posted stays posted."

_FILE: Final = "Mend the file itself and run with it again: nothing of it was used."
_HEADER: Final = (
    "Give the file a header line with the columns that it needs, or read it with a mapping profile "
    "(`expense-runner map init FILE` writes a first one), and run with it again."
)
_FILES: Final[Mapping[str, str]] = {
    Code.FILE_UNREADABLE: "See that the file is there and may be read, and run with it again: nothing of it was used.",
    Code.NOT_UTF8: "Save the file as UTF-8, or name its encoding in a mapping profile (`expense-runner map init FILE` "
    "writes a first one), and run with it again.",
    Code.ENCODING_WRONG: "Name the file's own encoding in its mapping profile, and run with it again.",
    Code.NO_HEADER: _HEADER,
    Code.COLUMN_MISSING: _HEADER,
    Code.COLUMN_REPEATED: "Let the header name each column once, and run with the file again.",
    Code.QUOTING_BROKEN: "Close the quotation mark, or export the file again, and run with it.",
    Code.WORKBOOK_UNREADABLE: "Save the workbook again as .xlsx, without a password, or its sheet as CSV UTF-8, "
    "and run with it.",
}

_EXPENSES = {
    **PREFLIGHT,
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
        "Look into the books; if it is not there: `expense-runner retry`, then run again; if it is: "
        "`expense-runner resolve ID --posted`.",
    ),
    "absent": Entry(
        "The sync has ended and its transactions do not list the expense.",
        Who.WAIT,
        "`expense-runner verify` searches all syncs; if it finds nothing: `expense-runner retry "
        "--in-doubt`. Or look into the books, then `expense-runner resolve ID --posted` or `--absent`.",
    ),
    "pending": Entry(
        "The sync has ended and Codat still calls the expense pending.",
        Who.WAIT,
        "The next run looks again; if it stays so, look into the books, then `expense-runner resolve ID --posted` or "
        "`--absent`.",
    ),
    "unknown": Entry(
        "The sync has ended and Codat does not know what became of the expense.",
        Who.ASK_CODAT,
        "The next run looks again; if it stays so, look into the books, or ask Codat with the sync's id; then "
        "`expense-runner resolve ID --posted` or `--absent`.",
    ),
    "resolved": Entry(
        "Somebody has said that the expense stands in the books.",
        Who.WAIT,
        "Nothing: `expense-runner show ID` tells who said it, when and why.",
    ),
    "dismissed": Entry(
        "Somebody has said that what was rejected will not come any more.",
        Who.WAIT,
        "Nothing: `expense-runner show ID` tells who said it, when and why.",
    ),
    "other_sync": Entry(
        "Another sync lists the expense, which was not known when it was chosen to be sent again.",
        Who.ASK_CODAT,
        "Look into the books, and find out who started that sync; then `expense-runner resolve ID --posted` or "
        "`--absent`.",
    ),
    "start_unanswered": Entry(
        "The start of the expense's sync got no answer: it may be on its way into the books.",
        Who.WAIT,
        "The next run finds out what became of it, at the latest after the quiescence time.",
    ),
    "sync_not_found": Entry(
        "Codat no longer knows the sync that the expense was in.",
        Who.ASK_CODAT,
        "Ask Codat with the sync's id. Nothing is sent again before it is clear what became of it: each run looks for "
        "the sync again, and `expense-runner verify` for the expense in other syncs. Or look into the books, then "
        "`expense-runner resolve ID --posted` or `--absent`.",
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
    "id_repeated": Entry(
        "Codat gave a sync or a dataset an id that belongs to something else already, so nothing in that answer can be "
        "believed.",
        Who.WAIT,
        "The next run looks for what the request did, in what the id belongs to as well, at the longest until the "
        "quiescence time is over; then the hold ends by itself. Where it comes again, ask Codat with the id.",
    ),
    "not_rebuilt": Entry(
        "The journal was rebuilt, but not for this company: it could not be read, or one of its syncs did not end.",
        Who.WAIT,
        "`expense-runner verify --rebuild` again; nothing is sent for the company before.",
    ),
    "unexplained": Entry(
        "The journal was rebuilt, and Codat lists posted expenses of this company that none of the files explains, "
        "while rows without ids are yet to be sent: they may be the same purchases.",
        Who.DECIDE,
        "Put this journal aside, and rebuild from all files that the lost one had read, files of rejects too, in their "
        "order; if what is left was posted by another program: `expense-runner verify --rebuild --others-posted`.",
    ),
}

_RECEIPTS = {
    "unanswered": Entry(
        "The upload got no answer: the receipt may be attached or not, and Codat cannot be asked.",
        Who.WAIT,
        "Look into the books, then `expense-runner resolve --receipts ID --attached` or `--missing`.",
    ),
    "external": Entry(
        "The expense was posted outside this journal, perhaps with this receipt.",
        Who.WAIT,
        "Look into the books, attach it there by hand if need be, then `expense-runner resolve --receipts ID "
        "--attached`.",
    ),
    "rebuilt": Entry(
        "The journal that knew whether the receipt was attached is lost.",
        Who.WAIT,
        "Look into the books, then `expense-runner resolve --receipts ID --attached` or `--missing`.",
    ),
    "resolved": Entry(
        "The expense is posted by somebody's word: nothing tells in which sync its receipt could be attached.",
        Who.WAIT,
        "Attach it by hand, then `expense-runner resolve --receipts ID --attached`.",
    ),
    "dismissed": _EXPENSES["dismissed"],
    "not_uploaded": Entry(
        "The expense stands in the books, and the receipt is not attached yet.",
        Who.WAIT,
        "The next run uploads it.",
    ),
    "receipt_changed": Entry(
        "The receipt's file has other content than when the row was read: nothing was attached.",
        Who.FIX_DATA,
        "Look which file is the right one, put it under the same name and run with the CSV again.",
    ),
    "receipt_unusable": Entry(
        "The receipt's file can no longer be read as it was.",
        Who.FIX_DATA,
        "Put the file back under the same name and run with the CSV again.",
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

_WARNINGS = {
    Oddity.NEAR_DUPLICATE: Entry(
        "The company has another expense of the same type, merchant and amount within three days, under another id.",
        Who.FIX_DATA,
        "Look whether one purchase was reported twice, and take one of the rows out; two purchases may stay as they "
        "are.",
    ),
    Oddity.DATE_IN_FUTURE: Entry(
        "The date is still to come.", Who.FIX_DATA, "Look at the year, and at the order of day and month."
    ),
    Oddity.DATE_LONG_AGO: Entry(
        "The date is more than five years ago: its accounting period is probably closed.",
        Who.FIX_DATA,
        "Look at the year; where it is right, see that the period is open in the accounting software.",
    ),
    Oddity.RATE_MISSING: Entry(
        "The company has expenses in several currencies, and this one, in another than most, has no exchange rate. "
        "QuickBooks Online would use 1 without a word.",
        Who.FIX_DATA,
        "Give currency_rate, unless this is the currency of the company's books or its software knows the rate.",
    ),
    Oddity.TAX_ABOVE_NET: Entry(
        "A line's tax is larger than its net amount.",
        Who.FIX_DATA,
        "Look whether the columns are exchanged, or the tax holds the gross amount.",
    ),
    Oddity.TAX_AGAINST_NET: Entry(
        "A line's tax has the other sign than its net amount.", Who.FIX_DATA, "Give both the same sign."
    ),
    Oddity.SIGN_AGAINST_TYPE: Entry(
        "The amount is below zero. The type says which way the money went, so amounts are above zero: those of a "
        "Refund as well.",
        Who.FIX_DATA,
        "Where money came back, write a Refund with the amount above zero (a mapping profile can do so by itself).",
    ),
    Oddity.AMOUNT_ZERO: Entry(
        "The expense amounts to nothing; some accounting software refuses it.",
        Who.FIX_DATA,
        "Take the row out, or leave it if it is there to hold a receipt.",
    ),
    Oddity.AMOUNT_FAR_OFF: Entry(
        "The amount is some 64 times what 19 of 20 expenses of the company stay below, or more.",
        Who.FIX_DATA,
        "Look whether a decimal point is missing.",
    ),
    Oddity.SUSPICIOUS_AMOUNT: Entry(
        "The amount looks like a number of another kind, such as a reference, an account number or a day: it has 13 "
        "digits or more before the point, or the file's amounts are all whole and of one length, and no two alike.",
        Who.FIX_DATA,
        "Look which column the amount comes from.",
    ),
    Oddity.TOTAL_ROW: Entry(
        "The row may be a total or a balance: its text says so, or its amount is the sum of the rows above it.",
        Who.FIX_DATA,
        "Take the row out, or let the mapping profile skip it ([[skip]]); an expense may stay as it is.",
    ),
    Oddity.RECEIPT_LARGE: Entry(
        "The receipt is larger than 5 MB, which FreeAgent, Zoho and mostly Xero do not take.",
        Who.FIX_DATA,
        "Give a smaller file; QuickBooks Online, NetSuite and Dynamics 365 take up to 100 MB.",
    ),
}

EXPENSES: Final[Mapping[str, Entry]] = MappingProxyType(_EXPENSES)
HOLDS: Final[Mapping[str, Entry]] = MappingProxyType(_HOLDS)
RECEIPTS: Final[Mapping[str, Entry]] = MappingProxyType(_RECEIPTS)
ROWS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "id_conflict": _EXPENSES["id_conflict"],
        **{
            str(code): Entry(meaning, Who.FIX_DATA, _FILES.get(code, _FILE) if code in OF_FILES else _CORRECT)
            for code, meaning in MEANINGS.items()
        },
        str(Code.POSSIBLE_DUPLICATE): Entry(
            MEANINGS[Code.POSSIBLE_DUPLICATE],
            Who.DECIDE,
            "Say which it is: expense-runner resolve --same or --other, for the row or for its file; or say for good "
            'whether such exports overlap: [id] overlap = "yes" or "no" in the mapping profile, --overlap otherwise.',
        ),
        str(Code.LINE_REPEATED): Entry(
            MEANINGS[Code.LINE_REPEATED],
            Who.FIX_DATA,
            'Take the copy out; or, where both are meant, write [id] repeated_lines = "keep" in the mapping profile.',
        ),
    }
)

WARNINGS: Final[Mapping[str, Entry]] = MappingProxyType({str(code): entry for code, entry in _WARNINGS.items()})

_CLASSES = {
    SyncClass.RUNNING: "in progress",
    SyncClass.DONE: "ended",
    SyncClass.HOLD: "the company needs somebody",
    SyncClass.ERROR: "an error",
}

SYNCS: Final[Mapping[int, Entry]] = MappingProxyType({int(code): entry for code, entry in _SYNCS.items()})

_UNFORESEEN = Entry("A cause that this version has no words for.", Who.ASK_CODAT, "Ask Codat, with the correlation id.")


_KINDS: Final = (
    ("row", ROWS),
    ("expense", EXPENSES),
    ("company", HOLDS),
    ("receipt", RECEIPTS),
    ("warning", WARNINGS),
    ("accounting", ACCOUNTING),
)


def explain(code: str) -> list[tuple[str, Entry]]:
    """Return every explanation of a code with the kind of thing it is about; none for a code nobody knows.

    A message of the accounting software is explained by the usual error that it stands for.
    """
    found = [(kind, entries[code]) for kind, entries in _KINDS if code in entries]
    if code.isdecimal() and int(code) in SyncCode._value2member_map_:
        found.append(("sync", _SYNCS[SyncCode(int(code))]))
    if not found and (cause := accounting_cause(code)) is not None:
        found.append(("accounting", ACCOUNTING[cause]))
    return list({entry: (kind, entry) for kind, entry in found}.values())


def entry_of(entries: Mapping[str, Entry], code: str) -> Entry:
    """Return a code's explanation, or one that admits that there is none."""
    return entries.get(code, _UNFORESEEN)


def entry_about(about: str, code: str) -> Entry:
    """Return the explanation of a code of an `expense`, a `row`, a `receipt` or a held `company`.

    A receipt's file can be at fault as it can in a row.
    """
    entries = {"expense": EXPENSES, "row": ROWS, "company": HOLDS, "receipt": RECEIPTS}[about]
    return entry_of(ROWS if about == "receipt" and code not in RECEIPTS else entries, code)


def sync_meaning(code: int) -> str:
    """Return what a sync's status code means; of one that Codat has not documented, what its first digit says."""
    if code in SYNCS:
        return SYNCS[code].meaning
    return f"Codat has not documented this code; taken as: {_CLASSES[classify(code)]}."


def all_codes() -> list[str]:
    """Return every code that can be explained, sorted, numbers last."""
    words = {code for _, entries in _KINDS for code in entries}
    return [*sorted(words), *(str(int(code)) for code in _SYNCS)]
