"""Requests and answers as values, JSON with exact decimals, and the documented shape of an error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

LOST = 0
"""Status of an answer that never reaches the client: the connection is closed instead."""

JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json; charset=utf-8"}

_ENCODER = msgspec.json.Encoder(decimal_format="number")
# Amounts never pass through a binary float: what was written is what the ledger keeps.
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it arrives; header names in lower case, the path decoded and without its query."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = "127.0.0.1"
    """Address of the sender: the limit per minute counts by it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    """`LOST` (0) where the client gets a closed connection instead of an answer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    """Seconds between the request's arrival and its answer; the effect happens at the arrival."""
    promised: int | None = None
    """The content length announced where it is more than the body has: the connection breaks half way."""

    @property
    def lost(self) -> bool:
        """Whether no whole answer reaches the client."""
        return self.status == LOST or self.promised is not None


class Problem(NamedTuple):
    """One entry of `validation.errors`."""

    item_id: str | None
    message: str
    validator: str


def decode(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything until it has been checked
    """Read JSON; numbers with a point become decimals. Raises `ValueError` where it is not JSON."""
    return _DECODER.decode(body)


def encode(value: object) -> bytes:
    """Write JSON; decimals become numbers with their digits as they are."""
    return _ENCODER.encode(value)


def ok(value: object, *, status: int = 200) -> Answer:
    """Answer with JSON."""
    return Answer(status, JSON_HEADERS, encode(value))


_WORDS = {
    400: "Bad request",
    401: "Unauthorized",
    402: "Payment required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    409: "Conflict",
    413: "Payload too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}


class Refusal(Exception):
    """An endpoint's way to say no; the service turns it into the documented error body."""

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message or _WORDS.get(status, "Error")
        self.problems = problems
        self.headers = headers or {}


def error(refusal: Refusal, correlation_id: str) -> Answer:
    """Return the documented error body for a refusal."""
    status = refusal.status
    retried = "True" if status in {408, 409, 429} or status >= 500 else "False"
    body = {
        "statusCode": status,
        "service": "Simulator",
        "error": refusal.message,
        "correlationId": correlation_id,
        "canBeRetried": retried,
        "detailedErrorCode": 0,
        "validation": {
            "errors": [
                {"itemId": item, "message": message, "validatorName": validator}
                for item, message, validator in refusal.problems
            ],
            "warnings": [],
        }
        if refusal.problems
        else None,
    }
    return Answer(status, {**JSON_HEADERS, **refusal.headers}, encode(body))
