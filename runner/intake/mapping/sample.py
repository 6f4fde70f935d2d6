"""A bounded look at a file that nothing is known of: its encoding, its delimiter, its first and last rows."""

import csv
import io
import os
import unicodedata
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from runner.intake.codes import Code, Fault, cut
from runner.intake.header import DELIMITERS, company_of, read_header
from runner.intake.mapping.workbook import Sheet, is_workbook
from runner.intake.text import FileFault, guessed_encoding

HEAD: Final = 1 << 18
TAIL: Final = 1 << 14
MAX_ROWS: Final = 1_000

Rows = list[tuple[list[str], int]]


@dataclass(slots=True)
class Sample:
    """What was seen of a file."""

    encoding: str | None
    """None is UTF-8."""
    delimiter: str
    """Blank in a workbook."""
    rows: Rows
    """The first rows that are not blank, with their line numbers."""
    tail: list[list[str]] = field(default_factory=list)
    """The last rows, where the file is longer than what was read."""
    whole: bool = True
    doubts: list[str] = field(default_factory=list)
    nul: bool = False
    """Whether NUL characters are in it, as in no text file."""
    columns: tuple[str, ...] = ()
    """The names of the columns, where the file itself has none: then they stand above the rows."""


def require_table(sample: Sample) -> None:
    """Raise `FileFault` where a sample is of no table: nothing is in it, or what only a binary file has."""
    if sample.nul:
        raise FileFault(
            Fault(Code.NUL_CHARACTER, None, None, "a CSV file or workbook: NUL characters are in it"), line=1
        )
    if not sample.whole and len(sample.rows) < 2:
        fault = Fault(Code.ROW_TOO_LONG, None, None, f"more than one row in the first {HEAD:,} bytes of a CSV file")
        raise FileFault(fault, line=1)
    if not sample.rows:
        raise FileFault(Fault(Code.NO_HEADER, None, None, "a header line: nothing is in it"), line=1)
    cells, line = sample.rows[0]
    strange = next((cell for cell in cells if any(unicodedata.category(each) == "Cc" for each in cell.strip())), None)
    if strange is not None and "\n" not in strange:
        expected = f"a CSV file or workbook: characters that cannot be printed are in its first row ({cut(strange)!r})"
        raise FileFault(Fault(Code.CONTROL_CHARACTER, None, cut(strange), expected), line=line)


def look(path: Path) -> Sample:
    """Look at a file; raises `OSError`, and for a workbook `FileFault` and `ConfigurationWrong`."""
    with path.open("rb") as stream:
        if is_workbook(path):
            rows: Rows = []
            sheet = Sheet(stream, sheet=None, decimal=".")
            with closing(sheet.rows()) as found:
                rows += islice(found, MAX_ROWS)
            doubts = [f"Sheets not read: {', '.join(map(cut, sheet.unread))}."] if sheet.unread else []
            return Sample(None, "", rows, whole=len(rows) < MAX_ROWS, doubts=doubts)
        return look_at_bytes(stream)


def is_canonical(sample: Sample, path: Path) -> bool:
    """Say whether a file has the canonical columns where a run without a profile looks for them."""
    if sample.encoding is not None or not sample.rows:
        return False
    # A spreadsheet's line that states the delimiter stands above the header.
    stated = "".join(sample.rows[0][0]).strip().lower() == "sep=" and len(sample.rows) > 1
    cells, line = sample.rows[1 if stated else 0]
    try:
        read_header(cells, line=line, named=company_of(path))
    except FileFault:
        return False
    return True


def look_at_bytes(stream: BinaryIO) -> Sample:
    """Look at a CSV file, from its first byte on."""
    head = stream.read(HEAD)
    size = stream.seek(0, os.SEEK_END)
    whole = size <= len(head)
    encoding, doubts = _encoding(head, whole=whole)
    text = head.decode(encoding or "utf-8-sig", "replace")
    nul = "\0" in text
    text = text.replace("\0", "")
    lines = text.splitlines(keepends=True)
    if not whole and len(lines) > 1:
        lines.pop()
    delimiter = _delimiter(lines)
    tail: list[list[str]] = []
    if not whole:
        stream.seek(-TAIL, os.SEEK_END)
        last = stream.read(TAIL).decode(encoding or "utf-8", "replace").replace("\0", "").splitlines(keepends=True)
        tail = [cells for cells, _ in _rows(last[1:], delimiter)]
    return Sample(encoding, delimiter, _rows(lines, delimiter)[:MAX_ROWS], tail, whole, doubts, nul)


def _encoding(head: bytes, *, whole: bool) -> tuple[str | None, list[str]]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", []
    try:
        # The last character may be cut off.
        head.decode("utf-8") if whole else head[:-4].decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        if not whole and error.start >= len(head) - 8:
            return None, []
        wrong = error.start
    else:
        return None, []
    name = guessed_encoding(head[wrong:])
    shown = _around(head, wrong).decode(name, "replace")
    return name, [f"The file is not UTF-8; {name} is a guess. This should read well: {shown!r}"]


def _around(head: bytes, at: int) -> bytes:
    return head[max(0, at - 20) : at + 20].replace(b"\n", b" ").replace(b"\r", b" ")


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that makes most rows equally wide."""

    def score(delimiter: str) -> int:
        widths = Counter(len(cells) for cells, _ in _rows(lines[:200], delimiter))
        width, count = max(widths.items(), key=lambda item: item[1] * (item[0] - 1), default=(1, 0))
        return count * (width - 1)

    return max(DELIMITERS, key=score)


def _rows(lines: list[str], delimiter: str) -> Rows:
    """Return rows and line numbers; where quotation marks are broken, what stands before."""
    rows: Rows = []
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            if "".join(cells).strip():
                rows.append((cells, line))
            line = reader.line_num + 1
    except csv.Error:
        pass
    return rows
