"""Texts from the other side: data, never trusted to be printable or short."""

MAX_TEXT = 2_000


def cleaned(text: str, *, limit: int = MAX_TEXT) -> str:
    """Return the text with whatever does not print escaped, cut to `limit` characters.

    Control characters would write log lines and terminal commands of their own.
    """
    # Cut first as well: a text of megabytes is not worth escaping to its end.
    text = text.strip()[: limit + 1]
    if not text.isprintable():
        text = "".join(each if each.isprintable() else _escaped(each) for each in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
