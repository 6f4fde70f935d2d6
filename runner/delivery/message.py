"""What is delivered, and what a channel is."""

from dataclasses import dataclass
from typing import Protocol

from runner.errors import RunnerError


class NotDelivered(RunnerError):
    """A channel did not take a message, or nobody knows whether it did: it is sent again another time."""

    code = "not_delivered"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, in three forms of the same content."""

    summary: str
    """One line that prints."""
    text: str
    """For a person: some lines that print."""
    json: bytes
    """For a program: one line of JSON in UTF-8, without a newline."""


class Channel(Protocol):
    """A way out."""

    @property
    def name(self) -> str:
        """What the journal remembers it by."""
        ...

    @property
    def shown(self) -> str:
        """What a person may read of where it leads: without anything secret."""
        ...

    def deliver(self, message: Message) -> None:
        """Deliver, or raise `NotDelivered`."""
        ...
