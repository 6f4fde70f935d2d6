"""Dates in stated orders, and what is refused instead of being guessed."""

import pytest

from runner.intake.codes import Code
from runner.intake.mapping.dates import DateFormatWrong, DateReader
from runner.intake.mapping.problem import Problem


@pytest.mark.parametrize(
    ("formats", "text", "expected"),
    [
        (("day-first",), "03/04/2017", "2017-04-03"),
        (("month-first",), "03/04/2017", "2017-03-04"),
        (("day-first",), "3.4.17", "2017-04-03"),
        (("year-first",), "2017/4/3", "2017-04-03"),
        (("day-first",), "3-Apr-17", "2017-04-03"),
        ((), "3 April 2017", "2017-04-03"),
        ((), "Apr 3, 2017", "2017-04-03"),
        ((), "2017-04-03", "2017-04-03"),
        ((), "2017-04-03 09:30:00", "2017-04-03T09:30:00"),
        ((), "2017-04-03T09:30:00Z", "2017-04-03T09:30:00+00:00"),
        (("month-first",), "4/3/2017 9:30 PM", "2017-04-03T21:30:00"),
        (("excel",), "42828", "2017-04-03"),
        (("excel",), "42828.5", "2017-04-03T12:00:00"),
        (("excel-1904",), "41366", "2017-04-03"),
        (("excel-swapped",), "42798", "2017-04-03"),
        (("dd.mm.yyyy",), "03.04.2017", "2017-04-03"),
        (("ddmmyyyy",), "03042017", "2017-04-03"),
        (("dd/mm/yyyy", "excel"), "3/4/2017", "2017-04-03"),
        (("day-first",), "29/02/2016", "2016-02-29"),
    ],
)
def test_a_date_is_read_as_its_format_says(formats: tuple[str, ...], text: str, expected: str) -> None:
    assert DateReader(formats).read(text) == expected


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        (("day-first",), "29/02/2017"),
        (("day-first",), "13/13/2017"),
        (("day-first",), "03/04/201"),
        (("day-first",), "03/04/2017 25:00"),
        (("excel",), "12345"),
        (("excel",), "428280"),
        (("excel-swapped",), "42811"),
        ((), "yesterday"),
        ((), ""),
        ((), "2017-04-31"),
        (("day-first",), "0x03/04/2017"),
        (("day-first",), "٣/٤/2017"),
        (("day-first",), "9" * 100),
    ],
)
def test_what_is_no_date_in_the_format_is_refused(formats: tuple[str, ...], text: str) -> None:
    assert isinstance(DateReader(formats).read(text), Problem)


def test_an_order_that_nobody_stated_is_never_guessed() -> None:
    for text in ("03/04/2017", "13/04/2017", "3-Apr-17"):
        problem = DateReader(()).read(text)
        assert isinstance(problem, Problem)
        assert problem.code == Code.DATE_AMBIGUOUS


def test_two_stated_formats_that_read_a_date_differently_refuse_it() -> None:
    reader = DateReader(("dd/mm/yyyy", "mm/dd/yyyy"))
    assert reader.read("04/04/2017") == "2017-04-04"
    problem = reader.read("03/04/2017")
    assert isinstance(problem, Problem)
    assert problem.code == Code.DATE_AMBIGUOUS


def test_months_may_have_names_of_another_language() -> None:
    assert DateReader(("day-first",), {"avril": 4}).read("3 avril 2017") == "2017-04-03"


@pytest.mark.parametrize("formats", [("day-first", "month-first"), ("dd/mm",), ("dd/dd/yyyy",), ("dd-q-yyyy",)])
def test_impossible_formats_are_refused(formats: tuple[str, ...]) -> None:
    with pytest.raises(DateFormatWrong):
        DateReader(formats)


@pytest.mark.parametrize(
    ("formats", "example"),
    [
        (["day-first"], "31/03/2024"), (["month-first"], "03/31/2024"), (["year-first"], "2024/03/31"),
        (["dd.mm.yyyy"], "31.03.2024"), (["d mmm yy"], "31 Mar 24"), (["DDMMYYYY"], "31032024"), ([], "2024-03-31"),
        (["excel"], "45382"), (["excel-1904"], "43920"), (["day-first", "excel"], "31/03/2024 or 45382"),
    ],
)  # fmt: skip
def test_what_is_wanted_has_an_example_in_the_stated_formats(formats: list[str], example: str) -> None:
    reader = DateReader(formats)
    problem = reader.read("nonsense")
    assert isinstance(problem, Problem)
    assert problem.expected == reader.wanted
    assert reader.wanted.endswith(f", such as {example}")
    assert all(reader.read(each) == "2024-03-31" for each in example.split(" or "))
