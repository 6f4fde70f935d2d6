"""Rows of an unknown file that are no expense yet, or none at all: pending ones and balances."""

import re
from collections.abc import Sequence
from typing import Final

from runner.intake.mapping.problem import fold

_PENDING: Final = frozenset({
    "pending", "authorised", "authorized", "authorisation", "authorization", "uncleared", "processing", "in progress",
    "vorgemerkt", "vorgemerkter umsatz", "umsatz vorgemerkt", "ausstehend", "offen", "en attente", "en cours",
    "in behandeling", "gereserveerd", "in afwachting", "pendiente", "en proceso", "in attesa", "in sospeso",
    "in elaborazione", "non contabilizzato", "pendente", "väntande", "reserverad", "reserverat", "preliminär",
    "afventer", "reserveret", "venter", "reservert", "under behandling", "oczekująca", "oczekujące", "w toku",
    "w realizacji", "nierozliczona",
})  # fmt: skip
_BOOKED: Final = frozenset({
    "booked", "posted", "settled", "completed", "complete", "cleared", "gebucht", "umsatz gebucht", "abgeschlossen",
    "comptabilisé", "comptabilisée", "effectué", "effectuée", "terminé", "terminée", "geboekt", "verwerkt", "voltooid",
    "contabilizado", "contabilizada", "completado", "completada", "contabilizzato", "contabilizzata", "completato",
    "completata", "concluído", "concluída", "bokförd", "bokfört", "genomförd", "bogført", "gennemført", "bokført",
    "gjennomført", "fullført", "zaksięgowana", "zaksięgowano", "zrealizowana", "rozliczona",
})  # fmt: skip
_BALANCE: Final = re.compile(
    r"(?:closing|opening|ending) balance|balance (?:brought|carried) forward|balance [bc]/f"
    r"|(?:end|anfangs|schluss|abschluss|eind|begin|slut|start)saldo|saldovortrag"
    r"|(?:alter|neuer) (?:konto(?:saldo|stand)|saldo)"
    r"|kontostand|(?:nouveau|ancien) solde|solde (?:final|initial|au|de cl[ôo]ture|précédent|precedent)"
    r"|saldo (?:am|per|final|finale|inicial|iniziale|anterior|precedente|końcowe|początkowe|koncowe|poczatkowe)"
    r"|(?:utgående|ingående|udgående|indgående|inngående) (?:saldo|balanse|balance)"
)


def pending_words(columns: Sequence[Sequence[str]]) -> tuple[int, list[str]] | None:
    """Return the place of a column of nothing but such words as pending and booked, and those that mean pending."""
    for place, values in enumerate(columns):
        words = dict.fromkeys(text for value in values if (text := fold(value)))
        pending = [word for word in words if word in _PENDING]
        if pending and len(pending) < len(words) and all(word in _PENDING or word in _BOOKED for word in words):
            return place, pending
    return None


def balance_words(cells: Sequence[str]) -> tuple[int, str] | None:
    """Return the cell of a row that says that it is a balance, and the words that say so."""
    for place, cell in enumerate(cells):
        found = re.match(rf"(?:{_BALANCE.pattern})\b", fold(cell))
        if found is not None:
            return place, found[0]
    return None
