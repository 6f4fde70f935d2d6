"""The API key, wrapped so that it cannot be printed by accident."""

import base64

from runner.codat.hiding import HIDDEN, Hiding, forms_of
from runner.errors import ConfigurationWrong

_READY_MADE = "basic "


class Credential:
    """Codat's API key; whatever prints, logs or formats it shows `***`.

    Takes the raw key, or the ready-made value of the Authorization header (`Basic …`). Everything that does
    not begin with `Basic ` is a raw key, even if it happens to be valid base64.

    `source` says in words where it came from, for people: never the key itself.

    Raises `ConfigurationWrong` for an empty key and for one that no header can carry.
    """

    __slots__ = ("_hiding", "_text", "source")

    def __init__(self, text: str, *, source: str = "") -> None:
        self._text = _checked(text)
        self._hiding = Hiding(forms_of(self._text))
        self.source = source

    def header(self) -> str:
        """Return the value of the Authorization header."""
        if self._text.lower().startswith(_READY_MADE):
            return "Basic " + self._text[len(_READY_MADE) :].strip()
        return "Basic " + base64.b64encode(self._text.encode("ascii")).decode("ascii")

    def hidden(self, text: str) -> str:
        """Return a text without the key, however it is written there."""
        return self._hiding.text(text)

    def hidden_data(self, data: bytes) -> bytes:
        """Return bytes without the key, however it is written there."""
        return self._hiding.data(data)

    def __repr__(self) -> str:
        return f"Credential({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)


def _checked(text: str) -> str:
    text = text.strip()
    if not text or text.lower() == _READY_MADE.strip():
        raise ConfigurationWrong(
            "The Codat API key is empty.", hint="Set CODAT_API_KEY to the key from Codat's portal."
        )
    if not (text.isascii() and text.isprintable()):
        raise ConfigurationWrong(
            "The Codat API key contains characters that a key cannot have.",
            hint="Copy it again from Codat's portal, as one line.",
        )
    return text
