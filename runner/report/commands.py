"""The command that goes on from a cause: one line to paste."""

import shlex
from typing import Final

PERSONS_WORD: Final = frozenset({"unknown", "pending", "other_sync", "sync_not_found"})
"""Codes of expenses in doubt about which Codat may never say more: then only a person can."""

COMPANY: Final = "{company}"
"""Stands in a command for the company's id, where the command is shown for many companies."""


def next_command(about: str, state: str, code: str, *, journal: str, company: str | None = None) -> str | None:
    """Return the command that settles such a cause, or None where a person comes first and the next run then goes on.

    `about` is `expense`, `row`, `receipt` or `company` (a hold). Commands that take a company name the one given,
    or all of them.
    """
    where = f"--journal {shlex.quote(journal)}"
    for_company = f" --company {company if company == COMPANY else shlex.quote(company)}" if company else ""
    rest = {
        ("expense", "failed"): f"retry {where}{for_company} --code {shlex.quote(code)}",
        ("expense", "in_doubt"): f"verify {where}{for_company}",
        ("expense", "rejected"): f"run {where} CORRECTED.csv",
        ("row", "rejected"): f"run {where} CORRECTED.csv",
        ("receipt", "in_doubt"): f"resolve {where}{for_company} --receipts --code {shlex.quote(code)}",
        ("receipt", "waiting"): f"run {where}",
        ("company", "held"): f"run {where}",
    }.get((about, state))
    if about == "expense" and state == "in_doubt" and code in PERSONS_WORD:
        # Whoever pastes it is asked what is so: to be posted or absent is no answer that a page could give.
        rest = f"resolve {where}{for_company} --code {shlex.quote(code)}"
    if code == "start_unanswered":
        rest = f"run {where}"
    elif code in {"not_rebuilt", "unexplained"}:
        rest = f"verify --rebuild {where} FOLDER"
    return None if rest is None else f"expense-runner {rest}"
