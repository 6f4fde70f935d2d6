"""Rows of one file that are odd beside one another: totals and balances, and numbers that were never amounts."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from runner.domain.odd_rows import RowsSeen
from runner.domain.totals import Said, says_total, total_said

TOTALS = [
    "Total:", "Grand Total", "Sub-total", "Total EUR", "Total March 2024", "Total 31.03.2024", "*** TOTAL: ***",
    "Closing balance", "Closing Balance 31.03.2024", "Balance brought forward", "Balance b/f",
    "Summe", "Gesamtbetrag", "Zwischensumme", "Endsaldo", "Saldo per 31.03.2024", "Kontostand am 31.3.2024", "Übertrag",
    "Total général", "Sous-total", "Solde", "Nouveau solde", "Solde au 31/03/2024", "Solde de clôture", "Montant total",
    "Totaal", "Eindtotaal", "Eindsaldo", "Nieuw saldo", "Importe total", "Saldo anterior", "Suma",
    "Totale", "Totale generale", "Saldo finale", "Subtotale", "Valor total", "Saldo inicial",
    "Closing balance on 31 March 2024", "Balance at March 31, 2024", "Total of expenses", "Total payments March 2024",
    "Gesamtausgaben", "Summe Ausgaben", "Endbestand", "Solde au 31 mars 2024", "Total des dépenses", "Total TTC",
    "Totaal uitgaven", "Slotsaldo", "Total gastos", "Saldo al 31 de marzo de 2024", "Saldo actual", "Totale spese",
    "Saldo di chiusura", "Total das despesas", "Saldo atual", "Slutsumma", "Totalsumma", "Utgående balans",
    "Samlet beløb", "Sum utgifter", "Sluttsaldo", "Suma wydatków", "Bilans zamknięcia", "Saldo na dzień 31.03.2024",
    "Summa", "Totalt", "Utgående saldo", "I alt", "Slutsaldo", "Delsum", "Razem", "Ogółem", "Saldo końcowe",
]  # fmt: skip
SHOPS = [
    "TotalEnergies", "TOTAL ACCESS PARIS", "Total 4567 Paris", "Total Wine & More", "Total Gas", "Total station 2024",
    "New Balance Store", "Balance Yoga", "Saldo Mobile", "Soldes", "Gesamtverband", "Sommelier", "Summer", "Hotel Sum",
    "Total Kitchen", "Total Köln", "Sumup Payments Ltd", "Saldo Coffee 31", "Sum Café Berlin", "Samlet Design",
    "Bilans Plus", "TOTAL MARSEILLE", "Total Augsburg", "Total Mariendorf", "Total Decines", "Endless Summer",
    "Total Marché Paris",
]  # fmt: skip


def look(*amounts: str | tuple[str, str], currency: str = "EUR") -> dict[str, tuple[int, list[int]]]:
    """Return what is found: how many rows, and the lines of the first; a row may have a text beside its amount."""
    seen = RowsSeen()
    for line, each in enumerate(amounts, start=2):
        amount, text = (each, "") if isinstance(each, str) else each
        seen.see(line=line, company="acme", expense=f"e{line}", currency=currency, amount=Decimal(amount),
                 texts={"merchant_name": text, "notes": None})  # fmt: skip
    return {each.oddity.value: (each.count, [row.line for row in each.examples]) for each in seen.found()}


@pytest.mark.parametrize("text", TOTALS)
def test_a_text_says_total_or_balance_in_the_usual_languages(text: str) -> None:
    assert says_total(text)
    assert says_total(text.upper())
    assert look("10", "20", ("7", text), "3") == {"total_row": (1, [4])}


@pytest.mark.parametrize("text", SHOPS)
def test_shops_are_no_totals(text: str) -> None:
    assert total_said(text) is Said.NOTHING
    assert look("10", "20", ("7", text)) == {}


@pytest.mark.parametrize("text", ["Total", "TOTAL", "New Balance"])
def test_a_word_that_is_a_shop_as_well_is_a_total_in_the_last_row_or_where_it_adds_up(text: str) -> None:
    assert look("10", ("7", text), "20") == look(("7", text)) == look("10", ("7", text)) == {}
    assert look("10", "20", ("7", text)) == {"total_row": (1, [4])}
    assert look("10", "20", "30", ("60", text), "5") == {"total_row": (1, [5])}


def test_the_sum_of_the_rows_above_is_a_total() -> None:
    assert look("10", "20", "30.50", "60.50", "5") == {"total_row": (1, [5])}
    assert look("10", "20", "-5", "-25") == {"total_row": (1, [5])}
    # Sums of parts, and one of all.
    assert look("1", "2", "4", "7", "10", "20", "40", "70", "77") == {"total_row": (3, [5, 9, 10])}
    # Of two rows only the last row of all can be one.
    assert look("10", "20", "30") == {"total_row": (1, [4])}


@pytest.mark.parametrize(
    "amounts", [["5", "5", "5", "15"], ["5", "5", "10", "3"], ["7", "7"], ["0", "0", "0"], ["10", "20", "30", "7"]]
)
def test_what_adds_up_by_chance_is_no_total(amounts: list[str]) -> None:
    assert look(*amounts) == {}


def whole(numbers: Iterable[int]) -> list[str]:
    return [str(number) for number in numbers]


@pytest.mark.parametrize(
    ("amounts", "count"),
    [
        (["250000000000001"], 1),
        (whole(range(250_000_000_000_001, 250_000_000_000_031)), 30),
        (whole(7_654_321 + 13 * number for number in range(40)), 40),
        (["20240331", "20240401"] * 15, 30),
        (whole(7**number % 10**12 + 10 ** (9 + number % 4) for number in range(40)), 40),  # of 10 to 13 digits
    ],
)
def test_references_article_numbers_and_days_are_no_amounts(amounts: list[str], count: int) -> None:
    assert look(*amounts)["suspicious_amount"][0] == count


@pytest.mark.parametrize(
    "amounts",
    [
        whole(range(1_000_001, 1_000_011)),  # too few to tell
        [*whole(7_654_321 + 13 * number for number in range(40)), "12.50"],
        ["1500000"] * 40,
        whole(1_250_500 + 37_500 * number for number in range(40)),  # in rupiah
        whole(150_000 * number for number in range(1, 90)),
        ["999999999999.99"],
    ],
)
def test_large_amounts_are_amounts(amounts: list[str]) -> None:
    assert "suspicious_amount" not in look(*amounts)
