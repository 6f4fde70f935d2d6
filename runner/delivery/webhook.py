"""A URL that is told by POST: https, or http to this machine itself."""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from runner import __version__
from runner.delivery.message import Message, NotDelivered
from runner.domain.hosts import is_loopback
from runner.errors import ConfigurationWrong

PAUSE: Final = 2.0
"""Seconds before the one repetition."""
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class ToWebhook:
    """Posts each message to a URL, whose path may be all that protects it: it is never shown."""

    url: str = field(repr=False)
    authorization: str | None = field(repr=False, default=None)
    """The value of an `Authorization` header."""
    timeout: float
    """Seconds, for each of two tries."""
    pause: float = PAUSE
    name: str = "webhook"

    @property
    def shown(self) -> str:
        """Scheme and host alone; a URL with a user in it is never taken."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def deliver(self, message: Message) -> None:
        """Post; raise `NotDelivered` unless a 2xx comes back.

        Tried once more where it is not certain to fail again: it may arrive twice, with the same `id`.
        """
        asyncio.run(self._deliver(message.json))

    async def _deliver(self, body: bytes) -> None:
        why, again = await self._post(body)
        if why is not None and again:
            await asyncio.sleep(self.pause)
            why, _ = await self._post(body)
        if why is not None:
            raise NotDelivered(why)

    async def _post(self, body: bytes) -> tuple[str | None, bool]:
        """Return why it did not work, or None, and whether another try may."""
        # Here, because most runs have nothing to tell, and those that sent nothing have not loaded it.
        import aiohttp  # noqa: PLC0415

        headers = {"Content-Type": "application/json", "User-Agent": f"expense-runner/{__version__}"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        timeout = aiohttp.ClientTimeout(total=self.timeout)
        try:
            async with (
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout) as session,
                session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                if 200 <= answer.status < 300:
                    return None, False
                return f"It answered {answer.status}.", answer.status in _AGAIN
        except TimeoutError:
            return f"It did not answer within {self.timeout:g} s.", True
        except (aiohttp.ClientError, OSError) as error:
            # The name alone: messages of these errors hold the URL.
            return f"It could not be reached ({type(error).__name__}).", True


def checked_url(url: str) -> str:
    """Return the URL; raise `ConfigurationWrong`, without repeating it, where notices may not go there."""
    hint = "Write https://HOST/…; http only to this machine itself."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationWrong("The URL for notices cannot be read.", hint=hint) from None
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable() or " " in url:
        raise ConfigurationWrong("The URL for notices must begin with https:// and name a host.", hint=hint)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationWrong(
            "The URL for notices must not carry a user or a password.",
            hint="Put the value of an Authorization header into EXPENSE_RUNNER_NOTIFY_AUTHORIZATION.",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationWrong("The URL for notices must be https: they would go unencrypted.", hint=hint)
    return url
