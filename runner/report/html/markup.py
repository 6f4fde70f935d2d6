"""HTML that cannot be broken by what it shows: every text is escaped unless it was made here."""

import re
from collections.abc import Iterable
from html import escape
from typing import Final

VOID: Final = frozenset({"meta", "input", "br", "link", "col"})

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]
"""What an element can hold: text, markup, numbers, nothing, or several of them."""


def clean(text: str) -> str:
    """Return a text without characters that no page may hold, each replaced by one that shows that it was there."""
    return _CONTROLS.sub("\ufffd", text)


def text_of(child: Child) -> Html:
    """Return markup as it is and everything else escaped."""
    if child is None:
        return Html("")
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return Html(escape(clean(child), quote=True))
    if isinstance(child, int):
        return Html(f"{child:,}")
    return Html("".join(text_of(each) for each in child))


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """Return an element. Attributes end in or have `_` where Python's words are in the way: `class_`, `aria_label`.

    None and False leave an attribute out, True gives it without a value.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{text_of(children)}</{name}>")


def _attribute(key: str, value: str | int | bool | None) -> str:  # noqa: FBT001 - HTML has attributes without values
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    return f' {name}="{escape(clean(str(value)), quote=True)}"'


def said(text: str | None) -> Html:
    """Return a text of somebody else's, of whatever direction of writing, kept from turning what stands beside it."""
    return tag("bdi", text) if text else Html("")
