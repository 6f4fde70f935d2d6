"""Where the key is."""

from collections.abc import Sequence

from runner.codat.key_sources import Found
from runner.doctor.findings import Finding, warning, well


def key(found: Found) -> Sequence[Finding]:
    """Say where the key came from, and what else was said of where it is."""
    lines = [well("key", f"Found in {found.credential.source}.")]
    if found.contradicted_by:
        others = ", ".join(found.contradicted_by)
        lines.append(
            warning("key", f"Another key stands in {others}, and is not used.", "Take away the one that is not meant.")
        )
    if found.unread:
        others = ", ".join(found.unread)
        lines.append(warning("key", f"There is also {others}, which is not asked.", "Name one place only for the key."))
    return lines
