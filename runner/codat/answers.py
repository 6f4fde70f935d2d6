"""Where statuses become errors: done, definitely not done, or unknown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from runner.codat.messages import Request, Response
from runner.codat.texts import cleaned
from runner.domain.ids import is_uuid
from runner.errors import (
    AccountLimited,
    KeyRefused,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RefusedItem,
)

UNREADABLE_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a body that is not the JSON expected; the last where it is nested too deeply."""

_MAX_ITEMS = 1_000
_MAX_ID = 100


_DEFINITE = frozenset({400, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 425, 431, 451})
"""Statuses of requests that were turned away; 401, 402, 409 and 429 are too, and have errors of their own."""


def check(request: Request, response: Response) -> None:
    """Return for a 2xx; raise what any other status means.

    Raises:
        KeyRefused: 401.
        AccountLimited: 402.
        NotReady: 409.
        RateLimited: 429.
        Refused: the 4xx that a service gives before it does anything; definite, the request had no effect.
            A read may be refused by any 4xx but 408.
        OutcomeUnknown: 408, 5xx, a 4xx that a proxy may have put in the place of an answer to an effect
            (such as 460 and 499), and a redirect, which is never followed; `received` is true, so the
            idempotency key is burnt: Codat replays the same answer to it.

    """
    status = response.status
    if 200 <= status < 300:
        return
    message, items = _explained(response)
    correlation_id = correlation_id_of(response)
    what = f"{request.method} answered {status}: {message}" if message else f"{request.method} answered {status}"
    match status:
        case 401:
            raise KeyRefused(
                f"Codat refused the API key (401). {message}".strip(),
                hint="Check the key in Codat's portal, under Developers, API keys.",
                correlation_id=correlation_id,
            )
        case 402:
            raise AccountLimited(
                f"The Codat account's limit is reached or its plan has expired (402). {message}".strip(),
                hint="Talk to Codat about the account's plan, then run again.",
                correlation_id=correlation_id,
            )
        case 409:
            raise NotReady(what, correlation_id=correlation_id)
        case 429:
            raise RateLimited(what, retry_after=retry_after(response), correlation_id=correlation_id)
        case _ if status in _DEFINITE or (400 <= status < 500 and status != 408 and not request.is_effect):
            raise Refused(message or what, status=status, items=items, correlation_id=correlation_id)
        case _:
            raise OutcomeUnknown(what, received=True, status=status, correlation_id=correlation_id)


def unreadable(response: Response, reason: str) -> OutcomeUnknown:
    """Return the error for a 2xx that cannot be used: the effect may have happened, a replay may tell."""
    return OutcomeUnknown(
        f"An answer with status {response.status} cannot be read: {reason}",
        received=False,
        status=response.status,
        correlation_id=correlation_id_of(response),
    )


def correlation_id_of(response: Response) -> str | None:
    """Return the id that Codat's support asks for, from the body or else from a header."""
    found = _object(response).get("correlationId") if response.status >= 300 else None
    if not isinstance(found, str) or not found.strip():
        found = response.headers.get("x-correlation-id")
    return cleaned(found, limit=_MAX_ID) if found else None


def retry_after(response: Response, *, now: datetime | None = None) -> float | None:
    """Return the seconds that Retry-After asks to wait, at least 0; None where it says nothing usable.

    It is a number of seconds or an HTTP date. A date is measured from the answer's own Date header, so that a
    wrong local clock does not matter, and from `now` where that is missing.
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    # Ten digits are three centuries: longer numbers are noise.
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 10:
        return float(text)
    until = _http_date(text)
    start = _http_date(response.headers.get("date", "")) or now
    if until is None or start is None:
        return None
    return max(0.0, (until - start).total_seconds())


def date_of(response: Response) -> float | None:
    """Return the service's time when it answered, in seconds since 1970; None where the answer does not tell.

    An answer with an `Age` comes out of a cache: its date is the time when it was put there.
    """
    date = None if "age" in response.headers else _http_date(response.headers.get("date", ""))
    # A year that no clock shows by mistake is noise.
    return date.timestamp() if date is not None and 1970 < date.year < 5000 else None


def foreign(response: Response) -> str:
    """Describe an answer that is not Codat's JSON, such as a proxy's page."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "html" in kind or response.body.lstrip()[:1] == b"<":
        named = "HTML"
    elif kind in {"", "application/json"}:
        named = "of another shape" if response.body.strip() else "empty"
    else:
        named = cleaned(kind, limit=60)
    return f"an answer that is not Codat's ({named}) with status {response.status}"


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def _explained(response: Response) -> tuple[str, tuple[RefusedItem, ...]]:
    body = _object(response)
    if not body:
        return foreign(response), ()
    items = _items(body.get("validation"))
    # The last three are what web frameworks in front of Codat say.
    for name in ("error", "detail", "message", "title"):
        text = body.get(name)
        if isinstance(text, str) and text.strip():
            return cleaned(text), items
    return cleaned("; ".join(item.message for item in items[:5] if item.message)), items


def _items(validation: object) -> tuple[RefusedItem, ...]:
    errors = validation.get("errors") if isinstance(validation, Mapping) else None
    if not isinstance(errors, list):
        return ()
    return tuple(_item(each) for each in errors[:_MAX_ITEMS] if isinstance(each, Mapping))


def _item(error: Mapping[str, object]) -> RefusedItem:
    item_id = _text(error.get("itemId"), limit=200)
    return RefusedItem(
        # Expenses are known by lower-case UUIDs; Codat may answer in either case.
        item_id=item_id.lower() if is_uuid(item_id) else item_id,
        message=_text(error.get("message")),
    )


def _text(value: object, *, limit: int = 2_000) -> str:
    return "" if value is None else cleaned(str(value), limit=limit)


def _object(response: Response) -> Mapping[str, Any]:
    try:
        body = msgspec.json.decode(response.body)
    except UNREADABLE_JSON:
        return {}
    return body if isinstance(body, dict) else {}
