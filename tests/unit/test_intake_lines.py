import random

import pytest

from tests.unit.intake_reading import HEADER, read, read_file, row, rows

WIDE = HEADER + ",notes,currency_rate"


def test_rows_with_one_id_are_lines_of_one_expense_wherever_they_stand():
    filler = [row(net=f"{n}.00") for n in range(2500)]
    result = read(rows(row("A", net="1.00"), *filler, row("B"), row("A", net="2.00")))
    first = result.parsed[0]
    assert [str(line.net_amount) for line in first.expense.lines] == ["1.00", "2.00"]
    assert (first.line, first.rows) == (2, 2)
    assert len(result.parsed) == 2502


def test_ids_that_mean_the_same_are_one_expense():
    uuid = "c0ffee00-0001-4000-8000-00000000000a"
    assert len(read(rows(row(uuid), row(uuid.upper()))).only().lines) == 2


def test_the_same_id_in_two_companies_is_two_expenses():
    uuid = "c0ffee00-0001-4000-8000-00000000000a"
    other = row(uuid).replace("acme", "other")
    assert [expense.company_id for expense in read(rows(row(uuid), other)).expenses] == ["acme", "other"]


def test_an_id_of_our_own_making_does_not_swallow_the_row_it_was_made_from():
    plain = row(net="5.00")
    made = read(rows(plain)).only().id
    result = read(rows(plain, row(made, net="5.00"), plain))
    assert result.ids[:2] == [made, made]
    assert len(result.ids) == 3


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_what_lines_share_is_said_once_on_any_of_them(order):
    lines = ("acme,A,Payment,,,1,400,lunch,", "acme,A,,2024-03-31,EUR,2,401,,1.10", "acme,A,,,,3,402,lunch,1.1")
    expense = read(rows(*(lines[n] for n in order), header=WIDE)).only()
    assert (expense.currency, expense.notes, str(expense.type)) == ("EUR", "lunch", "Payment")
    assert len(expense.lines) == 3


def test_lines_that_disagree_break_the_expense_and_both_values_are_named():
    lines = (row("A") + ",lunch,", row("B") + ",,", row("A").replace("EUR", "USD") + ",dinner,")
    result = read(rows(*lines, header=WIDE))
    assert [(e.line, e.code, e.column, e.value) for e in result.errors] == [
        (4, "lines_disagree", "currency", "USD"),
        (4, "lines_disagree", "notes", "dinner"),
    ]
    assert "'EUR' as on line 2" in result.errors[0].expected
    assert {(e.expense_key, e.company_id) for e in result.errors} == {("A", "acme")}
    assert len(result.parsed) == 1


def test_what_no_line_says_is_missing():
    result = read(rows("acme,A,Payment,,EUR,1,400", "acme,A,,,,2,400"))
    error = result.error()
    assert (error.code, error.column, error.line, error.expense_key) == ("value_missing", "issue_date", 2, "A")


@pytest.mark.parametrize("wrong_at", [0, 1, 2])
def test_one_wrong_row_breaks_the_whole_expense_and_no_other(wrong_at):
    lines = [row("A", net="1"), row("A", net="2"), row("A", net="3")]
    lines[wrong_at] = row("A", net="x")
    result = read(rows(lines[0], row("B"), *lines[1:]))
    assert [len(expense.lines) for expense in result.expenses] == [1]
    assert result.codes == ["amount_unreadable"]
    assert result.errors[0].expense_key == "A"


def test_a_row_whose_company_is_unreadable_makes_expenses_with_its_id_uncertain():
    lost = row("A").replace("acme", "ac me")
    result = read(rows(row("A"), row("B"), lost))
    assert len(result.expenses) == 1
    assert sorted(result.codes) == ["company_id_malformed", "lines_uncertain"]
    assert "line 4" in next(e for e in result.errors if e.code == "lines_uncertain").expected


def test_a_row_with_too_many_cells_may_belong_to_any_id_that_it_contains():
    header = "company_id,type,issue_date,currency,net_amount,account_id,id"
    lines = ("acme,Payment,2024-03-31,EUR,1.00,400,A", "acme,Payment,2024-03-31,EUR,1,234.56,400,A")
    result = read(rows(*lines, header=header))
    assert result.expenses == []
    assert sorted(result.codes) == ["lines_uncertain", "too_many_cells"]


def test_a_hundred_lines_are_accepted_and_one_more_is_not():
    assert len(read(rows(*[row("A")] * 100)).only().lines) == 100
    result = read(rows(*[row("A")] * 101))
    assert result.error().code == "too_many_lines"


def test_receipts_of_all_lines_are_put_together_once_each(tmp_path):
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        (tmp_path / name).write_bytes(b"x")
    file = tmp_path / "x.csv"
    file.write_text(rows(row("A") + ",b.pdf;a.pdf", row("A") + ",a.pdf;c.pdf", header=HEADER + ",receipts"))
    assert [receipt.path for receipt in read_file(file).only().receipts] == ["b.pdf", "a.pdf", "c.pdf"]


def test_two_equal_purchases_stay_two():
    result = read(rows(row(), row(net="12.5"), row("A"), row()))
    assert len(set(result.ids)) == 4
    assert len({parsed.content_hash for parsed in result.parsed}) == 1


def test_ids_do_not_depend_on_order_name_or_what_is_appended(tmp_path):
    lines = [row(f"id-{n % 30}", net=str(n)) for n in range(90)] + [row(net=str(n % 20)) for n in range(60)]
    first = read(rows(*lines))
    shuffled = random.Random(5).sample(lines, len(lines))
    file = tmp_path / "other name.csv"
    file.write_text(rows(*shuffled))
    second = read_file(file)
    assert sorted(second.ids) == sorted(first.ids)
    assert {p.expense.id: p.content_hash for p in first.parsed} == {p.expense.id: p.content_hash for p in second.parsed}
    appended = read(rows(*lines, row("new"), row(net="3")))
    assert set(first.ids) < set(appended.ids)
    assert len(appended.ids) == len(first.ids) + 2
