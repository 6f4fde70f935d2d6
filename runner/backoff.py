"""How long to wait before asking again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Jitter = Callable[[float, float], float]
"""Draws a number between two; `random.uniform` in earnest, something scripted in a test."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow by `factor` from `initial` seconds to `maximum`, `attempts` of them."""

    initial: float = 0.5
    factor: float = 1.5
    maximum: float = 60.0
    attempts: int = 8

    def delays(self, jitter: Jitter) -> Iterator[float]:
        """Yield each delay with full jitter: anything between nothing and the grown delay."""
        for delay in self.steps():
            yield jitter(0.0, delay)

    def steps(self) -> Iterator[float]:
        """Yield each delay without jitter."""
        delay = self.initial
        for _ in range(self.attempts):
            yield min(delay, self.maximum)
            delay *= self.factor
