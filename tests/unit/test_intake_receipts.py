import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from runner.intake.read import Options
from runner.intake.receipts import (
    ReceiptFolder,
    ReceiptRefused,
    ReceiptUnusable,
    content_type,
    load_receipt,
    read_receipt,
)
from tests.unit.intake_reading import read, read_file, rows

HEADER = "company_id,id,type,issue_date,currency,net_amount,account_id,receipts"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "receipts"
    (root / "2024").mkdir(parents=True)
    (root / "2024" / "taxi.pdf").write_bytes(b"%PDF-")
    (root / "lunch.JPG").write_bytes(b"lunch")
    (tmp_path / "secret.pdf").write_bytes(b"secret")
    found = ReceiptFolder(root, max_bytes=100)
    yield found
    found.close()


def _code(folder, path):
    with pytest.raises(ReceiptRefused) as refused:
        folder.find(path)
    assert refused.value.fault.column == "receipts"
    return refused.value.fault.code


def test_a_receipt_is_found_and_read_again(folder, tmp_path):
    receipt = folder.find("2024/taxi.pdf")
    assert (receipt.path, receipt.size) == ("2024/taxi.pdf", 5)
    assert receipt.sha256 == hashlib.sha256(b"%PDF-").digest()
    assert read_receipt(receipt) == b"%PDF-"
    file = load_receipt(receipt)
    assert (file.filename, file.content_type, file.content) == ("taxi.pdf", "application/pdf", b"%PDF-")


def test_two_ways_to_write_a_path_name_one_receipt(folder):
    assert folder.find("./2024//taxi.pdf") == folder.find("2024/taxi.pdf")


@pytest.mark.parametrize(
    "path",
    ["../secret.pdf", "2024/../../secret.pdf", "/etc/passwd.txt", "..\\secret.pdf", "C:\\x.pdf", "2024/", ".",
     "a\0.pdf", "x/" * 600 + "a.pdf"],
)  # fmt: skip
def test_a_path_that_could_lead_out_is_refused(folder, path):
    assert _code(folder, path) == "receipt_path_refused"


@pytest.mark.parametrize("path", ["a.exe", "noextension", ".pdf", "a.pdf.zip"])
def test_other_kinds_of_file_are_refused(folder, path):
    assert _code(folder, path) == "receipt_kind_refused"


def test_a_link_is_refused_wherever_it_stands_and_leads(folder, tmp_path):
    root = tmp_path / "receipts"
    (root / "out.pdf").symlink_to(tmp_path / "secret.pdf")
    (root / "in.pdf").symlink_to(root / "2024" / "taxi.pdf")
    (root / "elsewhere").symlink_to(tmp_path)
    for path in ("out.pdf", "in.pdf", "elsewhere/secret.pdf"):
        assert _code(folder, path) == "receipt_not_a_file"


def test_folders_pipes_and_files_as_folders_are_refused(folder, tmp_path):
    root = tmp_path / "receipts"
    (root / "folder.pdf").mkdir()
    os.mkfifo(root / "pipe.pdf")
    for path in ("folder.pdf", "pipe.pdf", "lunch.JPG/a.pdf"):
        assert _code(folder, path) == "receipt_not_a_file"


def test_missing_empty_and_huge_files_are_told_apart(folder, tmp_path):
    root = tmp_path / "receipts"
    (root / "empty.pdf").touch()
    (root / "huge.pdf").write_bytes(b"x" * 101)
    assert _code(folder, "gone.pdf") == "receipt_missing"
    assert _code(folder, "gone/gone.pdf") == "receipt_missing"
    assert _code(folder, "empty.pdf") == "receipt_empty"
    assert _code(folder, "huge.pdf") == "receipt_too_large"
    assert _code(folder, "n" * 300 + ".pdf") == "receipt_unreadable"


@pytest.mark.parametrize("content", [b"", b"%PDF", b"%PDF-1", b"%PDF+", b"\0" * 5, b"x" * 1000])
@pytest.mark.parametrize("way", ["in place", "another in its place", "with its times"])
def test_a_receipt_that_changed_is_unusable_whatever_its_size_and_times(folder, tmp_path, content, way):
    path = tmp_path / "receipts/2024/taxi.pdf"
    receipt, times = folder.find("2024/taxi.pdf"), path.stat()
    if way == "another in its place":
        path.unlink()
    path.write_bytes(content)
    if way == "with its times":
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(ReceiptUnusable, match="not the file any more") as raised:
        read_receipt(receipt)
    assert raised.value.code == "receipt_changed"
    assert "run with the CSV again" in raised.value.hint

    path.write_bytes(b"%PDF-")
    assert read_receipt(receipt) == b"%PDF-"


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts what a process reads")
def test_a_file_of_many_rows_is_read_once_and_again_when_it_is_another(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"x" * 1_000_000)
    folder = ReceiptFolder(tmp_path, max_bytes=2_000_000)
    before = _bytes_read()
    first = folder.find("a.pdf")
    assert {folder.find("./a.pdf") for _ in range(100)} == {first}
    assert 1_000_000 <= _bytes_read() - before < 2_000_000
    path.with_name("b.pdf").write_bytes(b"y" * 1_000_000)
    path.with_name("b.pdf").replace(path)
    assert folder.find("a.pdf").sha256 == hashlib.sha256(b"y" * 1_000_000).digest()
    folder.close()


def _bytes_read():
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_receipt_that_vanished_or_became_a_link_is_unusable(folder, tmp_path):
    receipt = folder.find("2024/taxi.pdf")
    path = tmp_path / "receipts/2024/taxi.pdf"
    path.unlink()
    with pytest.raises(ReceiptUnusable) as raised:
        read_receipt(receipt)
    assert raised.value.code == "receipt_missing"
    (tmp_path / "same.pdf").write_bytes(b"%PDF-")
    path.symlink_to(tmp_path / "same.pdf")
    with pytest.raises(ReceiptUnusable) as raised:
        read_receipt(receipt)
    assert raised.value.code == "receipt_not_a_file"


def test_a_journal_that_was_tampered_with_leads_nowhere(folder):
    receipt = replace(folder.find("2024/taxi.pdf"), path="../secret.pdf", size=6)
    with pytest.raises(ReceiptUnusable):
        read_receipt(receipt)


def test_no_descriptor_is_left_open(folder, tmp_path):
    receipt = folder.find("2024/taxi.pdf")
    before = len(list(Path("/proc/self/fd").iterdir()))
    read_receipt(receipt)
    for path in ("gone/gone.pdf", "2024/gone.pdf", "lunch.JPG/a.pdf"):
        _code(folder, path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_content_types_go_by_the_extension_in_either_case():
    assert content_type("a/b.JPG") == "image/jpeg"
    assert content_type("b.tif") == "image/tiff"
    assert content_type("b") == "application/octet-stream"


def test_receipts_are_relative_to_the_csv_files_folder(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"a")
    (tmp_path / "b.txt").write_bytes(b"bb")
    file = tmp_path / "x.csv"
    file.write_text(rows("acme,,Payment,2024-03-31,EUR,1,400, a.pdf ; b.txt;;a.pdf", header=HEADER))
    assert [(r.path, r.size) for r in read_file(file).only().receipts] == [("a.pdf", 1), ("b.txt", 2)]


def test_receipts_are_relative_to_the_folder_that_was_named(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"a")
    text = rows("acme,,Payment,2024-03-31,EUR,1,400,a.pdf", header=HEADER)
    found = read(text, options=Options(receipts_dir=tmp_path)).only().receipts
    assert found[0].root == str(tmp_path)


def test_an_expense_with_a_wrong_receipt_is_not_given_out_and_each_is_named(tmp_path):
    text = rows("acme,,Payment,2024-03-31,EUR,1,400,a.pdf;../b.pdf;c.exe", header=HEADER)
    result = read(text, options=Options(receipts_dir=tmp_path))
    assert result.parsed == []
    assert result.codes == ["receipt_missing", "receipt_path_refused", "receipt_kind_refused"]
    assert [error.value for error in result.errors] == ["a.pdf", "../b.pdf", "c.exe"]


def test_a_receipts_folder_that_does_not_exist_is_an_error_of_the_row(tmp_path):
    text = rows("acme,,Payment,2024-03-31,EUR,1,400,a.pdf", header=HEADER)
    assert read(text, options=Options(receipts_dir=tmp_path / "gone")).codes == ["receipt_missing"]


def test_endless_receipts_are_one_error(tmp_path):
    text = rows(
        "acme,,Payment,2024-03-31,EUR,1,400," + "a.pdf" + "".join(f";{n}.pdf" for n in range(100)), header=HEADER
    )
    assert read(text, options=Options(receipts_dir=tmp_path)).codes == ["too_many_receipts"]
