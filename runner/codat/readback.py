"""What a staged expense says, read back from its wire form: the parts that the rules of suspicion look at."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from runner.domain.suspicion import Looks


class _Line(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    net_amount: Decimal
    tax_amount: Decimal


class _Transaction(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    type: str
    issue_date: datetime
    currency: str
    lines: list[_Line]
    currency_rate: Decimal | None = None


_DECODER: Final = msgspec.json.Decoder(_Transaction)


def looks_of(payload: bytes) -> Looks:
    """Return how the expense of a payload looks; amounts never pass through a binary float."""
    read = _DECODER.decode(payload)
    return Looks(
        type=read.type,
        issued=read.issue_date,
        currency=read.currency,
        rated=read.currency_rate is not None,
        lines=[(line.net_amount, line.tax_amount) for line in read.lines],
    )
