"""A made-up council's monthly purchase-card file: realistic, with the truth about every row kept beside it."""

import csv
import io
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

DEPARTMENTS = ("Adult Social Care", "Children\u2019s Services", "Highways & Transport", "Chief Executive\u2019s Office")
UNKNOWN = "Parks (closed)"
CATEGORIES = {
    "Travel": "acc-travel",
    "Catering": "acc-catering",
    "Books & Publications": "acc-books",
    "Hotels": "acc-hotels",
}
VAT = {"S": Decimal(20), "R": Decimal(5), "Z": Decimal(0), "E": Decimal(0)}
HEADER = (
    "Directorate", "Trans Date", "Supplier", "Description", "Cardholder", "Category", "Gross Amount (£)", "VAT Code",
    "Ledger ref",
)  # fmt: skip


@dataclass
class Council:
    """The file, and what each of its rows is."""

    content: bytes = b""
    gross: dict[int, tuple[str, Decimal]] = field(default_factory=dict)
    """By line: department and gross amount, what comes back being below zero."""
    wrong: set[int] = field(default_factory=set)
    """Lines that no careful profile can accept."""
    duplicates: int = 0

    def total(self, department: str) -> Decimal:
        return sum((gross for each, gross in self.gross.values() if each == department), Decimal(0))


def write_council(*, rows: int = 300, seed: int = 7) -> Council:
    chance = random.Random(seed)
    council = Council()
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["Borough of Example – Purchase Card Transactions, April 2017", *[""] * 8])
    writer.writerow(["Published under the transparency code; amounts include VAT, £", *[""] * 8])
    writer.writerow([""] * 9)
    writer.writerow(HEADER)
    line, last = 5, None
    for number in range(rows):
        if last is not None and number % 41 == 0:
            # Two equal purchases on one day, such as two bus tickets: both are real.
            cells, department, gross = last
            council.duplicates += 1
        else:
            cells, department, gross = _row(chance, number)
        writer.writerow(cells)
        council.gross[line] = (department, gross)
        if department == UNKNOWN or cells[7] == "Q" or cells[1] == "31/04/2017":
            council.wrong.add(line)
        last = (cells, department, gross)
        line += 1
    total = sum((gross for _, gross in council.gross.values()), Decimal(0))
    writer.writerow(["", "", "Total", "", "", "", f"£{total:,.2f}", "", ""])
    council.content = out.getvalue().encode("cp1252")
    return council


def _row(chance: random.Random, number: int) -> tuple[list[str], str, Decimal]:
    department = UNKNOWN if number % 97 == 13 else chance.choice(DEPARTMENTS)
    day = date(2017, 4, 1) + timedelta(days=chance.randrange(29))
    written = "31/04/2017" if number % 113 == 50 else f"{day:%d/%m/%Y}"
    if number % 5 == 2:
        written = str((day - date(1899, 12, 30)).days)
    gross = Decimal(chance.randrange(1, 250_000)).scaleb(-2)
    if number % 9 == 4:
        gross = -gross
    code = "Q" if number % 61 == 30 else chance.choice("SSSRZE")
    supplier = chance.choice(["Café Linden", "Total Energies", "Müller & Söhne", "Premier Inn", "Amazon £ Shop"])
    what = chance.choice(["Fuel", "Lunch – training", "Room", "Book"])
    cells = [
        department, written, supplier, what, f"Holder {number % 7}",
        chance.choice(list(CATEGORIES)), _money(gross, number), code, "",
    ]  # fmt: skip
    return cells, department, gross


def _money(gross: Decimal, number: int) -> str:
    text = f"{abs(gross):,.2f}"
    if gross < 0:
        return (f"({text})", f"-£{text}", f"{text} CR", f"{text}-")[number % 4]
    return (f"£{text}", text)[number % 2]
