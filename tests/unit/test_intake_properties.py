import csv
import io
import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain.money import parse_decimal
from runner.intake.header import COLUMNS
from runner.intake.table import CsvTable
from tests.unit.intake_reading import read

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plausible = st.sampled_from(
    ["", "acme", "Payment", "refund", "2024-03-31", "03/04/2024", "EUR", "eur", "12.50", "1.234,56", "-3", "1e9", "a;b",
     "A", "x.pdf", "../x.pdf", "TransferIn", '"', ",", "\n", "\0", "\x1f"]
)  # fmt: skip
cells = st.one_of(plausible, texts)
plain = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30)
amounts = st.decimals(-(10**12), 10**12, places=2, allow_nan=False, allow_infinity=False)


def _write(rows, delimiter=","):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows([COLUMNS, *rows])
    return stream.getvalue()


@given(st.lists(st.lists(cells, min_size=1, max_size=len(COLUMNS) + 1), max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_cells_give_errors_or_expenses_with_the_amounts_as_written(rows):
    result = read(_write(rows))
    assert len({parsed.line for parsed in result.parsed}) == len(result.parsed)
    net, tax = COLUMNS.index("net_amount"), COLUMNS.index("tax_amount")
    written = sorted(
        str((parse_decimal(row[net].strip()), parse_decimal(row[tax].strip() or "0"))) for row in rows if len(row) > tax
    )
    for parsed in result.parsed:
        assert len(parsed.expense.lines) == parsed.rows
        for line in parsed.expense.lines:
            amounts = str((line.net_amount, line.tax_amount))
            assert amounts in written
            written.remove(amounts)
    if result.described.usable:
        kept_back = result.described.rows - sum(parsed.rows for parsed in result.parsed)
        assert kept_back >= len({error.line for error in result.errors})
        assert bool(kept_back) == bool(result.errors)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_errors_and_never_an_exception(content):
    assert read(content).parsed == []
    read(_write([]).encode() + content)


good_rows = st.fixed_dictionaries(
    {
        "company_id": st.sampled_from(["acme", "beta"]),
        "id": st.one_of(st.just(""), st.sampled_from(["A", "B", "C"])),
        "net_amount": amounts.map(str),
        "tax_amount": amounts.map(str),
        "account_id": plain.map(lambda text: text.strip() or "400"),
        "tracking_ids": st.sampled_from(["", "a", "a;b"]),
    }
)
shared = {
    "type": "Payment",
    "issue_date": "2024-03-31",
    "currency": "EUR",
    "notes": 'so; "so",\nand so',
    "reference": "r",
}


def _rows(dicts):
    return [[(shared | each).get(column, "") for column in COLUMNS] for each in dicts]


@given(st.lists(good_rows, max_size=20), st.sampled_from([",", ";", "\t", "|"]))
@settings(max_examples=150, deadline=None)
def test_what_was_written_is_what_is_read(dicts, delimiter):
    result = read(_write(_rows(dicts), delimiter))
    assert result.errors == []
    read_lines = sorted(
        (expense.company_id, str(line.net_amount), str(line.tax_amount), line.account_id, ";".join(line.tracking_ids))
        for expense in result.expenses
        for line in expense.lines
    )
    assert read_lines == sorted(
        (each["company_id"], str(Decimal(each["net_amount"])), str(Decimal(each["tax_amount"])), each["account_id"],
         each["tracking_ids"])
        for each in dicts
    )  # fmt: skip
    assert all(expense.notes == shared["notes"] for expense in result.expenses)
    named = {(each["company_id"], each["id"]) for each in dicts if each["id"]}
    assert len(result.expenses) == len(set(result.ids)) or len(named) > len({own_id for _, own_id in named})
    assert len(result.expenses) == len(named) + sum(not each["id"] for each in dicts)


@given(st.lists(good_rows, max_size=20), st.randoms(use_true_random=False), st.lists(good_rows, max_size=3))
@settings(max_examples=150, deadline=None)
def test_ids_survive_shuffling_and_appending(dicts, rnd: random.Random, more):
    first = read(_write(_rows(dicts)))
    shuffled = list(dicts)
    rnd.shuffle(shuffled)
    second = read(_write(_rows(shuffled)))
    assert sorted(second.ids) == sorted(first.ids)
    assert sorted((p.key, p.content_hash) for p in second.parsed) == sorted(
        (p.key, p.content_hash) for p in first.parsed
    )
    appended = read(_write(_rows(dicts + more)))
    assert set(first.ids) <= set(appended.ids)


class Trickle(io.BytesIO):
    """A stream that gives few bytes at a time, as a pipe may."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self._step = step

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._step)


odd = st.text('ab ,;"\r\n\té\u2028\\\x07', max_size=40).filter(lambda text: text.count('"') % 2 == 0)


@given(odd, st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_rows_and_their_lines_do_not_depend_on_how_the_bytes_arrive(text, step):
    text = f"a,b,c\n{text}\n"
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    wanted, line = [], 1
    try:
        for cells in reader:
            wanted += [(cells, line)] * bool(cells)
            line = reader.line_num + 1
    except csv.Error:
        return
    assert list(CsvTable(Trickle(text.encode(), step), None).rows()) == wanted
