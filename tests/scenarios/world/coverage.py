"""What all histories of a session have seen together."""

from collections import Counter
from dataclasses import dataclass, field

from tests.scenarios.world.history import Verdict
from tests.scenarios.world.plan import KINDS, Moment


@dataclass(slots=True)
class Coverage:
    """Counts over many histories; two can be added."""

    counts: Counter = field(default_factory=Counter)

    def add(self, sweep: str, verdict: Verdict) -> None:
        """Count one history."""
        plan, counts = verdict.plan, self.counts
        counts["histories", sweep] += 1
        counts["total", "lives"] += verdict.lives
        counts["total", "requests"] += verdict.requests
        counts["total", "violated"] += not verdict.ok
        counts["flow", plan.flow] += 1
        counts["keys", plan.world.idempotency] += 1
        counts["guard", plan.world.duplicate_check] += 1
        for name in ("list_lag", "rows_lag", "status_lag", "push_error_lands", "forget_datasets_after"):
            counts["dial", name] += bool(getattr(plan.world, name))
        counts["dial", "bank_feed_rows"] += plan.world.bank_feed_rows != "none"
        counts["dial", "governed"] += plan.governed
        for moment, times in verdict.cuts.items():
            counts["crash", moment] += times
        for (kind, route), times in verdict.struck.items():
            counts["trouble", kind] += times
            counts["trouble at", route] += times
        for state, times in verdict.states.items():
            counts["ended", state] += times

    def merge(self, rows: list) -> None:
        """Add what another process counted."""
        for group, name, count in rows:
            self.counts[group, name] += count

    def rows(self) -> list:
        """The counts as plain values."""
        return [[group, name, count] for (group, name), count in sorted(self.counts.items())]

    def lines(self) -> list[str]:
        """A summary for people."""
        if not self.counts:
            return []
        histories = self._of("histories")
        kinds = self._of("trouble")
        total = self._of("total")
        size = f"{sum(histories.values()):,} histories, {total['lives']:,} lives, {total['requests']:,} requests"
        return [
            f"{size}, {total['violated']} violated: {_list(histories)}",
            f"crashes: {_list(self._of('crash'))} ({len(self._of('crash'))} of {len(Moment)} moments)",
            f"trouble: {len(kinds)} of {len(KINDS)} kinds, {sum(kinds.values()):,} times: {_list(kinds)}",
            f"trouble at: {_list(self._of('trouble at'))}",
            f"flows: {_list(self._of('flow'))}; keys: {_list(self._of('keys'))}; guard: {_list(self._of('guard'))}",
            f"dials: {_list(self._of('dial'))}",
            f"ended as: {_list(self._of('ended'))}",
        ]

    def _of(self, group: str) -> Counter:
        return Counter({name: count for (each, name), count in self.counts.items() if each == group})


def _list(counts: Counter) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


COVERAGE = Coverage()
