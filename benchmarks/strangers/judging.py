"""The judge: what should stand in the ledger, compared with what does. No input or output."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from environments import Stranger

Batch = dict[str, Any]
Ledger = dict[str, list[dict[str, Any]]]
Report = dict[str, Any]


def mismatches(stranger: Stranger, batches: Sequence[Batch], *, report: Report, ledger: Ledger) -> list[str]:
    """Return a sentence for everything that is not as it should be, none where all is well."""
    expected = [(batch["company"], expense) for batch in batches for expense in batch["expenses"]]
    return [
        *_postings(stranger, expected, report, ledger["entries"]),
        *_attachments(stranger, expected, report, ledger["attachments"]),
        *_answers(batches, report),
    ]


def _postings(
    stranger: Stranger, expected: list[tuple[str, Any]], report: Report, entries: list[dict[str, Any]]
) -> list[str]:
    """Compare the postings: each expense once, nothing else, with its content and under the sync that was named."""
    found = [f"{count} postings of {key}" for key, count in _off(expected_keys(expected), entries, "expense")]
    by_key = {(each["company"], each["expense"]): each for each in entries}
    syncs = {row[0]: sync["sync"] for sync in report["syncs"] for row in sync["rows"]}
    for company, expense in expected:
        entry = by_key.get((company, expense["id"]))
        if entry is None:
            continue
        lines = expense["lines"]
        wanted = {
            "type": expense["type"],
            "currency": expense["currency"],
            "net": sum(Decimal(line["net"]) for line in lines),
            "tax": sum(Decimal(line["tax"]) for line in lines),
            "sync": syncs.get(expense["id"]),
            "has a dataset": stranger.flow == "datasets",
        }
        posted = {
            **{name: entry[name] for name in ("type", "currency", "sync")},
            **{name: Decimal(entry[name]) for name in ("net", "tax")},
            "has a dataset": entry["dataset"] is not None,
        }
        found += [
            f"expense {expense['id']}: {name} is {posted[name]} in the ledger, not {wanted[name]}"
            for name in wanted
            if wanted[name] != posted[name]
        ]
    return found


def _attachments(
    stranger: Stranger, expected: list[tuple[str, Any]], report: Report, stored: list[dict[str, Any]]
) -> list[str]:
    """Compare the files: each once on its own expense, byte for byte, under the id that the client was told."""
    wanted = Counter(
        (company, expense["id"], receipt["name"], _sha256(receipt["content"]))
        for company, expense in expected
        for receipt in expense["receipts"]
    )
    attached = Counter((each["company"], each["expense"], each["name"], each["sha256"]) for each in stored)
    found = [
        f"receipt {key[2]} of {key[1]} attached {attached[key]} times, not {wanted[key]}"
        for key in wanted | attached
        if wanted[key] != attached[key]
    ]
    told = Counter(each for sync in report["syncs"] for each in sync["attachments"])
    if told != Counter(each["id"] for each in stored):
        found.append("the attachment ids that the client was told are not those in the ledger")
    if stranger.names_content_type:
        found += [
            f"receipt {each['name']} has the content type {each['contentType']}"
            for each in stored
            if each["contentType"] not in {"application/pdf", "image/png"}
        ]
    return found


def _answers(batches: Sequence[Batch], report: Report) -> list[str]:
    """Compare what the client understood: a successful sync, with one Completed expense row for each expense."""
    found = [f"sync {each['sync']} ended with {each['code']}" for each in report["syncs"] if each["code"] != 2000]
    for batch, sync in zip(batches, report["syncs"], strict=True):
        wanted = Counter((expense["id"], "Completed") for expense in batch["expenses"])
        seen = Counter((row[0], row[1]) for row in sync["rows"] if row[2] != "bankfeeds")
        if wanted != seen:
            found.append(f"sync {sync['sync']} shows {dict(seen - wanted)}, and lacks {dict(wanted - seen)}")
    return found


def expected_keys(expected: list[tuple[str, Any]]) -> Counter[tuple[str, str]]:
    """Return (company, expense id), once each."""
    return Counter((company, expense["id"]) for company, expense in expected)


def _off(wanted: Counter[tuple[str, str]], rows: list[dict[str, Any]], name: str) -> list[tuple[tuple[str, str], int]]:
    counted = Counter((each["company"], each[name]) for each in rows)
    return [(key, counted[key]) for key in wanted | counted if wanted[key] != counted[key]]


def _sha256(content: str) -> str:
    return hashlib.sha256(base64.b64decode(content)).hexdigest()
