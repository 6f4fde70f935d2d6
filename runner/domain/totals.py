"""Rows that add up others: what their texts say in the usual languages, and what their amounts show."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from runner.domain.money import added

_ADDED: Final = (
    r"(?:grand|sub|running|overall|report|page)[ -]?totals?|total(?:s|e)? (?:amount|due|expenses?|spend|spent|general"
    r"|général|generale|geral|amount due|for|of|per|to date)|amount total"
    r"|(?:gesamt|zwischen|end|teil|monats)?summen?|gesamt(?:betrag|ausgaben)?|endbetrag"
    r"|(?:montant|sous|somme)[ -]?totale?|somme|total à payer"
    r"|(?:sub|eind)?totaal(?:bedrag)?|importe total|suma(?: total)?|totale(?: complessivo)?|(?:importo|sub)[ -]?totale"
    r"|somma|(?:valor|montante) total|soma|(?:del|slut|total)?summa|totalt|i ?alt|(?:del|slut|total)?sum|sum totalt"
    r"|total(?:beløb|beløp|belopp)|samlet(?: (?:beløb|beløp|sum))?"
    r"|razem|ogółem|łącznie|suma końcowa|yhteensä"
)
_BALANCE: Final = (
    r"(?:closing|opening|ending|beginning|starting|final|previous|current|account|statement|available|ledger)"
    r" balance|balance (?:brought|carried) (?:forward|down)|balance [bc]/[fd]|(?:brought|carried) forward"
    r"|saldo|(?:end|anfangs|schluss|abschluss|eind|begin|slott?|slutt?|start|primo|ultimo)saldo|saldo ?vortrag|übertrag"
    r"|(?:(?:alter|neuer) )?(?:konto(?:saldo|stand)|saldo)|(?:oud|nieuw) saldo|(?:anfangs|end|schluss)bestand"
    r"|(?:(?:nouveau|ancien) )?solde(?: (?:final|initial|de clôture|d'ouverture|précédent|créditeur|débiteur|comptable"
    r"|en (?:début|fin) de (?:période|mois)))?"
    r"|saldo (?:final|finale|inicial|iniziale|anterior|precedente|disponible|disponibile|contabile|końcowe|początkowe"
    r"|actual|atual|attuale|de cierre|de apertura|di chiusura|di apertura|de fecho|de abertura)"
    r"|bilans (?:otwarcia|zamknięcia)|behållning"
    r"|(?:utgående|ingående|udgående|indgående|inngående) (?:saldo|balanse|balance|balans)"
)
_MONTHS: Final = """
    january february march april may june july august september october november december januar jänner februar märz mai
    juni juli oktober dezember janvier février fevrier mars avril juin juillet août aout septembre octobre novembre
    décembre decembre januari februari maart mei augustus enero febrero marzo abril mayo junio julio agosto septiembre
    octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre janeiro
    fevereiro março maio junho julho setembro outubro novembro dezembro maj augusti marts desember styczeń stycznia luty
    lutego marzec marca kwiecień kwietnia maja czerwiec czerwca lipiec lipca sierpień sierpnia wrzesień września
    październik października listopad listopada grudzień grudnia jan feb mar mär mrz apr jun jul aug sep sept
    okt oct nov dec dez
"""
_MONTH: Final = rf"(?:{'|'.join(_MONTHS.split())})\.?"
_MONEY: Final = r"(?:eur|usd|gbp|chf|sek|nok|dkk|pln|czk|huf|ron|cad|aud|nzd|inr|jpy|kr|zł|[€£$])"
_OF: Final = (
    r"(?: (?:of|for|de|des|das|dos|delle|dei|der|van|av|af) (?:the |las? |les )?| )"
    r"(?:expenses?|payments?|purchases?|transactions?|ausgaben|zahlungen|umsätze|buchungen|kosten|dépenses|achats|paiements"
    r"|opérations|ttc|ht|uitgaven|betalingen|aankopen|gastos|pagos|compras|movimientos|spese|pagamenti|acquisti|movimenti"
    r"|despesas|pagamentos|movimentos|utgifter|udgifter|køb|kjøp|köp|inköp|betalinger|betalningar|wydatk(?:ów|i)|płatności"
    r"|zakupów)"
)
"""Of what it is the sum."""
_BEHIND: Final = (
    r"(?: (?:on|at|as of|as at|per|am|vom|zum|au|le|du|al|del|em|de|den|pr\.?|na dzień|z dnia|for|für|fur|pour|of|in))?"
    rf"(?: [0-9]{{1,4}}[./-][0-9./-]+"
    rf"|(?: [0-9]{{1,2}}\.?)?(?: de)? {_MONTH}(?: [0-9]{{1,2}},)?(?:(?: de)? [0-9]{{4}})?)?"
    rf"(?: \(?{_MONEY}\)?)?"
)
_BARE: Final = "(?:totals?|(?:(?:new|old) )?balance)"
_SAYS: Final = re.compile(
    rf"(?:(?:{_ADDED}|totals?){_OF}|{_ADDED}|{_BALANCE}|{_BARE}(?= ?[:=]| .))[ :=]*{_BEHIND}[ :=.]*"
)
_MAY_SAY: Final = re.compile(_BARE)
_AROUND: Final = " \t*-=_"
_BEGINNINGS: Final = frozenset({
    "i a", "tot", "gra", "sub", "run", "ove", "rep", "pag", "amo", "ges", "zwi", "end", "tei", "mon", "sum", "sou",
    "som", "ein", "imp", "val", "del", "raz", "ogó", "łąc", "yht", "clo", "ope", "beg", "sta", "fin", "pre",
    "cur", "acc", "ava", "led", "bal", "bro", "car", "sal", "anf", "sch", "abs", "slu", "pri", "ult", "übe",
    "alt", "neu", "kon", "oud", "nie", "nou", "anc", "sol", "utg", "ing", "udg", "ind", "inn", "new", "old",
    "beh", "bil", "ial", "sam", "slo",
})  # fmt: skip
"""The first letters of all of these."""
_LONGEST: Final = 60
FEWEST: Final = 3
"""Rows from which on their exact sum is hardly a chance; two, where it is the last row of all."""
_SUMS: Final = 1_000
"""Companies and currencies that are added up at the same time."""


class Said(Enum):
    """What a text says of its row."""

    NOTHING = 0
    MAYBE = 1
    """A word for a total or balance that is the name of shops as well: `Total`, `New Balance`."""
    TOTAL = 2
    """Nothing but a total or a balance."""


def total_said(text: str) -> Said:
    """Return whether a text names a total or a balance, in any of the usual languages."""
    # Nearly no text begins so, and nearly all are different: this is a tenth of what the whole question costs.
    if text.lstrip(_AROUND)[:3].casefold() not in _BEGINNINGS or len(text) > _LONGEST:
        return Said.NOTHING
    shown = " ".join(text.strip(_AROUND).split()).casefold()
    if _MAY_SAY.fullmatch(shown) is not None:
        return Said.MAYBE
    return Said.NOTHING if _SAYS.fullmatch(shown) is None else Said.TOTAL


def says_total(text: str) -> bool:
    """Say whether a text names nothing but a total or a balance."""
    return total_said(text) is Said.TOTAL


@dataclass(slots=True)
class _Sums:
    part: Decimal = Decimal(0)
    """Since the last sum."""
    part_rows: int = 0
    whole: Decimal = Decimal(0)
    whole_rows: int = 0
    first: Decimal = Decimal(0)
    alike: bool = True
    """Whether all amounts are the first one: then any of them may well be three times as much."""

    def add(self, amount: Decimal) -> None:
        if not self.whole_rows:
            self.first = amount
        self.alike = self.alike and amount == self.first
        self.part, self.part_rows = added(self.part, amount), self.part_rows + 1
        self.whole, self.whole_rows = added(self.whole, amount), self.whole_rows + 1

    def rows(self, amount: Decimal) -> int:
        if self.alike or not amount:
            return 0
        if abs(amount) == abs(self.part):
            return self.part_rows
        return self.whole_rows if abs(amount) == abs(self.whole) else 0


class RunningSums:
    """What the amounts of a file's rows have come to, by company and currency, in file order."""

    def __init__(self) -> None:
        self._sums: OrderedDict[tuple[str, str], _Sums] = OrderedDict()

    def rows_above(self, company: str, currency: str, amount: Decimal) -> int:
        """Return how many rows above an amount is the sum of (0: of none), and count it in.

        Those since the last such sum, or all of them.
        """
        sums = self._sums.get((company, currency))
        if sums is None:
            if len(self._sums) >= _SUMS:
                self._sums.popitem(last=False)
            sums = self._sums[company, currency] = _Sums()
        rows = sums.rows(amount)
        if rows >= FEWEST:
            # A sum is no row to be added up, and what stands below it is added up for itself.
            sums.part, sums.part_rows = Decimal(0), 0
        else:
            sums.add(amount)
        return rows
