import io
import tracemalloc
from pathlib import Path

import pytest

from runner.errors import RefusedToStart
from runner.intake.read import Options, Reading, Source
from runner.intake.scratch import Scratch
from runner.intake.sources import find_sources
from tests.unit.intake_reading import HEADER, read, read_file, row, rows

SAMPLES = Path(__file__).parents[2] / "sample_data"
GOOD = rows(row("A"), row("B"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimiters_line_ends_and_byte_order_marks_are_found_out(delimiter, end, encoding):
    text = GOOD.replace(",", delimiter).replace("\n", end)
    result = read(text.encode(encoding))
    assert len(result.expenses) == 2
    assert (result.described.delimiter, result.described.encoding) == (delimiter, encoding)
    assert [parsed.line for parsed in result.parsed] == [2, 3]


def test_a_file_is_described():
    result = read("Type, ISSUE_DATE ,currency,Net_Amount,account_id,COMPANY_ID,card,\n" + "\n,,,,,,,\n")
    assert result.described.unknown == ("card", "(column 8, without a name)")
    assert (result.described.rows, result.described.usable) == (0, True)
    assert len(result.described.sha256 or "") == 64


def test_the_company_may_come_from_the_files_name(tmp_path):
    file = tmp_path / "A11CE000-1111-4a11-8a11-a11ce0000001.csv"
    file.write_text("type,issue_date,currency,net_amount,account_id\nPayment,2024-03-31,EUR,1,400\n")
    result = read_file(file)
    assert result.only().company_id == "a11ce000-1111-4a11-8a11-a11ce0000001"


def test_a_company_column_wins_over_the_files_name_and_its_blanks_are_errors(tmp_path):
    file = tmp_path / "beta.csv"
    file.write_text(rows(row("A"), row("B").replace("acme", "")))
    result = read_file(file)
    assert result.expenses[0].company_id == "acme"
    assert result.codes == ["value_missing"]


def test_blank_lines_are_skipped_and_lines_counted_right():
    text = (
        "\n\r\n"
        + HEADER
        + '\n\n"acme",A,Payment,2024-03-31,EUR,1,"4\n\n00"\n  \n,,,,,,\n'
        + row("B")
        + "\n"
        + row("C", net="x")
    )
    result = read(text)
    assert [(e.code, e.line) for e in result.errors] == [("control_character", 5), ("amount_unreadable", 11)]
    assert [parsed.line for parsed in result.parsed] == [10]
    assert result.described.rows == 3


def test_rows_that_end_before_the_last_column_that_is_read_are_refused_and_so_are_long_ones():
    result = read(rows(row("A"), row("B") + ",", "acme,C,Payment", header=HEADER + ",notes"))
    assert [each.head.id for each in result.parsed] == ["B"]
    assert [(error.code, error.line) for error in result.errors] == [("too_few_cells", 2), ("too_few_cells", 4)]
    # What is not read may be missing.
    assert len(read(rows(row("A"), row("B") + ",", header=HEADER + ",spare")).parsed) == 2
    # One separator less, and 12.05 would be 12 with a tax of 5 and an account 405.
    money = "company_id,type,issue_date,currency,net_amount,tax_amount,account_id,notes"
    assert read(f"{money}\nacme,Payment,2024-03-31,EUR,12,05,405\n").error().code == "too_few_cells"
    assert read(f"{money}\nacme,Payment,2024-03-31,EUR,125.00,2").error().code == "too_few_cells"
    # A row of a file of rejects that lost its key would be a second one.
    back = rows(row("A"), row("B") + ",k", header=HEADER + ",_row_key")
    assert next((error.code, error.line) for error in read(back).errors) == ("too_few_cells", 2)
    assert read(rows(row("A") + ",x")).error().code == "too_many_cells"


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "no_header", 1),
        (b"\n\n \n", "no_header", 1),
        (b"\xef\xbb\xbf", "no_header", 1),
        (b"company_id,type\n", "column_missing", 1),
        (b"\n" + HEADER.encode() + b",ID\n", "column_repeated", 2),
        (HEADER.encode() + b",x" * 200 + b"\n", "too_many_columns", 1),
        (GOOD.encode("utf-16"), "not_utf8", 1),
        (GOOD.encode("utf-16-le"), "not_utf8", 1),
        (GOOD.encode("utf-32"), "not_utf8", 1),
        ((GOOD + row("Caf\u00e9") + "\n").encode("latin-1"), "not_utf8", 4),
        (GOOD.encode() + b"\xc3", "not_utf8", 4),
        (GOOD.encode() + b"a\0b\n", "nul_character", 4),
        ((GOOD + 'acme,"A"x,Payment\n').encode(), "quoting_broken", 4),
        ((GOOD + row("C") + '\nacme,"never closed\n' + GOOD).encode(), "quoting_broken", 5),
        ((GOOD + "a," + "x" * 131_073 + "\n").encode(), "field_too_long", 4),
        ((GOOD + "a," + "x" * 2_000_000 + "\n").encode(), "row_too_long", 4),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_gives_nothing_out(content, code, line):
    result = read(content)
    assert result.parsed == []
    (error,) = result.errors
    assert (error.code, error.line, error.column) == (code, line, None)
    assert not result.described.usable


def test_another_encoding_is_named_with_the_way_out():
    text = rows(*[row(f"Café Zürich naïve {n}") for n in range(50)])
    error = read(text.encode("cp1252")).error()
    assert "it seems to be" in (error.value or "")
    assert "UTF-8" in error.expected


def test_a_missing_column_is_named_with_what_may_have_been_meant():
    error = read("company_id,type,issue date,currency,Net Amount,account\n").error()
    assert "issue_date, net_amount, account_id" in error.expected
    assert "map init" in error.expected
    assert "'Net Amount'" in error.expected
    assert "'issue date'" in error.expected


def test_a_file_that_vanished_is_an_error_and_no_exception(tmp_path):
    assert read_file(tmp_path / "gone.csv").error().code == "file_unreadable"


def test_a_failing_disk_is_an_error_of_the_file():
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 0:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with Reading(Source("-", None), Options(), stdin=Failing(GOOD.encode())) as reading:
        (error,) = [error for batch in reading.batches() for error in batch.errors]
    assert error.code == "file_unreadable"
    assert reading.described.sha256 is None


@pytest.mark.parametrize("at", range(65_520, 65_545))
def test_a_character_or_line_end_across_two_chunks_is_read_whole(at):
    head = HEADER + ",notes\r\n"
    first = row("A") + ","
    padding = "x" * 4_000
    lines = [head]
    while sum(map(len, lines)) + 4_100 < at:
        lines.append(row() + "," + padding + "\r\n")
    rest = at - sum(map(len, lines)) - len(first)
    lines.append(first + "y" * rest + "é€😀\r\n")
    text = "".join(lines) + row("B") + ",\r\nacme,C,Payment,2024-03-31,EUR,x,1,\r\n"
    result = read(text)
    assert result.expenses[-2].notes == "y" * rest + "é€😀"
    assert result.errors[0].line == len(lines) + 2


HOSTILE = {
    "quote bomb": ('"' * 3_000_000).encode(),
    "open quote": (HEADER + '\n"' + "a,\n" * 1_000_000).encode(),
    "a million columns": (HEADER + "\n" + "xy," * 300_000 + "\n").encode(),
    "a million columns in the header": (",".join(["x"] * 1_000_000)).encode(),
    "endless fields over lines": (HEADER + "\n" + '"a\n",' * 1_000_000).encode(),
    "one line without end": b"x" * 5_000_000,
    "only line ends": b"\n" * 500_000,
    "only carriage returns": b"\r" * 500_000,
    "binary": bytes(range(256)) * 4_000,
    "only NUL": b"\0" * 1_000_000,
    "a thousand lines of one expense": rows(*[row("A")] * 3_000).encode(),
    "all wrong": rows(*["acme,,x,x,x,x,x"] * 3_000).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_answered_with_errors_in_bounded_memory(name):
    tracemalloc.start()
    try:
        with Reading(Source("-", None), Options(), stdin=io.BytesIO(HOSTILE[name])) as reading:
            errors = [len(batch.errors) for batch in reading.batches() if not batch.expenses]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(errors) > 0
    assert max(errors) < 1_200
    assert peak < 100_000_000


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(count: int) -> int:
        file = tmp_path / f"{count}.csv"
        with file.open("w") as stream:
            stream.write(HEADER + "\n")
            stream.writelines(row(f"e{n}" if n % 2 else "", net=str(n)) + "\n" for n in range(count))
        tracemalloc.start()
        try:
            with Reading(Source("x", file), Options()) as reading:
                assert sum(len(batch.expenses) for batch in reading.batches()) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2_000)
    assert peak(12_000) < peak(3_000) * 1.5 + 2_000_000


def test_no_batch_is_much_larger_than_a_thousand():
    sizes = []
    text = rows(*[row(net=str(n)) for n in range(5_500)])
    with Reading(Source("-", None), Options(), stdin=io.BytesIO(text.encode())) as reading:
        sizes = [len(batch.expenses) for batch in reading.batches()]
    assert max(sizes) == 1_000
    assert sum(sizes) == 5_500


def test_the_scratch_file_is_gone_even_while_it_is_used(tmp_path):
    text = rows(*[row(net=str(n)) for n in range(3_000)])
    with Reading(Source("-", None), Options(scratch_dir=tmp_path), stdin=io.BytesIO(text.encode())) as reading:
        for _ in reading.batches():
            assert list(tmp_path.iterdir()) == []
    assert reading.described.rows == 3_000


def test_a_scratch_folder_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(RefusedToStart, match="scratch"):
        Scratch(tmp_path / "gone")


def test_reading_outside_of_its_with_block_is_a_mistake():
    with pytest.raises(RuntimeError):
        next(Reading(Source("-", None), Options()).batches())


def test_the_sample_data_shows_what_it_should():
    results = {
        source.name.rpartition("/")[2]: read_file(source.path) for source in find_sources([str(SAMPLES)]) if source.path
    }
    assert sum(len(result.parsed) for result in results.values()) == 78
    assert len({expense.company_id for result in results.values() for expense in result.expenses}) == 5
    wrong = results.pop("e66e0000-5555-4e55-8e55-e66e00000005.csv")
    assert wrong.codes == [
        "date_unreadable", "amount_unreadable", "currency_unknown", "receipt_missing", "receipt_path_refused",
        "type_not_accepted",
    ]  # fmt: skip
    assert all(result.errors == [] for result in results.values())
    assert sum(len(expense.receipts) for result in results.values() for expense in result.expenses) == 12
    card = results["shared_card_export.csv"]
    assert (card.described.delimiter, card.described.encoding) == (";", "utf-8-sig")


def test_a_row_that_never_ends_is_stopped_and_its_first_line_named():
    error = read(rows(row("A"), '"a\n",' * 500_000)).error()
    assert (error.code, error.line) == ("row_too_long", 3)


def test_lines_are_counted_right_where_a_line_end_is_cut_in_two():
    head = HEADER + "\r\n"
    padding = "x" * (65_536 - 1 - len(head))
    for wrong in (b"ab\0", b"ab\xff"):
        assert read((head + padding + "\r\n\r\n").encode() + wrong).error().line == 4


def test_nothing_stays_open(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"x")
    file = tmp_path / "x.csv"
    file.write_text(rows(row("A") + ",a.pdf", header=HEADER + ",receipts"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        assert len(read_file(file).only().receipts) == 1
    with Reading(Source("x", file), Options()) as reading:
        next(reading.batches())  # and no more of them
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "sep=;;;\n", "\n\nsep=;\n", "\ufeffsep=;\n"])
def test_a_line_that_states_the_delimiter_is_understood_above_canonical_columns(line):
    found = read(line + GOOD.replace(",", ";"))
    assert (found.described.delimiter, len(found.expenses), found.errors) == (";", 2, [])
    assert found.described.header_line == line.count("\n") + 1


def test_a_delimiter_is_as_stated_whatever_the_header_looks_like():
    # Of the header's commas one is in a name that nobody reads.
    text = GOOD.replace(",", "|").replace("account_id", "account_id|a,b,c,d,e,f").replace("400", "400|x")
    found = read("sep=|\n" + text)
    assert (found.described.delimiter, len(found.expenses)) == ("|", 2)
