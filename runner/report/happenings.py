"""What happens during a run, in one sentence each, for a person who watches: pure rendering."""

from collections.abc import Mapping

_SENTENCES: Mapping[str, str] = {
    "company_held": "{company} is held: {message}",
    "draining": "{signal}: finishing what is in flight, beginning nothing new. Once more to stop at once.",
    "company_released": "{company} is no longer held",
    "company_left": "{company} is left to a later run: {message}",
    "preflight_rejected": "{company}: {rejected} rejected before they were sent: {message}",
    "draft_refused": "{company}: a draft was refused, {rejected} rejected: {message}",
    "receipt_rejected": "{company}: a receipt was rejected: {message}",
    "receipt_in_doubt": "{company}: nobody answered for the receipt {path}: it may be attached or not",
    "start_unanswered": "{company}: the start of a sync got no answer: {error}",
    "start_in_doubt": "{company} waits up to {seconds_left} s more: a start of a sync may still take effect",
    "start_absent": "{company}: the start that got no answer has not taken effect, and is sent again",
    "found_where_named": "{company}: {expenses} of its expenses are in sync {sync}, which an answer had named",
    "sync_forgotten": "{company}: Codat has forgotten sync {sync}; its expenses are in doubt until somebody looks them "
    "up: expense-runner resolve",
    "undocumented_status": "{company}: sync {sync} has status {code}, which Codat has not documented; taken as {means}",
    "preflight_incomplete": "{company}, and perhaps others: {message}",
    "inbox_not_moved": "{file} was read, and could not be put away: {why}",
    "inbox_ignored": "{file} lies in the inbox and is not read: it is neither expenses nor a receipt",
    "inbox_growing": "{file} in the inbox is still growing: it is left to a later run",
    "payloads_dropped": "of {expenses} expenses that stand in the books only hashes are kept now",
    "input_lost": "the reading of {file} was cut off, and it was overwritten or went away: none of its rows came in",
    "input_changing": "{file} was written while it was read: nothing of it was taken, the next run reads it",
    "webhook_refused": "a request from {peer} is no webhook of Codat's: {reason}",
}
_LONGEST = 300


def sentence_of(event: str, facts: Mapping[str, object]) -> str | None:
    """Return a note as a sentence; None for one that is not worth a person's attention, or says too little.

    Control characters are left out: texts of files and of servers end up on terminals.
    """
    template = _SENTENCES.get(event)
    if template is None:
        return None
    try:
        said = template.format_map(facts)
    except KeyError:
        return None
    plain = "".join(each if each.isprintable() else " " for each in said)
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
