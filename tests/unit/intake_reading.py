"""Read a text as if it were a CSV file, and gather everything that comes out."""

import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from runner.domain.expense import Expense, RowError
from runner.domain.identity import unnamed_id
from runner.intake.read import Described, Options, Parsed, Reading, Source

HEADER = "company_id,id,type,issue_date,currency,net_amount,account_id"
ROW = "acme,{id},Payment,2024-03-31,EUR,{net},400"


@dataclass
class Read:
    parsed: list[Parsed] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    described: Described = field(default_factory=Described)

    @property
    def expenses(self) -> list[Expense]:
        return [each.expense for each in self.parsed]

    @property
    def codes(self) -> list[str]:
        return [error.code for error in self.errors]

    @property
    def ids(self) -> list[str]:
        """The ids that they have once they come into an empty journal."""
        counted: Counter[bytes] = Counter()
        found: list[str] = []
        for each in self.parsed:
            if each.named:
                found.append(each.id)
                continue
            counted[each.key] += 1
            found.append(unnamed_id(each.head.company_id, key=each.key, number=counted[each.key]))
        return found

    def only(self) -> Expense:
        assert self.errors == []
        (expense,) = self.expenses
        return expense

    def error(self) -> RowError:
        assert self.parsed == []
        (error,) = self.errors
        return error


def read(content: str | bytes, *, options: Options | None = None) -> Read:
    """Read from standard input."""
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return _gather(Reading(Source("-", None), options or Options(), stdin=stream))


def read_file(path: Path, *, options: Options | None = None) -> Read:
    return _gather(Reading(Source(str(path), path), options or Options()))


def read_cells(**cells: str) -> Read:
    """Read one row with these cells, the required ones having good values otherwise."""
    good = {
        "company_id": "acme",
        "type": "Payment",
        "issue_date": "2024-03-31",
        "currency": "EUR",
        "net_amount": "12.50",
        "account_id": "400",
    }
    row = good | cells
    quoted = ",".join('"' + value.replace('"', '""') + '"' for value in row.values())
    return read(",".join(row) + "\n" + quoted + "\n")


def rows(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def row(own_id: str = "", *, net: str = "12.50") -> str:
    return ROW.format(id=own_id, net=net)


def _gather(reading: Reading) -> Read:
    result = Read()
    with reading:
        for batch in reading.batches():
            result.parsed += batch.expenses
            result.errors += batch.errors
    result.described = reading.described
    return result
