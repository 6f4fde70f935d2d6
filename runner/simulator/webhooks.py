"""The simulator's webhooks: what Codat tells of its own accord when a sync has ended.

Signed as Codat signs them, and delivered as Codat promises: at least once, in any order.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Literal, NamedTuple
from uuid import UUID

import aiohttp

from runner.simulator.service import Service
from runner.simulator.syncs import COMPLETED, Sync

Style = Literal["current", "legacy", "both"]
TICK = 0.02
"""Seconds between two looks whether a sync has ended."""
_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Where webhooks go, and how well they are delivered."""

    url: str
    style: Style = "current"
    secret: str = field(default="", repr=False)
    """Signs current events: `whsec_` and base64."""
    authorization: str = field(default="", repr=False)
    """The Authorization header of legacy rules."""
    twice: bool = False
    """Deliver each of them again a little later."""
    out_of_order: bool = False
    """Deliver the second before the first."""
    lost: float = 0.0
    """The part of them that never arrives."""

    def __post_init__(self) -> None:
        if self.style != "legacy":
            key_of(self.secret)
        if not 0.0 <= self.lost <= 1.0:
            raise ValueError("webhooks: lost is a part, from 0 to 1")


class Message(NamedTuple):
    """One webhook, as it goes over the wire."""

    headers: Mapping[str, str]
    body: bytes


def key_of(secret: str) -> bytes:
    """Return the bytes that sign. Raises `ValueError` for a secret that is none."""
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("webhooks: the secret is whsec_ and base64, such as whsec_c2VjcmV0")
    return key


def sign(secret: str, number: str, timestamp: int, body: bytes) -> str:
    """Return the value of the signature header."""
    signed = b".".join((number.encode(), str(timestamp).encode(), body))
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def messages(sync: Sync, to: Webhooks, *, number: str, timestamp: int) -> list[Message]:
    """Return what is sent about a sync that has ended, at `timestamp` (seconds since 1970)."""
    sent = []
    if to.style != "legacy":
        body = json.dumps(_event(sync, number, timestamp)).encode()
        headers = {
            "content-type": "application/json",
            "webhook-id": number,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(to.secret, number, timestamp, body),
        }
        sent.append(Message(headers, body))
    if to.style != "current":
        headers = {"content-type": "application/json", "authorization": to.authorization}
        sent.append(Message(headers, json.dumps(_alert(sync, number)).encode()))
    return sent


def _event(sync: Sync, number: str, timestamp: int) -> dict[str, object]:
    return {
        "id": number,
        "eventType": f"expenses.sync.{'successful' if _went_well(sync) else 'unsuccessful'}",
        "generatedDate": datetime.fromtimestamp(timestamp, UTC).isoformat(),
        "payload": {
            "referenceCompany": {"id": sync.company.id, "name": sync.company.name},
            "syncId": sync.id,
            "transactions": [
                {"id": each.transaction.id, "status": each.status, "errorMessage": each.message} for each in sync.items
            ],
        },
    }


def _alert(sync: Sync, number: str) -> dict[str, object]:
    done = _went_well(sync)
    return {
        "AlertId": f"alert-{number}",
        "ClientId": "00000000-0000-0000-0000-000000000000",
        "CompanyId": sync.company.id,
        "RuleType": "Sync Completed" if done else "Sync Failed",
        "Message": f"Sync {sync.id} has ended.",
        "Data": {"syncId": sync.id, "syncType": "Expenses", **({} if done else {"FailureStage": "Push"})},
    }


def _went_well(sync: Sync) -> bool:
    return all(each.status == COMPLETED for each in sync.items)


class Sender:
    """Sends a service's webhooks until it is stopped; what cannot be delivered is forgotten."""

    def __init__(
        self,
        service: Service,
        to: Webhooks,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seed: int = 0,
    ) -> None:
        self._service = service
        self._to = to
        self._clock = clock
        self._sleep = sleep
        self._random = Random(seed)  # noqa: S311 - not a secret
        self._waiting: deque[Message] = deque()
        self.delivered = 0
        """How many were answered with a 2xx."""
        service.announce(self._ended)

    async def run(self) -> None:
        """Let time pass, and send what it brings."""
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._service.advance(self._clock())
                while self._waiting:
                    await self._deliver(session, self._waiting.popleft())
                await self._sleep(TICK)

    def _ended(self, sync: Sync) -> None:
        number = str(UUID(int=self._random.getrandbits(128), version=4))
        sent = [
            each
            for each in messages(sync, self._to, number=number, timestamp=int(self._clock()))
            if self._random.random() >= self._to.lost
        ]
        if self._to.twice:
            sent = [*sent, *sent]
        if self._to.out_of_order and self._waiting:
            self._waiting.extendleft(reversed(sent))
        else:
            self._waiting.extend(sent)

    async def _deliver(self, session: aiohttp.ClientSession, message: Message) -> None:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(self._to.url, data=message.body, headers=dict(message.headers)) as answer:
                self.delivered += 200 <= answer.status < 300
