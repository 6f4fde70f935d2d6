"""Any bytes through any profile: no traceback, no hang, bounded work, no wrong amount."""

import csv
import io
import random
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.intake.mapping.choose import Mappings
from runner.intake.mapping.load import load_profile
from runner.intake.mapping.profile import Profile
from runner.intake.read import Options
from tests.unit.intake_reading import Read, read_file
from tests.unit.mapping_reading import PROFILE

SAMPLES = Path(__file__).parents[1] / "fixtures" / "profiles"
RICH = (
    PROFILE.replace('gross = "Amount"', 'gross = "Amount"\ntax_code = "VAT"\ntax_rates = { S = 20, Z = 0 }')
    .replace('"day-first"', '["day-first", "excel"]')
    .replace('account_id = { constant = "400" }', 'account_id = { column = "Cat", lookup = { a = "1", b = "2" } }')
    + '[id]\ncolumn = "Ref"\noptional = true\n[[skip]]\nzero = true\n'
    + '[[skip]]\ncolumn = "*"\nstarts_with = "total"\nrest = true\n'
)
LEGACY = (
    PROFILE + '[file]\nencoding = "windows-1252"\ndelimiter = ";"\n[id]\ncolumns = ["Ref", "Cat"]\noptional = true\n'
)


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Profile, bytes]]:
    """Profiles with a file that each can read."""
    folder = tmp_path_factory.mktemp("profiles")
    found = []
    for name, text in (("rich", RICH), ("legacy", LEGACY)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        sample = (
            "Date,Merchant,Amount,VAT,Cat,Ref\n03/04/2017,Taxi,12.50,S,a,r1\n42828,Bus,(3.10),Z,b,r1\nTotal,,9,,,\n"
        )
        content = sample if name == "rich" else sample.replace(",", ";").replace("Total", "T£tal")
        found.append(
            (load_profile(str(folder / f"{name}.toml")), content.encode("utf-8" if name == "rich" else "cp1252"))
        )
    found += [
        (load_profile(str(path / "mine.toml")), (path / "sample.csv").read_bytes())
        for path in sorted(SAMPLES.iterdir())
    ]
    return found


def read_bytes(content: bytes, profile: Profile, *, name: str = "acme.csv") -> Read:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return read_file(path, options=Options(mapping=Mappings(((None, profile),))))


def check(found: Read) -> None:
    for parsed in found.parsed:
        assert parsed.expense.gross == sum(
            (line.net_amount + line.tax_amount for line in parsed.expense.lines), Decimal(0)
        )
        for line in parsed.expense.lines:
            assert line.net_amount >= 0
            assert line.tax_amount >= 0
    for error in found.errors:
        assert error.line >= 1
        assert len(error.value or "") <= 80
        assert error.expected
    if found.described.usable:
        # No row is lost: each is of an expense, or of one that is kept back for a reason that is told.
        kept_back = found.described.rows - sum(each.rows for each in found.parsed)
        assert kept_back >= len({error.line for error in found.errors})
        assert bool(kept_back) == bool(found.errors)
    else:
        assert found.parsed == []
        assert len(found.errors) == 1


def mutate(content: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(content)
    pieces = [b'"', b",", b";", b"\r", b"\n", b"\0", b"\xff", b"\xc3", b"''", b"1e9", b"-", b"(", b"9" * 40, b"\t",
              b" CR", b'"' * 50, b"," * 3000, b"x" * 140_000, b"\xef\xbb\xbf", b"total", b"03/04/2017"]  # fmt: skip
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at:at] = chance.choice(pieces)
            case 1:
                del data[at : at + chance.randrange(1, 20)]
            case 2 if data:
                data[min(at, len(data) - 1)] = chance.randrange(256)
            case _:
                other = chance.randrange(len(data) + 1)
                data[at:at] = data[min(at, other) : max(at, other)][:400]
    return bytes(data)


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), which=st.integers(0, 100))
def test_mutated_exports_are_read_or_refused(profiles: list[tuple[Profile, bytes]], seed: int, which: int) -> None:
    profile, content = profiles[which % len(profiles)]
    check(read_bytes(mutate(content, seed), profile))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=300), which=st.integers(0, 100), header=st.booleans())
def test_any_bytes_are_read_or_refused(
    profiles: list[tuple[Profile, bytes]], *, content: bytes, which: int, header: bool
) -> None:
    profile, sample = profiles[which % len(profiles)]
    first = sample.split(b"\n")[0] + b"\n" if header else b""
    check(read_bytes(first + content, profile))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=200), seed=st.integers(0, 2**32))
def test_damaged_workbooks_are_refused(profiles: list[tuple[Profile, bytes]], content: bytes, seed: int) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Date", "Merchant", "Amount", "VAT", "Cat", "Ref"])
    book.active.append(["03/04/2017", "Taxi", 12.5, "S", "a", "r"])
    out = io.BytesIO()
    book.save(out)
    check(read_bytes(mutate(out.getvalue(), seed) if seed % 3 else content, profiles[0][0], name="a.xlsx"))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(
            st.decimals(Decimal("-99999.99"), Decimal("99999.99"), places=2),
            st.sampled_from(["{:,.2f}", "£{:,.2f}", "{:.2f}", "{:,.2f} CR", "({:,.2f})", "{:,.2f}-", "GBP {:.2f}"]),
            st.sampled_from("SZ"),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_what_a_file_says_was_spent_is_what_comes_out(
    profiles: list[tuple[Profile, bytes]], rows: list[tuple[Decimal, str, str]]
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["Date", "Amount", "VAT", "Cat"])
    spent = Decimal(0)
    for amount, style, code in rows:
        back = any(sign in style for sign in ("CR", "(", "}-"))
        text = style.format(abs(amount)) if back else style.format(amount)
        writer.writerow(["03/04/2017", text, code, "a"])
        spent += -abs(amount) if back else amount
    found = read_bytes(out.getvalue().encode(), profiles[0][0])
    assert found.errors == []
    got = sum((-each.gross if each.type == "Refund" else each.gross for each in found.expenses), Decimal(0))
    assert got == spent


@pytest.mark.parametrize(
    "content",
    [
        b"Date,Amount,VAT,Cat\n" + b"x" * 3_000_000,
        b"Date,Amount,VAT,Cat\n" + b"," * 3_000_000,
        b'"' * 3_000_000,
        b"," * 3_000_000,
        b"\n" * 3_000_000,
        b"Date,Amount,VAT,Cat\n" + b'"\n' * 300_000,
        b"Date,Amount,VAT,Cat\n\0\0\0",
        b"a,b\n" * 300_000,
        b",".join(b"c%d" % number for number in range(20_000)) + b",Date,Amount,VAT,Cat\n",
        b"Date,Amount,VAT,Cat\n03/04/2017," + b"1 " * 50_000 + b",S,a\n",
    ],
    ids=["long", "wide", "quotes", "commas", "blank", "open", "nul", "no-header", "columns", "spaces"],
)
def test_bombs_are_refused_quickly(profiles: list[tuple[Profile, bytes]], content: bytes) -> None:
    found = read_bytes(content, profiles[0][0])
    assert found.parsed == []
    check(found)


def test_a_workbook_that_unpacks_to_too_much_or_declares_entities_is_refused(
    profiles: list[tuple[Profile, bytes]], tmp_path: Path
) -> None:
    import zipfile  # noqa: PLC0415 -- beside its use

    pytest.importorskip("openpyxl")
    for name, text in (("xl/sharedStrings.xml", b" " * (300 * 1024**2)), ("xl/workbook.xml", b"<!DOCTYPE lolz []>")):
        path = tmp_path / "bomb.xlsx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(name, text)
        assert read_bytes(path.read_bytes(), profiles[0][0], name="b.xlsx").error().code == "workbook_unreadable"
