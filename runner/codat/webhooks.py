"""Codat's webhooks, read from headers and bytes: which sync has ended, and whether Codat says so. No I/O in here.

What they say is a hint and never the truth: it only decides when the API is asked.
"""

import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from runner.domain.ids import CompanyId, SyncId, is_company_id, is_uuid, normal_company
from runner.errors import ConfigurationWrong

if TYPE_CHECKING:
    from standardwebhooks.webhooks import Webhook

_ENDED = frozenset({"expenses.sync.successful", "expenses.sync.unsuccessful"})
_ENDED_LEGACY = frozenset({"sync completed", "sync failed"})
_SIGNED = ("id", "timestamp", "signature")
REMEMBERED = 10_000
"""Ids of messages that are remembered: Codat delivers each at least once."""


class NotFromCodat(Exception):
    """The request proves nothing; the message says what is missing, and is for the log alone."""


class Unreadable(Exception):
    """The request comes from Codat, as far as can be told, and is nested deeper than anything that means something."""


class Hint(NamedTuple):
    """One sync that is said to have ended."""

    company: CompanyId
    sync: SyncId


class _Company(msgspec.Struct):
    id: str


class _Payload(msgspec.Struct):
    referenceCompany: _Company  # noqa: N815 - Codat's name
    syncId: str  # noqa: N815 - Codat's name


class _Event(msgspec.Struct):
    eventType: str  # noqa: N815 - Codat's name
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class _Data(msgspec.Struct, rename={"sync_id": "syncId"}):
    sync_id: str


class _Alert(msgspec.Struct):
    RuleType: str
    CompanyId: str
    Data: msgspec.Raw = msgspec.Raw(b"{}")
    AlertId: str = ""


class Inbound:
    """Tells Codat's messages from others', and remembers which ones have been read.

    `secrets` verify current events, signed the Svix way (`whsec_…`; several while one replaces another).
    `authorization` is what the user told Codat to send with legacy rules. Raises `ConfigurationWrong` where
    both are missing, where a secret is none, and where the library that verifies is not installed.
    """

    __slots__ = ("_authorization", "_read", "_verifiers")

    def __init__(self, secrets: Sequence[str] = (), authorization: str | None = None) -> None:
        if not secrets and not authorization:
            raise ConfigurationWrong(
                "Webhooks are to be received, but nothing is known that would tell Codat's from others'.",
                hint="Set CODAT_WEBHOOK_SECRET to the endpoint's signing secret (whsec_…), "
                "or CODAT_WEBHOOK_AUTHORIZATION to the value that legacy rules send.",
            )
        self._verifiers = [_verifier(secret) for secret in secrets]
        self._authorization = None if authorization is None else authorization.encode()
        self._read: OrderedDict[str, None] = OrderedDict()

    def __repr__(self) -> str:
        return f"Inbound({len(self._verifiers)} secrets, authorization={'***' if self._authorization else None})"

    def read(self, headers: Mapping[str, str], body: bytes) -> Hint | None:
        """Return the sync that has ended; None for a message read before, and for one about something else.

        Header names are lower case. Raises `NotFromCodat`, and `Unreadable` for what is nested without end. Codat
        repeats whatever is not answered with a 2xx, so that all that comes from Codat deserves one, understood or not.
        """
        signed = {f"webhook-{name}": _header(headers, name) for name in _SIGNED}
        if all(signed.values()):
            self._verify(signed, body)
            found, number = _current(body), signed["webhook-id"]
        else:
            self._authorize(headers.get("authorization", ""))
            found, number = _legacy(body)
        if found is None or (number and self._repeated(number)):
            return None
        return found

    def _verify(self, headers: dict[str, str], body: bytes) -> None:
        if not self._verifiers:
            raise NotFromCodat("it is signed, and no secret is known: set CODAT_WEBHOOK_SECRET")
        reasons = []
        for verifier in self._verifiers:
            try:
                verifier.verify(body, headers, json_parse=False)
            except Exception as error:  # noqa: BLE001 - whatever the library finds wrong with a stranger's bytes
                reasons.append(str(error) or type(error).__name__)
            else:
                return
        raise NotFromCodat("its signature does not hold: " + "; ".join(dict.fromkeys(reasons)))

    def _authorize(self, given: str) -> None:
        if self._authorization is None:
            raise NotFromCodat("it is not signed")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._authorization):
            raise NotFromCodat("its Authorization header is not the one that was agreed on")

    def _repeated(self, number: str) -> bool:
        if number in self._read:
            return True
        self._read[number] = None
        if len(self._read) > REMEMBERED:
            self._read.popitem(last=False)
        return False


def _verifier(secret: str) -> "Webhook":
    try:
        from standardwebhooks.webhooks import Webhook  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationWrong(
            "Signed webhooks need a library that is not installed.",
            hint="Install it with: pip install 'expense-runner[webhooks]'",
        ) from error
    try:
        return Webhook(secret)
    except Exception:  # noqa: BLE001 - whatever the library says of it may quote the secret
        raise ConfigurationWrong(
            "A webhook secret is not one that Codat gives out: whsec_ and base64.",
            hint="Copy it again from Codat's portal, from the settings of the webhook's endpoint.",
        ) from None


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(f"webhook-{name}") or headers.get(f"svix-{name}") or ""


def _current(body: bytes) -> Hint | None:
    try:
        event = msgspec.json.decode(body, type=_Event)
        if event.eventType not in _ENDED:
            return None
        payload = msgspec.json.decode(event.payload, type=_Payload)
    except msgspec.MsgspecError:
        return None
    except RecursionError as error:
        raise Unreadable from error
    return _hint(payload.referenceCompany.id, payload.syncId)


def _legacy(body: bytes) -> tuple[Hint | None, str]:
    try:
        alert = msgspec.json.decode(body, type=_Alert)
        if alert.RuleType.casefold() not in _ENDED_LEGACY:
            return None, ""
        data = msgspec.json.decode(alert.Data, type=_Data)
    except msgspec.MsgspecError:
        return None, ""
    except RecursionError as error:
        raise Unreadable from error
    return _hint(alert.CompanyId, data.sync_id), alert.AlertId


def _hint(company: str, sync: str) -> Hint | None:
    return Hint(normal_company(company), SyncId(sync.lower())) if is_company_id(company) and is_uuid(sync) else None
