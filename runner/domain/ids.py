"""Identifiers, one type each, so that a dataset's id never stands where a sync's is meant."""

import re
from typing import NewType
from uuid import UUID

CompanyId = NewType("CompanyId", str)
"""Codat's id of a company: the unit of parallelism and of failure."""
CompanyNo = NewType("CompanyNo", int)
"""The journal's own number of a company."""
ExpenseId = NewType("ExpenseId", str)
"""The expense's UUID, lower case with hyphens: the ledger's idempotency key."""
DatasetId = NewType("DatasetId", str)
SyncId = NewType("SyncId", str)
AttachmentId = NewType("AttachmentId", str)
IdempotencyKey = NewType("IdempotencyKey", str)
"""A fresh UUID for each logical request; the same one when that request is replayed."""

RunNo = NewType("RunNo", int)
"""Number of a run in its journal."""
InputNo = NewType("InputNo", int)
"""Number of a staged input file in its journal."""
DraftNo = NewType("DraftNo", int)
"""Number of a draft in its journal."""
SyncNo = NewType("SyncNo", int)
"""Number of a sync in its journal: known before Codat has given it an id."""
ReceiptNo = NewType("ReceiptNo", int)
AttemptNo = NewType("AttemptNo", int)
"""Number of an attempt: one intention to have one effect at Codat."""

# Both cases are written out: this is asked for every expense, and re.IGNORECASE takes more than twice the time.
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_UUID_ANYHOW = re.compile(rf"{_UUID.pattern}|(?<![0-9a-fA-F])[0-9a-fA-F]{{32}}(?![0-9a-fA-F])")
_COMPANY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def is_uuid(text: str) -> bool:
    """Say whether the text is a UUID written with hyphens (either case)."""
    return len(text) == 36 and _UUID.fullmatch(text) is not None


def normal_company(text: str) -> CompanyId:
    """Return a company's id in its one spelling: a UUID in two spellings would be two companies."""
    return CompanyId(text.lower() if is_uuid(text) else text)


def uuids_in(text: str) -> tuple[str, ...]:
    """Return every UUID that the text contains, with hyphens or without, in lower case, in order, each once."""
    return tuple(dict.fromkeys(str(UUID(found[0])) for found in _UUID_ANYHOW.finditer(text)))


def is_company_id(text: str) -> bool:
    """Say whether the text can be a company's id: safe in a URL and in a file name, at most 64 characters."""
    return _COMPANY.fullmatch(text) is not None
