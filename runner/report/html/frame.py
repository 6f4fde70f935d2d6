"""The page around the content: head, styles, scripts, and the policy that lets nothing else in."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from runner.report.html.markup import Html, tag

# What is inline is named by its hash: text that got past the escaping could still not run, load or send anything.
_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'"


@cache
def _asset(name: str) -> str:
    return files("runner.report.html").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy(*, script: bool) -> str:
    """Return the content security policy of a page, with the scripts or without any."""
    parts = [_POLICY, f"style-src {_hash(_asset('app.css'))}"]
    if script:
        parts.append(f"script-src {_hash(_asset('app.js'))}")
    return "; ".join(parts)


def frame(title: str, *body: Html, data: str | None = None, journal: str | None = None, live: bool = False) -> str:
    """Return a whole page; `data` is JSON for its script, already safe inside of an element."""
    scripts = (
        ()
        if data is None
        else (
            Html(f'<script type="application/json" id="data">{data}</script>'),
            Html(f"<script>{_asset('app.js')}</script>"),
        )
    )
    head = (
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(script=data is not None)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        Html(f"<style>{_asset('app.css')}</style>"),
    )
    page = tag(
        "html",
        tag("head", *head),
        tag("body", *body, *scripts, data_journal=journal, data_live="yes" if live else None),
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"
