"""The journal's verbs for the preflight: what companies accept, and what their rows are turned into by it."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import NamedTuple

import msgspec

from runner.domain.ids import CompanyId
from runner.domain.mapping_options import MappingOptions
from runner.domain.remote import Defaults
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("preflight")
_RUNS = load("runs")
_OPTIONS = msgspec.json.Decoder(MappingOptions)
# Keys of the wire form; within a text the quotation marks would be escaped.
_BANK_ACCOUNT, _CONTACT = b'"bankAccountRef":', b'"contactRef":'


@dataclass(frozen=True, slots=True)
class Seen:
    """What Codat last said of a company; a time without a value means that it was asked and did not say."""

    linked_at: datetime | None = None
    """When its accounting connection was last seen linked."""
    defaults: Defaults | None = None
    defaults_at: datetime | None = None
    options: MappingOptions | None = None
    options_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToSend:
    """What of a company is about to be sent."""

    undrafted: bool = False
    drafted: bool = False
    lacks_bank_account: bool = False
    """Whether any of its expenses names no bank account, so that the company's default is used."""
    lacks_contact: bool = False


class Candidate(NamedTuple):
    """An expense that is in no draft yet."""

    place: int
    payload: bytes
    """As its row gave it."""
    rewritten: bool
    """Whether it would be sent in another form."""
    retries: int
    code: str | None
    """Of its last rejection, where somebody has staged it again."""


class Rejection(NamedTuple):
    """An expense that cannot be sent as it is."""

    place: int
    code: str
    message: str


class Preflights(Verbs):
    """Keeps what was seen with its age, and writes what follows from it for single expenses."""

    async def seen(self, company: CompanyId) -> Seen:
        """Return what is known of the company."""
        return await self._read(lambda connection: _seen(connection, company))

    async def to_send(self, company: CompanyId) -> ToSend:
        """Return what the company is about to send; it costs a look at each payload only where none lacks anything."""
        values = {"company": company, "bank_account": _BANK_ACCOUNT, "contact": _CONTACT}
        return await self._row(lambda *row: ToSend(*map(bool, row)), _SQL["to_send"], values) or ToSend()

    async def record_linked(self, company: CompanyId) -> None:
        """Record that the company is there and nothing says that it is not connected."""
        await self._note("linked", company)

    async def record_defaults(self, company: CompanyId, defaults: Defaults | None) -> None:
        """Record the company's defaults, or that Codat does not say."""
        bank_account = None if defaults is None else int(defaults.bank_account)
        supplier = None if defaults is None else int(defaults.supplier)
        await self._note("defaults", company, bank_account=bank_account, supplier=supplier)

    async def record_options(self, company: CompanyId, options: MappingOptions | None) -> None:
        """Record what the company accepts, or that Codat does not say."""
        packed = None if options is None else zlib.compress(msgspec.json.encode(options))
        await self._note("options", company, options=packed)

    async def _note(self, statement: str, company: CompanyId, **more: object) -> None:
        values = {"company": company, "now": self._context.now(), **more}
        await self._change(_SQL[statement], values)

    async def page(self, company: CompanyId, *, after: int, limit: int) -> list[Candidate]:
        """Return the company's next expenses that are in no draft yet, in staging order."""
        values = {"company": company, "after": after, "limit": limit}
        return await self._rows(_candidate, _SQL["page"], values)

    async def record(
        self, company: CompanyId, *, bodies: Sequence[tuple[int, bytes]], rejections: Sequence[Rejection]
    ) -> None:
        """Record in which form expenses will be sent (their content stays what their rows gave), and which will not.

        What has come into a draft meanwhile is left alone.
        """
        stamp = {**self._context.stamp(), "company": company, "draft_no": None, "kind": "preflight"}

        def operation(connection: Connection) -> None:
            connection.executemany(_SQL["rewrite"], [{"expense_no": place, "body": body} for place, body in bodies])
            for place, code, message in rejections:
                connection.execute(_SQL["reject"], {"expense_no": place, "code": code, "message": message})
                connection.execute(_RUNS["event"], {**stamp, "expense_no": place, "detail": f"{code}: {message}"})

        await self._write(operation)


def _candidate(place: int, given: bytes, rewritten: int, retries: int, code: str | None) -> Candidate:
    return Candidate(place, given, bool(rewritten), retries, code)


def _seen(connection: Connection, company: CompanyId) -> Seen:
    row = connection.execute(_SQL["known"], {"company": company}).fetchone()
    if row is None:
        return Seen()
    linked_at, bank_account, supplier, defaults_at, options, options_at = row
    return Seen(
        linked_at=_moment(linked_at),
        defaults=None if bank_account is None else Defaults(bool(bank_account), bool(supplier)),
        defaults_at=_moment(defaults_at),
        options=None if options is None else _OPTIONS.decode(zlib.decompress(options)),
        options_at=_moment(options_at),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
