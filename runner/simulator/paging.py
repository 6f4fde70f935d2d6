"""Pages, as every list of the API has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.simulator.values import Refusal

DEFAULT_SIZE = 100
LARGEST = 5_000


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of which size, counted from 1."""

    number: int
    size: int

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Page":
        """Read page and pageSize. Raises `Refusal` 400 where one is out of its range."""
        number, size = query.get("page", "1"), query.get("pageSize", str(DEFAULT_SIZE))
        if not (number.isdecimal() and size.isdecimal() and len(number) < 10 and len(size) < 10):
            raise Refusal(400, "page and pageSize must be whole numbers.")
        page = cls(int(number), int(size))
        if page.number < 1 or not 1 <= page.size <= LARGEST:
            raise Refusal(400, f"page starts at 1, and pageSize is 1 to {LARGEST}.")
        return page


def page_of(results: Sequence[Any], page: Page, path: str) -> dict[str, Any]:
    """Return one page of the results in the API's shape, with its links."""
    first = (page.number - 1) * page.size

    def link(number: int) -> dict[str, str]:
        return {"href": f"{path}?page={number}&pageSize={page.size}"}

    links = {"self": {"href": path}, "current": link(page.number)}
    if first + page.size < len(results):
        links["next"] = link(page.number + 1)
    if page.number > 1:
        links["previous"] = link(page.number - 1)
    return {
        "results": results[first : first + page.size],
        "pageNumber": page.number,
        "pageSize": page.size,
        "totalResults": len(results),
        "_links": links,
    }
