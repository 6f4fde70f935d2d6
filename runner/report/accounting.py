"""The usual errors of accounting software behind Codat's messages: how each is known, and the way out.

Codat passes on what QuickBooks, Xero, NetSuite, FreeAgent, Dynamics and others say, each in words of its own and with
ids in between. A message belongs to the first cause of which all words of one pattern are in it. None is better than a
wrong one: a message that fits nothing is shown as it is.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from runner.report.entry import Entry, Who


class Known(NamedTuple):
    """One cause."""

    patterns: tuple[str, ...]
    """Each one or more beginnings of words, ` … ` between them: all must be in the message, in this order."""
    entry: Entry


_RETRY: Final = "then `expense-runner retry --rejected` (or `retry`, where they failed), and run again."
_ROW: Final = "or correct the row and run with the corrected file."

_KNOWN: Final = {
    "connection_expired": Known(
        ("invalid_grant", "token … expired", "token … revoked", "token … invalid", "deauthori", "re-authenticate",
         "reauthenticate", "authenticationfailed", "authentication failed", "authenticationunsuccessful",
         "not authorized to access the organisation", "connection … unlinked"),
        Entry("The connection to the accounting software is no longer accepted.", Who.RECONNECT_COMPANY,
              f"The company's owner reconnects it in Codat, {_RETRY}"),
    ),
    "subscription_ended": Known(
        ("subscription … ended", "subscription … expired", "subscription … cancel", "trial … ended", "trial … expired",
         "billing problem", "invalid company status", "organisation is not active", "plan … expired"),
        Entry("The subscription to the accounting software has ended.", Who.RECONNECT_COMPANY,
              f"The company's owner renews it, {_RETRY}"),
    ),
    "closed_period": Known(
        ("period … closed", "period … locked", "closed period", "closed accounting period", "closed financial year",
         "locked period", "books … closed", "closing date", "closed through", "lock date", "year … locked",
         "locked … period", "range of allowed posting dates", "not within the date range of your accounting period",
         "outside … accounting period", "period … not open", "period … does not exist", "no open period",
         "end of year lock"),
        Entry("The date lies in a period that is closed, locked or not set up in the company's books.",
              Who.FIX_MAPPING,
              f"Whoever keeps the books opens the period, {_RETRY} Or give the row a date in an open period and run "
              "with the corrected file."),
    ),
    "tax_rate_not_for_account": Known(
        ("taxtype … cannot be used with account", "tax … cannot be used with", "tax … not valid for … account",
         "tax … not applicable", "tax … not allowed", "vat posting setup", "tax rate … account … not",
         "tax code … account … not", "account … not accept … tax", "account … not take … tax",
         "tax … cannot be used on purchases", "sales tax … purchase"),
        Entry("The tax rate may not be used with this account, or not for purchases.", Who.FIX_MAPPING,
              f"Choose a purchase tax rate that the account takes (Codat's mapping options list them), {_ROW}"),
    ),
    "tax_rate_missing": Known(
        ("must have … vat", "have a vat rate", "have a gst", "have a tax", "tax … required", "tax … missing",
         "taxtype … must be specified", "taxcode … mandatory", "select a tax", "vat … must have a value",
         "vat … is required"),
        Entry("The accounting software wants a tax rate on every line.", Who.FIX_DATA,
              "Give tax_rate_id on each line (there is mostly one for no tax), and run with the corrected file."),
    ),
    "tax_rate_invalid": Known(
        ("invalid tax", "tax rate … not found", "tax rate … not exist", "tax rate … inactive", "tax rate … archived",
         "taxtype … not", "tax type … not", "tax code … not", "taxcode … invalid", "tax code … invalid",
         "tax code … inactive", "taxrateref … not", "tax … is deleted", "invalid vat", "vat … not exist",
         "tax calculation … failed"),
        Entry("The tax rate does not exist in the company's books, or is no longer in use.", Who.FIX_MAPPING,
              f"Take one that is in use (Codat's mapping options list them), {_ROW}"),
    ),
    "currency_not_enabled": Known(
        ("not subscribed to currency", "currency … not enabled", "currency … not activ", "currency … not supported",
         "currency … not available", "currency … not set up", "currency … does not exist", "currency … not exist",
         "multicurrency … not", "multi-currency … not", "multicurrency … disabled", "enable multi",
         "turn on multicurrency", "invalid currency", "currency code … not valid"),
        Entry("The company's books do not keep this currency.", Who.FIX_MAPPING,
              f"Switch the currency on in the accounting software, {_RETRY}"),
    ),
    "currency_mismatch": Known(
        ("only use one foreign currency", "currency … does not match", "currency … must match", "currency … differ",
         "currency … must be the same", "currency of the … account", "currency of the … vendor",
         "currency of the … supplier", "different currency"),
        Entry("The expense's currency is not that of its bank account or its supplier.", Who.FIX_MAPPING,
              "Choose a bank account and a supplier of this currency (in the row or in the company's expense "
              f"configuration), {_ROW}"),
    ),
    "rate_required": Known(
        ("exchange rate … required", "exchange rate … missing", "exchange rate … must", "no exchange rate",
         "exchange rate … not found", "exchange rate … invalid", "currency rate … required",
         "conversion rate … required"),
        Entry("The accounting software has no exchange rate for that currency and day.", Who.FIX_DATA,
              "Give currency_rate and run with the corrected file, or enter the rate in the accounting software."),
    ),
    "duplicate_number": Known(
        ("duplicate document number", "number has already been used", "number … already been used",
         "number … already exists", "number … must be unique", "# must be unique", "reference … already",
         "document no. … already exist", "reference … must be unique", "duplicate transaction",
         "this transaction already exists", "duplicate reference"),
        Entry("A document with this number or reference stands in the books already: perhaps this very expense, "
              "entered by hand.", Who.FIX_DATA,
              "Look into the books. If it is there, leave the row out; if it is another, give the row another "
              "reference and run with the corrected file."),
    ),
    "duplicate_name": Known(
        ("name supplied already exists", "duplicate name", "name … already exists", "name … already in use",
         "contact name … must be unique"),
        Entry("A supplier was to be made, and a customer, supplier or employee of that name is there.",
              Who.FIX_MAPPING,
              f"Give the existing supplier's id as contact_id, or rename one of the two, {_RETRY}"),
    ),
    "contact_inactive": Known(
        ("contact … archived", "vendor … inactive", "supplier … inactive", "vendor … archived", "supplier … archived",
         "contact … inactive", "vendor … is blocked", "vendor … blocked", "supplier … blocked", "entity … inactive"),
        Entry("The supplier is archived, blocked or inactive.", Who.FIX_MAPPING,
              f"Make it active again, {_RETRY} Or choose another."),
    ),
    "contact_required": Known(
        ("must choose a vendor", "must select a vendor", "must choose a supplier", "vendor is required",
         "supplier is required", "contact is required", "contact … must be specified", "contact … not found",
         "vendor … not found", "supplier … not found", "vendor … not exist", "supplier … not exist",
         "contact … not exist", "contact … required", "payee … required", "enter … vendor", "missing … vendor",
         "missing … supplier", "no supplier", "entityref … required", "invalid entity reference", "contactref … not"),
        Entry("There is no supplier on the expense, or not one that the books know.", Who.FIX_MAPPING,
              "Give contact_id, or a default supplier in the company's expense configuration in Codat, "
              "then `expense-runner retry --rejected` and run again."),
    ),
    "tracking_required": Known(
        ("dimension … must", "select a dimension", "dimension … mandatory", "tracking … required", "class … required",
         "department … required", "location … required", "enter … department", "enter … class", "enter … location",
         "project … required", "missing … department"),
        Entry("The books want a tracking category (department, class, location, dimension) on this line.",
              Who.FIX_DATA, "Give tracking_ids and run with the corrected file."),
    ),
    "tracking_invalid": Known(
        ("tracking … not", "tracking … invalid", "trackingref … not", "tracking … archived", "invalid department",
         "invalid class",
         "invalid location", "class … inactive", "department … inactive", "location … inactive", "dimension … blocked",
         "dimension … not", "invalid tracking"),
        Entry("A tracking category does not exist in the company's books, or is no longer in use.", Who.FIX_MAPPING,
              f"Take one that is in use (Codat's mapping options list them), {_ROW}"),
    ),
    "bank_account_invalid": Known(
        ("bank account … required", "bank account … not", "bank account … missing", "bank account … invalid",
         "bank account … archived", "no bank account", "bankaccountref … not", "bankaccount … not",
         "paid from … account",
         "account type … bank", "not a bank account", "payment account … required", "payment account … not"),
        Entry("There is no bank or card account to pay from, or it is not one that the books accept for this.",
              Who.FIX_MAPPING,
              "Choose a bank or card account in the company's expense configuration in Codat (or bank_account_id in "
              "the direct flow), then `expense-runner retry --rejected` and run again."),
    ),
    "account_inactive": Known(
        ("account … inactive", "account … archived", "account … not active", "account … deleted",
         "account … blocked", "made inactive", "nominal … inactive", "account … is disabled"),
        Entry("The account, or something else that the expense names, is archived, blocked or inactive in the books.",
              Who.FIX_MAPPING,
              f"Make it active again, {_RETRY} Or choose another account and run with the corrected file."),
    ),
    "account_not_for_expenses": Known(
        ("account … not a valid code for this document", "direct posting", "control account", "system account",
         "account … cannot be used", "account type … not", "account … not allowed", "account … wrong type",
         "account … header", "account … summary", "accounts payable", "accounts receivable",
         "account … not be posted", "manual … not allowed"),
        Entry("Nothing may be booked directly on that account: it is a heading, a control account, or of another type.",
              Who.FIX_MAPPING, f"Choose an expense account, or allow direct posting on it, {_ROW}"),
    ),
    "account_unknown": Known(
        ("account … not found", "account … not exist", "account … not be found", "invalid account", "unknown account",
         "account … not a valid", "account … invalid", "account … must be specified", "account … required",
         "accountref … missing", "nominal code … not", "accountref … not", "accountref … invalid",
         "invalid reference id", "object not found"),
        Entry("The account, or something else that the expense names, does not exist in the company's books.",
              Who.FIX_MAPPING,
              f"Take one that exists (Codat's mapping options list them), {_ROW} If it is new, refresh the company's "
              "data in Codat first."),
    ),
    "amount_refused": Known(
        ("amount … 0 or greater", "amount … negative", "amount … zero", "amount … greater than", "amount … positive",
         "total … does not", "totals … not match", "amount … out of balance", "amount … too large", "not balance",
         "decimal places", "line amount", "amount … must be", "tax amount … does not"),
        Entry("The accounting software does not take an amount: below zero, nothing at all, too many digits, or a tax "
              "that it computes otherwise.", Who.FIX_DATA,
              "Look at net and tax amount; money that came back is a Refund with an amount above zero. Then run with "
              "the corrected file."),
    ),
    "date_refused": Known(
        ("date … invalid", "date … in the future", "date … future", "date … before", "date … too old",
         "date … not valid", "date … out of range", "invalid date"),
        Entry("The accounting software does not take the date.", Who.FIX_DATA,
              "Look at the date: before the company began, or in the future? Then run with the corrected file."),
    ),
    "text_refused": Known(
        ("too long", "maximum length", "exceeds … characters", "string length", "max length", "length … exceed",
         "invalid character", "unsupported character", "string … specified … valid length"),
        Entry("A text is too long for the accounting software, or has a character that it does not take.",
              Who.FIX_DATA, "Shorten merchant_name, reference or notes, and run with the corrected file."),
    ),
    "file_refused": Known(
        ("file … too large", "file size", "file type", "unsupported file", "file … not supported",
         "attachment … too large", "attachment … not supported", "attachments … limit", "content type"),
        Entry("The accounting software does not take the file: its size or its kind.", Who.FIX_DATA,
              "Give a PDF, PNG or JPEG of less than 3 MB under the same name and run with the CSV again."),
    ),
    "permission_missing": Known(
        ("permission", "insufficient", "access denied", "accessdenied", "not authorized", "unauthorized",
         "not have access", "forbidden", "not entitled", "not licensed"),
        Entry("The user who connected the accounting software may not do this there.", Who.RECONNECT_COMPANY,
              f"Give that user the right, or reconnect with one who has it, {_RETRY}"),
    ),
    "software_limit": Known(
        ("usage limit", "reached … limit", "limit … reached", "exceeded … limit", "upgrade … plan"),
        Entry("The company's plan of the accounting software allows no more of this.", Who.RECONNECT_COMPANY,
              f"The company's owner makes room or takes a larger plan, {_RETRY}"),
    ),
    "software_busy": Known(
        ("timeout", "timed out", "not answer in time", "temporarily unavailable", "service unavailable",
         "too many requests", "rate limit", "throttl", "stale object", "being edited", "locked by", "another user",
         "deadlock", "concurrent", "try again", "internal server error", "bad gateway", "unexpected error"),
        Entry("The accounting software was busy or out of order; the expense may stand in the books all the same.",
              Who.WAIT,
              "Look into the books; if it is not there: `expense-runner retry`, then run again. With --auto-retry a "
              "run does so by itself."),
    ),
}  # fmt: skip

ACCOUNTING: Final[Mapping[str, Entry]] = MappingProxyType({code: known.entry for code, known in _KNOWN.items()})

_FILE: Final = "file_refused"
_IDS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+")


def cause_of(about: str, state: str, message: str | None) -> str | None:
    """Return the accounting error behind an `expense` or `receipt` in this state; None where none is certain.

    What is in doubt was not refused, whatever its message says; and of the causes only one is about files.
    """
    if about == "receipt":
        return _FILE if accounting_cause(message) == _FILE else None
    return accounting_cause(message) if state in {"rejected", "failed"} else None


def accounting_cause(message: str | None) -> str | None:
    """Return the code in `ACCOUNTING` that a message of Codat's or of the accounting software stands for, or None."""
    # Messages of one cause differ in ids and numbers, which say nothing here.
    return _cause(_plain(message)) if message else None


@lru_cache(maxsize=4096)
def _cause(said: str) -> str | None:
    return next((code for code, pattern in _patterns() if pattern.search(said)), None)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((code, re.compile("|".join(map(_compiled, known.patterns)))) for code, known in _KNOWN.items())


def _compiled(pattern: str) -> str:
    """Return a pattern as a regular expression: each part begins where a word does, and ends anywhere."""
    parts = [_plain(part) for part in pattern.split(" … ")]
    return ".*?".join((r"\b" if part[0].isalnum() else "") + re.escape(part) for part in parts)


def _plain(text: str) -> str:
    straight = text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(_IDS.sub("#", straight).split())
