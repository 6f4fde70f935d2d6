"""The two ways in which Codat takes expenses."""

from enum import StrEnum


class Flow(StrEnum):
    """Which of Codat's two expense APIs is spoken."""

    DATASETS = "datasets"
    """A create stores a dataset; a sync of one or more datasets is initiated afterwards."""
    DIRECT = "direct"
    """A create starts a sync at once: it may post, so it is never repeated blindly."""

    @property
    def creates_datasets(self) -> bool:
        """Whether a create only stores, and posting waits for an initiate."""
        return self is Flow.DATASETS
