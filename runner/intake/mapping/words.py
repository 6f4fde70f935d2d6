"""The words by which the columns of an unknown file tell what they are."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "issue_date": (
        "transaction date", "trans date", "date of transaction", "purchase date", "expense date", "issue date",
        "date",
        "timestamp", "payment date", "posting date", "posted date", "clearing date", "datum", "buchungsdatum",
        "buchungstag", "belegdatum", "fecha", "date de transaction", "data", "boekdatum", "transactiedatum",
        "date opération",
        "date operation", "date comptable", "fecha operación", "data operazione", "data contabile", "bokföringsdag",
        "bokföringsdatum", "transaktionsdag", "bokføringsdato", "bokført dato", "bogført dato", "bogføringsdato",
        "dato",
    ),
    "type": ("transaction type", "type", "expense kind", "trans type", "txn type"),
    "receipts": (
        "receipts", "receipt", "attachments", "attachment", "receipt file", "receipt files", "files", "file",
        "file name", "filename", "beleg", "anhang",
    ),
    "money_out": ("money out", "paid out", "debit", "withdrawal", "withdrawals", "spent", "soll", "débit",
        "débito", "debito", "cargo", "debet",
                  "ausgaben", "addebiti", "uscite", "ut av konto", "ut fra konto"),
    "money_in": ("money in", "paid in", "credit", "deposit", "deposits", "received", "haben", "crédit", "crédito",
        "credito", "abono", "kredit",
                 "einnahmen", "accrediti", "entrate", "inn på konto"),
    "gross": (
        "gross amount", "gross", "total amount", "amount incl vat", "amount including vat", "total",
        "transaction amount", "billing amount", "montant ttc", "ttc", "amount", "value", "bruttobetrag", "brutto",
        "betrag", "montant", "importe", "importo", "umsatz", "bedrag", "belopp", "beløb", "beløp",
    ),
    "net": (
        "net amount", "net", "amount excl vat", "amount exc vat", "amount excluding vat", "amount ex vat",
        "amount without vat", "amount before tax", "total before tax", "excl vat", "exc vat", "ex vat", "excl tax",
        "net value", "subtotal", "sub total", "nettobetrag", "netto", "montant ht", "ht", "imponibile",
        "base imponible", "bedrag excl btw",
    ),
    "tax_code": ("vat code", "tax code", "vat rate", "tax rate", "vat", "tax"),
    "tax": ("vat amount", "tax amount", "vat", "tax", "gst", "sales tax", "mwst", "tva", "iva", "btw", "moms",
        "mva", "umsatzsteuer", "ust"),
    "currency": ("currency", "transaction currency", "billing currency", "currency code", "ccy", "währung",
        "devise", "waehrung",
                 "valuta", "munt", "muntsoort", "monnaie", "moneda", "divisa"),
    "company_id": (
        "company id", "company", "entity", "legal entity", "subsidiary", "directorate", "department", "service area",
        "service", "business unit", "cost centre", "cost center",
    ),
    "account_id": (
        "account code", "gl account", "gl code", "nominal code", "account number", "expense account", "account",
        "expense category", "category", "expense type", "accounting category", "merchant category", "mcc", "konto",
        "sachkonto", "kategorie", "kostenart", "catégorie", "compte", "categoría", "cuenta", "categoria", "conto",
    ),
    "merchant_name": (
        "merchant name", "merchant", "supplier name", "supplier", "vendor", "payee", "beneficiary", "counterparty",
        "auftraggeber empfänger", "empfänger", "begünstigter zahlungspflichtiger", "auftraggeber begünstigter",
        "zahlungsempfänger", "naam tegenpartij", "tegenpartij", "bénéficiaire", "commerçant", "comercio",
        "beneficiario",
        "esercente", "mottagare", "modtager", "mottaker", "händler", "lieferant", "fournisseur", "marchand",
        "proveedor",
        "fornitore", "details", "naam omschrijving", "transaction description", "description",
    ),
    "id": (
        "transaction id", "transaction no", "transaction number", "expense id", "unique id", "external id",
        "trans id",
        "id",
    ),
    "reference": ("reference", "ref", "receipt number", "invoice number", "document number", "belegnummer"),
    "notes": ("memo", "notes", "note", "comment", "comments", "narrative", "purpose", "verwendungszweck",
              "bemerkung", "libellé", "concepto", "description", "text", "omschrijving", "mededelingen", "libelle",
        "descripción", "descrizione",
              "causale", "beskrivning", "beskrivelse", "buchungstext", "tekst"),
    "holder": ("cardholder", "cardholder name", "card holder", "employee", "employee name", "user", "spender",
               "karteninhaber", "mitarbeiter", "collaborateur"),
}  # fmt: skip

CARDS: Final = frozenset({
    "card", "card number", "card no", "card id", "card last 4", "card last four", "card ending", "last 4",
    "last 4 digits", "last four digits", "credit card", "credit card number", "payment card", "card account",
    "account id", "wallet",
    "wallet id", "from account", "own account", "source account", "karte", "kartennummer", "karten nr", "kartennr",
    "kreditkarte", "kreditkartennummer", "auftragskonto", "bezeichnung auftragskonto", "iban auftragskonto",
    "eigenes konto", "carte", "numéro de carte", "numero de carte", "n° de carte", "compte émetteur",
    "kaart", "kaartnummer", "pasnummer",
    "tarjeta", "número de tarjeta", "numero de tarjeta", "carta", "numero carta", "cartão", "número do cartão", "kort",
    "kortnummer", "karta", "numer karty",
})  # fmt: skip
"""What a column of the card or account that the money moved on is called."""
ACCOUNTS: Final = frozenset({
    "account", "account number", "account no", "iban", "konto", "kontonummer", "konto nr", "kontonr", "compte",
    "numéro de compte", "numero de compte", "rekening", "rekeningnummer", "iban bban", "cuenta", "número de cuenta",
    "numero de cuenta", "conto", "numero conto", "conta", "número da conta", "rachunek", "numer rachunku",
})  # fmt: skip
"""The same, where the other side's may be called so too: its values are many."""
