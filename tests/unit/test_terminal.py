"""What a terminal shows is what is there."""

import io
import sys

import pytest

from runner.cli.terminal import Terminal, guard_terminal, visible
from runner.report.cells import safe


class Screen(io.StringIO):
    """A text stream that somebody reads on a terminal."""

    def isatty(self):
        return True


MARKS = "\u202e\u202a\u2066\u2069\u2028\u2029\u200e\u061c\x9b\x85"


@pytest.mark.parametrize("mark", MARKS)
def test_marks_of_direction_and_separators_are_written_out(mark):
    screen = Screen()

    Terminal(screen).write(f"Taxi{mark}fdp.exe")
    Terminal(screen).writelines([mark])

    assert screen.getvalue() == f"Taxi\\u{ord(mark):04x}fdp.exe\\u{ord(mark):04x}"


def test_colours_line_breaks_and_other_languages_stay():
    text = "\x1b[32mposted\x1b[0m\t\u05e9\u05dc\u05d5\u05dd Zoë 東京\r\n"

    assert visible(text) == text


def test_only_what_goes_to_a_terminal_is_changed(monkeypatch):
    screen, file = Screen(), io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr("sys.stderr", file)

    guard_terminal()
    guard_terminal()
    sys.stdout.write("a\u202eb\n")

    assert screen.getvalue() == "a\\u202eb\n"
    assert sys.stderr is file


@pytest.mark.parametrize("start", "=+-@\uff1d\uff0b\uff0d\uff20")
def test_a_cell_that_would_be_a_formula_is_text_in_full_width_as_well(start):
    assert safe(f"{start}1+1") == f"'{start}1+1"
