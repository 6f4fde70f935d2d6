"""Transactions as the simulator understood them, and the datasets that keep them until a sync."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Transaction:
    """One expense transaction, checked."""

    id: str
    """Lower case."""
    type: str
    currency: str
    net: Decimal
    tax: Decimal
    reference: str | None
    merchant: str | None
    needs: tuple[str, ...]
    """What it does not name itself: it takes these defaults from the company's configuration."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What one create call stored."""

    id: str
    company: str
    transactions: tuple[Transaction, ...]
    created: float


class Datasets:
    """Every dataset of the account, until it is forgotten."""

    def __init__(self, *, forget_after: float | None) -> None:
        self._forget_after = forget_after
        self._by_id: dict[str, Dataset] = {}
        self._pending: dict[str, Dataset] = {}

    def store(self, dataset: Dataset) -> None:
        """Keep a dataset."""
        self._by_id[dataset.id] = self._pending[dataset.id] = dataset

    @property
    def last_id(self) -> str | None:
        """The id of the dataset that was stored last."""
        return next(reversed(self._by_id), None)

    def take(self, datasets: Iterable[str]) -> None:
        """Note that a sync of these datasets was started."""
        for dataset in datasets:
            self._pending.pop(dataset.lower(), None)

    def pending(self, company: str, *, now: float) -> list[str]:
        """Return a company's datasets that no sync was started of, oldest first."""
        return [each for each in self._pending if self.find(company, each, now=now) is not None]

    def find(self, company: str, dataset: str, *, now: float) -> Dataset | None:
        """Return a company's dataset, None where there never was one or it is forgotten."""
        found = self._by_id.get(dataset.lower())
        if found is None or found.company != company:
            return None
        if self._forget_after is not None and now - found.created >= self._forget_after:
            return None
        return found
