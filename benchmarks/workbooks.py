"""What a workbook costs to read: the largest honest sheet, and hostile ones; beside the same rows as CSV.

    python -m benchmarks.workbooks [--rows 500000]

Needs the extra `xlsx`. Every reading is a process of its own, whose children's CPU and memory are shown beside its own.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import openpyxl

COLUMNS = 10
_MEASURED = """
import resource, sys, time
from runner.intake.mapping.workbook import Sheet
from runner.intake.text import FileFault
begun, count, said = time.monotonic(), 0, "read"
with open(sys.argv[1], "rb") as stream:
    try:
        for _ in Sheet(stream, sheet=None, decimal=".").rows():
            count += 1
    except FileFault as error:
        said = "refused: " + error.fault.expected[:60]
child, own = (resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
unit = 2**20 if sys.platform == "darwin" else 2**10
peak = own.ru_maxrss // unit
if sys.platform == "linux":  # there a process has the peak of the one that started it
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 2**10
print(f"| {sys.argv[2]} | {count:,} | {time.monotonic() - begun:.1f} | {child.ru_utime + child.ru_stime:.1f} | "
      f"{child.ru_maxrss // unit} | {peak} | {said} |")
"""


def honest(path: Path, rows: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Cards")
    for row in range(rows):
        sheet.append([f"2025-01-{row % 28 + 1:02}", row / 100, f"Merchant {row % 5000}", f"Note {row}", 400 + row % 99,
                      f"REF{row:09}", row, "EUR", "x", row * 1.1])  # fmt: skip
    book.save(path)


def hostile(path: Path, part: str, content: bytes) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Date", "Amount"])
    packed = io.BytesIO()
    book.save(packed)
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in {*source.namelist(), part}:
            target.writestr(name, content if name == part else source.read(name))


def bombs() -> dict[str, tuple[str, bytes]]:
    main = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = "xl/worksheets/sheet1.xml"
    begin = b"<worksheet " + main + b"><sheetData>"
    end = b"</sheetData></worksheet>"
    return {
        "styles of 7.5 MB": ("xl/styles.xml", b"<styleSheet " + main + b"><cellXfs>" + b"<xf/>" * 1_500_000
                             + b"</cellXfs></styleSheet>"),
        "fonts of 7.5 MB": ("xl/styles.xml", b"<styleSheet " + main + b"><fonts>" + b"<font/>" * 1_070_000
                            + b"</fonts></styleSheet>"),
        "1,048,576 empty rows": (sheet, begin + b"<row/>" * 1_048_576 + end),
        "400 MB of blanks": (sheet, begin + b" " * (400 << 20) + end),
        "nested 100,000 deep": (sheet, begin + b"<row>" + b"<a>" * 100_000),
        "400,000 blank cells in a row": (sheet, begin + b"<row>" + b"<c/>" * 400_000 + b"</row>" + end),
        "entities": (sheet, b'<!DOCTYPE l [<!ENTITY a "b">]>' + begin + end),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=500_000)
    rows = parser.parse_args().rows
    print(
        "| workbook | rows | seconds | its CPU, s | its MB | MB of the run | |\n|---|---|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.xlsx")
        for size in (rows // 100, rows, rows + 1):
            honest(path, size)
            _measure(path, f"{size:,} rows of {COLUMNS} columns")
        for name, (part, content) in bombs().items():
            hostile(path, part, content)
            _measure(path, f"{name} ({path.stat().st_size:,} bytes)")


def _measure(path: Path, name: str) -> None:
    subprocess.run([sys.executable, "-c", _MEASURED, str(path), name], check=True)


if __name__ == "__main__":
    main()
