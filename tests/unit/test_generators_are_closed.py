"""An asynchronous generator that is left early is closed where it is used, not whenever the collector comes by."""

import ast
from pathlib import Path

import pytest

RUNNER = Path(__file__).resolve().parents[2] / "runner"
NOT_GENERATORS = {"answer.content.iter_any()": "aiohttp's own iterator over a body"}


def loops_without_closing(source: str) -> list[str]:
    """Return what `async for` goes through that no `async with aclosing(...) as name` around it closes."""
    found = []

    def look(node: ast.AST, closing: frozenset[str]) -> None:
        if isinstance(node, ast.AsyncWith):
            closing |= {
                ast.unparse(each.optional_vars)
                for each in node.items
                if each.optional_vars is not None and ast.unparse(each.context_expr).startswith("aclosing(")
            }
        if isinstance(node, ast.AsyncFor) or (isinstance(node, ast.comprehension) and node.is_async):
            through = ast.unparse(node.iter)
            if through not in closing and through not in NOT_GENERATORS:
                found.append(through)
        for child in ast.iter_child_nodes(node):
            look(child, closing)

    look(ast.parse(source), frozenset())
    return found


def test_every_loop_closes_what_it_goes_through() -> None:
    sources = {str(path.relative_to(RUNNER)): path.read_text(encoding="utf-8") for path in RUNNER.rglob("*.py")}
    assert {name: found for name, text in sources.items() if (found := loops_without_closing(text))} == {}


@pytest.mark.parametrize(
    "source",
    ["async for a in b(): c()", "async with aclosing(b()) as d:\n  async for a in e: pass", "[a async for a in b()]"],
)
def test_one_that_does_not_is_found(source: str) -> None:
    body = "\n".join(f"  {line}" for line in source.splitlines())
    assert loops_without_closing(f"async def f():\n{body}\n")
