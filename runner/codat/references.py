"""What an expense's wire form names of its company's books, and the same wire form with other ids in these places."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from runner.domain.mapping_options import Kind, Reference


class _Ref(msgspec.Struct, frozen=True):
    id: str


class _Line(msgspec.Struct, rename="camel", frozen=True):
    account_ref: _Ref | None = None
    tax_rate_ref: _Ref | None = None
    tracking_refs: tuple[_Ref, ...] = ()


class _Transaction(msgspec.Struct, frozen=True):
    type: str
    lines: tuple[_Line, ...] = ()


_TRANSACTION = msgspec.json.Decoder(_Transaction)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LINES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_ENCODER = msgspec.json.Encoder()


def references_of(payload: bytes) -> set[Reference]:
    """Return what an expense, given in its wire form, names of its company's books."""
    return references_in([payload])


def references_in(payloads: Iterable[bytes]) -> set[Reference]:
    """Return what any of these expenses, given in their wire form, names of its company's books."""
    # Thousands name the same few: those that are alike are put together before each is looked at.
    alike = set(map(_TRANSACTION.decode, payloads))
    return {reference for each in alike for line in each.lines for reference in _of_line(line, each.type)}


def _of_line(line: _Line, type_: str) -> Iterator[Reference]:
    if line.account_ref is not None:
        yield Reference(Kind.ACCOUNT, line.account_ref.id, type_)
    if line.tax_rate_ref is not None:
        yield Reference(Kind.TAX_RATE, line.tax_rate_ref.id, type_)
    for each in line.tracking_refs:
        yield Reference(Kind.TRACKING, each.id, type_)


def with_ids(payload: bytes, ids: Mapping[Reference, str]) -> bytes:
    """Return the wire form with these ids in the places of the references; the very same bytes where nothing changes.

    All the rest is copied as it is written, so that no amount passes through a number. Tracking categories that
    turn out to be one are named once.
    """
    transaction = _TRANSACTION.decode(payload)
    if all(
        ids.get(each, each.text) == each.text for line in transaction.lines for each in _of_line(line, transaction.type)
    ):
        return payload
    parts = _PARTS.decode(payload)
    raw_lines = _LINES.decode(parts["lines"])
    for line, raw in zip(transaction.lines, raw_lines, strict=True):
        raw.update({name: msgspec.Raw(_ENCODER.encode(value)) for name, value in _refs(line, transaction.type, ids)})
    parts["lines"] = msgspec.Raw(_ENCODER.encode(raw_lines))
    return _ENCODER.encode(parts)


def _refs(line: _Line, type_: str, ids: Mapping[Reference, str]) -> Iterator[tuple[str, Any]]:
    def named(kind: Kind, ref: _Ref) -> str:
        return ids.get(Reference(kind, ref.id, type_), ref.id)

    if line.account_ref is not None:
        yield "accountRef", {"id": named(Kind.ACCOUNT, line.account_ref)}
    if line.tax_rate_ref is not None:
        yield "taxRateRef", {"id": named(Kind.TAX_RATE, line.tax_rate_ref)}
    if line.tracking_refs:
        once = dict.fromkeys(named(Kind.TRACKING, each) for each in line.tracking_refs)
        yield "trackingRefs", [{"id": each} for each in once]
