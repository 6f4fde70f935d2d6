"""What the quick way makes of a file is the same in every bit as what checking its rows one by one makes of it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.codat.payload import encode_content, encode_plain
from runner.domain.identity import named_id
from runner.domain.ids import CompanyId
from runner.intake.cells import CellGroups, is_clean, split_plain
from runner.intake.collect import Collecting, stored_row, suspect_digest
from runner.intake.give import Giving
from runner.intake.header import COLUMNS, read_header
from runner.intake.marks import Marks
from runner.intake.parsed import Batch
from runner.intake.plain import Plain
from runner.intake.read import Options, Reading
from runner.intake.receipts import ReceiptFolder
from runner.intake.row import RowReader, Wrong
from runner.intake.scratch import Scratch
from runner.intake.sources import Source
from runner.intake.spill import Spill
from runner.intake.text import Lines
from runner.journal.records import StagedExpense
from runner.stage import _encode

UUID5_OF_A = named_id(CompanyId("acme"), "A")
CELLS = {
    "company_id": ["acme", "acme", "acme", " acme ", "Other-1", "", "no company!"],
    "id": ["A", "a", "B", " B ", "C-1", "", "", "D\x07", UUID5_OF_A, UUID5_OF_A.upper(), "é\u00a0", "=1"],
    "type": ["Payment", "payment ", "Refund", "", "TransferIn", "Nonsense"],
    "issue_date": ["2024-03-31", "2024-03-31T10:00:00+02:00", " 2024-02-29", "", "31.3.2024"],
    "currency": ["EUR", "eur", " USD", "", "XXQ"],
    "currency_rate": ["", "", "1.0842", "0", "-1", "1e3", " 2"],
    "merchant_name": ["", "Café", " Joe ", 'Joe "The" Bar', "back\\slash", "tab\there", "non\u00a0breaking"],
    "contact_id": ["", "", "c-1"],
    "bank_account_id": ["", "", "b 1"],
    "reference": ["", "R|1", "a;b"],
    "notes": ["", "plain", "two\nlines", "x" * 5_001],
    "net_amount": ["12.50", "12.5", "0.00", "-0.00", "-3", "007", "+1", ".5", "5.", "", "1,5", "0.000000001", "9" * 16],
    "tax_amount": ["", "", "2.50", "-0", "0", "+1", "x"],
    "account_id": ["400", "400", " 401 ", "", "a\\b"],
    "tax_rate_id": ["", "tax-20", "tax 20 "],
    "tracking_ids": ["", "", "t1", "t2;t1; t1", ";".join(map(str, range(11)))],
    "invoice_to_id": ["", "", "cust"],
    "receipts": ["", "", "", "missing.pdf"],
}
GOOD = {"company_id": "acme", "type": "Payment", "issue_date": "2024-03-31", "currency": "EUR", "account_id": "400"}


class Trickle(io.BytesIO):
    """A stream that gives few bytes at a time, as a pipe may."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self._step = step

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._step)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Draw a file, most of whose cells are plain."""
    columns = [each for each in COLUMNS if each in GOOD or each in {"id", "net_amount"} or draw(st.booleans())]
    stream = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(stream, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])))
    writer.writerow(columns)
    for number in range(draw(st.integers(0, 9))):
        odd = draw(st.sets(st.sampled_from(columns), max_size=2))
        usual = GOOD | {"id": f"E{number // 2}" if draw(st.booleans()) else "", "net_amount": "12.50"}
        row = [draw(st.sampled_from(CELLS[each])) if each in odd else usual.get(each, "") for each in columns]
        writer.writerow(row[: draw(st.sampled_from([len(row)] * 6 + [0, len(row) - 1]))] + [""] * 2 * (number == 7))
    return stream.getvalue()


def gathered(batches: Iterator[Batch]) -> tuple[list[Any], list[StagedExpense], list[object]]:
    whole = list(batches)
    expenses = [
        (e.id, e.head, tuple(e.members), e.line, e.rows, e.content_hash, e.named, str(e.gross), e.receipts, e.expense)
        for batch in whole
        for e in batch.expenses
    ]
    staged = [staged for batch in whole for staged in _encode(batch)]
    said = [each for batch in whole for each in (*batch.errors, *batch.broken)]
    return expenses, staged, said


def quickly(text: str, *, step: int, limit: int) -> tuple[tuple[list[Any], list[StagedExpense], list[object]], int]:
    """Read as `Reading` does, in small pieces and with little memory."""
    receipts = ReceiptFolder(Path("nowhere"), max_bytes=1)
    scratch, spill, marks = Scratch(None), Spill(None), Marks(None, run=3, limit=limit)
    lines = Lines(Trickle(text.encode(), step))
    collecting = Collecting(
        lines, source=Source("f", None), receipts=receipts, scratch=scratch, spill=spill, marks=marks
    )
    for _ in collecting.walk():
        pass
    found = gathered(Giving(scratch, file="f", collected=collecting).batches())
    for each in (scratch, spill, marks):
        each.close()
    return found, collecting.rows


def one_by_one(text: str) -> tuple[tuple[list[Any], list[StagedExpense], list[object]], int]:
    """Check every row as if it were none of the plain ones, and sort all of them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    receipts = ReceiptFolder(Path("nowhere"), max_bytes=1)
    rows = RowReader(read_header(next(reader), line=1, named=None), file="f", receipts=receipts)
    scratch = Scratch(None)
    count, line = 0, reader.line_num + 1
    for cells in reader:
        row = rows.read(cells, line) if cells else None
        if row is not None:
            if isinstance(row, Wrong) and row.suspects:
                scratch.suspect(map(suspect_digest, row.suspects), line=line)
            scratch.add([stored_row(row, line)])
            count += 1
        line = reader.line_num + 1
    scratch.sort()
    found = gathered(Giving(scratch, file="f").batches())
    scratch.close()
    return found, count


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([11, 97, 5_000]), st.sampled_from([0, 2, 100]))
def test_a_file_read_quickly_gives_what_its_rows_one_by_one_give(text, step, limit):
    assert quickly(text, step=step, limit=limit) == one_by_one(text)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_kind_of_cell_gives_what_it_gives_one_by_one(column):
    rows = [
        GOOD | {"id": f"E{place}", "net_amount": "1.10"} | {column: cell} for place, cell in enumerate(CELLS[column])
    ]
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    assert quickly(stream.getvalue(), step=5_000, limit=100) == one_by_one(stream.getvalue())


@pytest.mark.parametrize("own_id", ["E1", ""])
def test_an_ordinary_row_is_plain(own_id):
    header = "company_id,id,type,issue_date,currency,net_amount,account_id,notes"
    text = f"{header}\nacme,{own_id},Payment,2024-03-31,EUR,1.5,400,é\n"
    with Reading(Source("-", None), Options(), stdin=io.BytesIO(text.encode())) as reading:
        (expense,) = [each for batch in reading.batches() for each in batch.expenses]
    assert isinstance(expense, Plain)


def test_a_plain_row_whose_expense_may_lack_a_line_is_no_expense():
    text = "company_id,id,type,issue_date,currency,net_amount,account_id\n"
    text += "acme,E1,Payment,2024-03-31,EUR,1.5,400\n!,E1,Payment,2024-03-31,EUR,1.5,400\n"
    text += "acme,E2,Payment,2024-03-31,EUR,1.5,400\n"
    found = quickly(text, step=5_000, limit=100)
    assert found == one_by_one(text)
    assert [staged.line for staged in found[0][1]] == [4]


TEXT = st.text('ab ,;"\r\n\té\u2028\\\x07', max_size=40)


@settings(max_examples=300, deadline=None)
@given(TEXT, st.sampled_from([",", ";", "\t"]))
def test_lines_without_quotation_marks_are_split_as_the_csv_module_does(text, delimiter):
    rows = split_plain(text, delimiter)
    if rows is not None:
        lines = io.StringIO(text, newline="")
        assert [[] if row == [""] else row for row in rows] == list(csv.reader(lines, delimiter=delimiter, strict=True))
        if is_clean(text, delimiter):
            assert all(cell.isprintable() and not set(cell) & set('"\\') for row in rows for cell in row)


@settings(max_examples=300, deadline=None)
@given(TEXT.filter(lambda text: text.count('"') % 2 == 0), st.integers(1, 9))
def test_rows_and_their_lines_do_not_depend_on_how_the_bytes_arrive(text, step):
    text = f"a,b,c\n{text}\n"
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    wanted, line = [], 1
    try:
        for cells in reader:
            wanted += [(line, cells)] * bool(cells)
            line = reader.line_num + 1
    except csv.Error:
        return
    groups = CellGroups(Lines(Trickle(text.encode(), step))).groups()
    assert [each for group in groups for each in zip(group.lines, group.rows, strict=True)] == wanted


def test_marks_that_repeat_are_found_wherever_they_stand():
    marks = Marks(None, run=10)
    spread = [hash(("mark", number)) for number in range(100)]
    marks.add([spread[3]])
    for start in range(0, 100, 7):
        marks.add(spread[start : start + 7])
    marks.add([spread[99], spread[0], -(1 << 63), (1 << 63) - 1])
    assert marks.repeated() == {spread[3], spread[99], spread[0]}
    marks.close()


def test_more_marks_that_repeat_than_can_be_kept_are_none():
    marks = Marks(None, limit=2)
    marks.add([1, 2, 3, 1, 2, 3])
    assert marks.repeated() is None


PRINTABLE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"], exclude_characters='"\\'), max_size=8)


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[PRINTABLE] * 5), st.sampled_from(["", "1.10"]), PRINTABLE, st.sampled_from([(), ("t1", "t2")]))
def test_plain_texts_have_the_wire_form_that_the_encoder_gives_them(texts, rate, account, tracking):
    opening = ("Payment", "2024-03-31T00:00:00+00:00", "EUR")
    plain = Plain("id", "acme", "A", 2, b"", 0, opening, (account, None, tracking, None), ("-1.50", "0", rate), texts)
    whole = encode_content(plain.id, plain.head, plain.members, issued=opening[1])
    assert encode_plain(plain.id, plain.opening, plain.refs, plain.numbers, plain.texts) == whole
