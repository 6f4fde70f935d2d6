"""A first profile for an unknown file, with what could not be decided marked as still to do."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.domain.ids import is_uuid
from runner.intake.codes import cut
from runner.intake.mapping.guess import (
    Amount,
    amounts_of,
    assign,
    currency_named,
    dates_of,
    header_place,
    includes_tax,
    is_total,
    moved_on,
    names_fee,
    names_total,
    tells_way,
    types_of,
)
from runner.intake.mapping.leftout import balance_words, pending_words
from runner.intake.mapping.problem import fold
from runner.intake.mapping.sample import Sample
from runner.intake.mapping.signs import NOTHING, Choices, signs_of_one, signs_of_pair, way_of

MAX_LISTED = 200

# Codes of one country: they are said for amounts in its currency only.
_RATES = {"s": "20", "sr": "20", "t1": "20", "r": "5", "rr": "5", "l": "5", "z": "0", "zr": "0", "t0": "0", "e": "0",
          "ex": "0", "x": "0", "o": "0", "os": "0", "n": "0", "t9": "0"}  # fmt: skip
_RATES_OF = "GBP"
_PERCENT = re.compile(r"((?:0|[1-9][0-9]?)(?:\.[0-9]{1,4})?) ?(%?)")


@dataclass(frozen=True, slots=True)
class Sketch:
    """A first profile."""

    text: str
    """TOML."""
    undecided: int
    """How many decisions it leaves to a person."""
    tried: str = ""
    """The same with the first possibility taken wherever one is offered, to be tried on the file, shown to nobody."""


def sketch(sample: Sample, path: Path) -> Sketch:
    """Return a first profile for a file of which this was seen; one with no rows gives an empty sketch."""
    return _Sketching(sample, path).sketch()


class _Sketching:
    def __init__(self, sample: Sample, path: Path) -> None:
        self._sample = sample
        self._path = path
        self._lines: list[str] = []
        self._tried: list[str] = []
        self._undecided = 0
        rows = sample.rows or [([""], 1)]
        place = 0 if sample.columns else header_place(rows)
        self._header_line = rows[place][1]
        self._titles = place
        self._header = [" ".join(cell.split())[:200] for cell in rows[place][0]]
        width = len(self._header)
        below = [(cells + [""] * width)[:width] for cells, _ in rows[place + 1 :]]
        last = [(cells + [""] * width)[:width] for cells in sample.tail]
        self._totals = [cells for cells in below[-5:] + last[-5:] if is_total(cells)]
        self._balances = list(dict.fromkeys(said for cells in below + last if (said := balance_words(cells))))
        self._rows = [cells for cells in below if not is_total(cells) and balance_words(cells) is None]
        self._columns = [[cells[place] for cells in self._rows] for place in range(width)]
        self._found = assign(self._header, self._columns)

    def sketch(self) -> Sketch:
        self._top()
        self._fields()
        self._amounts()
        self._id()
        self._skips()
        return Sketch("\n".join(self._lines) + "\n", self._undecided, "\n".join(self._tried) + "\n")

    # ---- writing ----

    def _say(self, *lines: str) -> None:
        self._lines += lines
        self._tried += lines

    def _note(self, text: str) -> None:
        self._lines.append("# " + _plain(text))

    def _to_do(self, text: str) -> None:
        self._undecided += 1
        self._lines.append(f"to_do = {_quoted(_plain(text))}")

    def _choose(self, *choices: tuple[str, Sequence[str]]) -> None:
        """Write alternatives, each a remark and its lines, as comments: nothing undecided has a value."""
        if choices:
            self._note('One of these, without the "# " before it:')
        for number, (remark, lines) in enumerate(choices, start=1):
            self._note(f"  {number}. {remark}")
            self._lines += [f"# {line}" for line in lines]
        if choices:
            self._tried += choices[0][1]

    def _name(self, meaning: str) -> str:
        return _quoted(self._header[self._found[meaning]])

    def _values(self, meaning: str) -> list[str]:
        return self._columns[self._found[meaning]]

    # ---- parts ----

    def _top(self) -> None:
        self._note(f"A first mapping profile for {self._path.name}: {len(self._rows):,} rows were looked at.")
        self._note("Every to_do below is something that the file does not tell: nothing is set for it. Decide it by")
        self._note("filling what is blank or taking a line that is commented out, then remove the to_do.")
        self._note(f"See what it does with: expense-runner map test {self._path.name} --map THIS_FILE")
        self._say(f"about = {_quoted('Written for ' + _plain(self._path.name))}", "", "[file]")
        sample = self._sample
        for doubt in sample.doubts:
            self._note(doubt)
        if sample.encoding is not None:
            self._say(f"encoding = {_quoted(sample.encoding)}")
        if sample.delimiter:
            self._say(f"delimiter = {_quoted(sample.delimiter)}")
        if sample.columns:
            self._note("The file has no header. These names go by what the columns hold; change them here and below.")
            self._say(f"columns = [{', '.join(map(_quoted, sample.columns))}]")
        else:
            self._note(f"The header is on line {self._header_line}" + (", below title rows." if self._titles else "."))
        self._note("Columns: " + ", ".join(cut(name) for name in self._header[:60]))
        self._say("")

    def _fields(self) -> None:
        self._company()
        self._type()
        self._date()
        self._currency()
        self._account()
        for name in ("merchant_name", "reference"):
            if name in self._found:
                self._say(f"[fields.{name}]", f"column = {self._name(name)}", "")
        if "receipts" in self._found:
            self._say("[fields.receipts]", f"column = {self._name('receipts')}", "")
        noted = [self._name(each) for each in ("notes", "holder") if each in self._found]
        if noted:
            self._say("[fields.notes]", f"columns = [{', '.join(noted)}]", 'separator = " / "', "")

    def _type(self) -> None:
        self._say("[fields.type]")
        if "type" not in self._found:
            self._say('constant = "Payment"', "")
            return
        self._say(f"column = {self._name('type')}")
        values = self._values("type")
        kinds = types_of(values)
        unclear = sum(not kind for kind in kinds.values())
        blank = sum(not value.strip() for value in values)
        if unclear or blank:
            self._to_do(
                "the type of each of these that has none: Payment, Refund, Reward or Chargeback; rows that are no "
                "expense, such as payments of a card's own bill, are left out by a [[skip]]"
                + (f'; and for {blank:,} blank cells: default = "…"' if blank else "")
            )
        self._table("fields.type.lookup", values, kinds)

    def _company(self) -> None:
        if is_uuid(self._path.stem):
            self._note("The file is named after its company.")
            self._say("")
            return
        self._say("[fields.company_id]")
        if "company_id" in self._found:
            self._say(f"column = {self._name('company_id')}")
            self._to_do("the company id at Codat of each of these, or one constant company id instead of the column")
            self._table("fields.company_id.lookup", self._values("company_id"))
        else:
            self._to_do(
                'the company id at Codat: constant = "…", or column = "…" with a lookup, '
                "or name each file after its company"
            )
            self._say("")

    def _table(self, name: str, values: Sequence[str], known: Mapping[str, str] | None = None) -> None:
        """Write a lookup of these values; `known` is what the folded ones stand for, where that is clear."""
        counts = Counter(" ".join(value.split()) for value in values if value.strip())
        self._say("", f"[{name}]")
        if not self._sample.whole:
            self._note("Only the file's beginning was looked at: there may be more of them.")
        seen: set[str] = set()
        for key, count in counts.most_common(MAX_LISTED):
            if fold(key) not in seen:
                seen.add(fold(key))
                self._say(f"{_quoted(key)} = {_quoted((known or {}).get(fold(key), ''))}  # {count:,} rows")
        if len(counts) > MAX_LISTED:
            self._note(
                f"… and {len(counts) - MAX_LISTED:,} more: a table this long is better kept in a CSV (lookup_file)."
            )
        self._say("")

    def _date(self) -> None:
        self._say("[fields.issue_date]")
        if "issue_date" not in self._found:
            self._to_do('the column of the date: column = "…", format = "day-first"')
            self._say("")
            return
        self._say(f"column = {self._name('issue_date')}")
        dates = dates_of([value for value in self._values("issue_date") if len(value) <= 64])
        if dates.note:
            self._note(dates.note)
        if dates.undecided:
            self._to_do(dates.undecided)
            self._choose(*((f"as {' and '.join(each)}", [_format(each)]) for each in dates.choices))
        elif dates.formats:
            self._say(_format(dates.formats))
        self._say("")

    def _currency(self) -> None:
        self._say("[fields.currency]")
        if "currency" in self._found:
            self._say(f"column = {self._name('currency')}")
            used = Counter(value.strip().upper() for value in self._values("currency") if value.strip())
            self._note("In the sample: " + ", ".join(f"{cut(code)} {count:,}" for code, count in used.most_common(8)))
        else:
            codes = self._currencies()
            if len(codes) == 1 and len(codes[0]) == 3 and codes[0].isalpha():
                self._note("By the sign beside the amounts or in the header.")
                self._say(f"constant = {_quoted(codes[0])}")
            else:
                self._to_do('the currency, which no column tells: constant = "GBP", or another')
        self._say("")

    def _currencies(self) -> list[str]:
        if "currency" in self._found:
            return sorted({code for value in self._values("currency") if (code := value.strip().upper())})
        found = {code for each in self._money_columns() for code in self._read(each).currencies}
        # The amounts' own columns say it; other columns may hold what it was abroad.
        money = [self._header[self._found[each]] for each in self._money_columns()]
        named = {code for name in money or self._header if (code := currency_named(name))}
        return sorted(found | named)

    def _account(self) -> None:
        self._say("[fields.account_id]")
        if "account_id" in self._found:
            self._say(f"column = {self._name('account_id')}")
            self._to_do("the account id of each of these, or remove the table if they are account ids themselves")
            self._table("fields.account_id.lookup", self._values("account_id"))
        else:
            self._to_do('the account: constant = "…" for all rows, or column = "…" with a lookup from its values')
            self._say("")

    def _money_columns(self) -> list[str]:
        return [each for each in ("gross", "net", "money_out", "money_in") if each in self._found]

    def _read(self, meaning: str) -> Amount:
        return amounts_of([value for value in self._values(meaning) if len(value) <= 64])

    def _amounts(self) -> None:
        # While anything is undecided no column of an amount is set: without one a profile is refused, so that
        # taking away the to_do decides nothing.
        self._say("[amounts]")
        money = self._money_columns()
        read = self._read(money[0]) if money else None
        doubts = [] if read is None or not read.undecided else [read.undecided]
        doubt, columns = self._columns_of(money)
        doubts += [doubt] if doubt else []
        doubt, signs, note = self._signs_of(money)
        doubts += [doubt] if doubt else []
        rates = self._rates() if money != ["gross", "net"] and "tax" not in self._found else None
        asked = [*doubts, rates[1]] if rates is not None and rates[1] else doubts
        if asked:
            self._to_do("; and ".join(asked))
            self._undecided += len(asked) - 1
        choices = [(f"{one}{two and ', ' + two}", [*first, *second]) for one, first in columns for two, second in signs]
        if doubts:
            self._choose(*choices)
        else:
            self._say(*choices[0][1])
        if note:
            self._note(note)
        self._style(read)
        self._say('negative = "refund"')
        self._tax(money, rates)
        self._say("")

    def _columns_of(self, money: Sequence[str]) -> tuple[str, Choices]:
        """Return what is undecided of the amount's columns, and what they may be."""
        lines = [f"{each} = {self._name(each)}" for each in money]
        if not money:
            return 'the column of the amount: gross = "…" or net = "…"', [("the amount", ['gross = "…"'])]
        title = _quoted(self._header[self._found[money[0]]])
        if money == ["gross", "net"] and not self._tax_explains():
            return f"whether the difference between {title} and {self._name('net')} is a tax: it may be a fee", [
                ("it is the tax", lines),
                ("it is no tax, and all of the first is spent", lines[:1]),
                ("it is no tax, and only the second is spent", [*lines[1:], "tax_rate = 0"]),
            ]
        if money == ["net"] and not {"tax", "tax_code"} & self._found.keys():
            return f"the tax, which no column tells: {title} is without it", [
                ("a tax of so many percent comes on top", [*lines, "tax_rate = 20"]),
                ("there is no tax", [*lines, "tax_rate = 0"]),
            ]
        if money == ["gross"] and "tax" in self._found and not includes_tax(self._header[self._found["gross"]]):
            return f"whether {title} includes the tax", [
                ("it includes the tax", lines),
                ("the tax comes on top", [f"net = {self._name('gross')}"]),
            ]
        return "", [("these columns", lines)]

    def _tax_explains(self) -> bool:
        """Say whether a column of the tax tells that it is what lies between gross and net."""
        fee = any(names_fee(name) for name in self._header)
        return bool({"tax", "tax_code"} & self._found.keys()) and not fee

    def _way(self) -> int | None:
        """Return the column whose words tell money that comes from money that goes, where nothing else reads it."""
        taken = set(self._found.values())
        return next(
            (place for place, values in enumerate(self._columns) if place not in taken and tells_way(values)), None
        )

    def _signs_of(self, money: Sequence[str]) -> tuple[str, Choices, str]:
        """Return what is undecided of the amounts' signs, what they may mean, and a remark."""
        if not money:
            return "", NOTHING, ""
        read = self._read(money[0])
        if money[0] == "money_out":
            return signs_of_pair(read, self._read("money_in"))
        way = self._way()
        if way is not None and not read.minus:
            return way_of(self._header[way], way, self._columns[way])
        counted, which = read, "amounts"
        if "type" in self._found:
            # Where rows say what they are, the payments alone tell how payments are written.
            kinds = types_of(self._values("type"))
            pairs = zip(self._values("type"), self._values(money[0]), strict=True)
            paid = amounts_of(
                [value for kind, value in pairs if kinds.get(fold(kind)) == "Payment" and len(value) <= 64]
            )
            if paid.unmarked:
                counted, which = paid, "payments"
        return signs_of_one(read, counted, which)

    def _style(self, read: Amount | None) -> None:
        if read is None:
            return
        lines = [f"decimal = {_quoted(read.style.decimal)}"]
        if read.style.thousands is not None:
            lines.append(f"thousands = {_quoted(read.style.thousands)}")
        if read.style.lakh:
            lines.append('grouping = "lakh"')
        if read.undecided:
            self._choose(("how amounts are written, perhaps", lines))
        else:
            self._say(*lines)

    def _rates(self) -> tuple[dict[str, str], str] | None:
        """Return the percent of each tax code, blank for an unknown one, and what is undecided of them."""
        if "tax_code" not in self._found:
            return None
        codes = list(dict.fromkeys(fold(value) for value in self._values("tax_code")))[:MAX_LISTED]
        common = _RATES if self._currencies() == [_RATES_OF] else {}
        percents = re.search(r"%|\brate\b", fold(self._header[self._found["tax_code"]])) is not None
        rates: dict[str, str] = {}
        certain = True
        for code in codes:
            found = _PERCENT.fullmatch(code)
            if found is not None and (percents or found[2]):
                rates[code] = found[1]
            else:
                rates[code] = common.get(code, "")
                certain = False
        if certain and self._sample.whole:
            return rates, ""
        return rates, "the tax rate in percent of each code" + (
            ": the ones below are common, not certain" if any(rates.values()) else ""
        )

    def _tax(self, money: Sequence[str], rates: tuple[dict[str, str], str] | None) -> None:
        if "tax" in self._found:
            self._say(f"tax = {self._name('tax')}")
        elif rates is not None:
            self._say(f"tax_code = {self._name('tax_code')}", "", "[amounts.tax_rates]")
            for code, rate in rates[0].items():
                self._lines.append(f"{_quoted(code)} = {rate}" if rate else f"# {_quoted(code)} = ?")
                self._tried.append(f"{_quoted(code)} = {rate or 0}")
        elif money == ["gross", "net"]:
            self._note("The tax is what lies between net and gross.")
        elif money != ["net"]:
            self._note("No column tells the tax: the whole amount is posted as the net amount, with a tax of 0.")
            self._note('If it holds a tax: tax = "COLUMN", or tax_rate = 20, or tax_code with tax_rates.')

    def _id(self) -> None:
        self._say("[id]")
        values = [value.strip() for value in self._values("id")] if "id" in self._found else []
        filled = [value for value in values if value]
        if filled and len(set(filled)) == len(filled):
            self._say(f"column = {self._name('id')}", "")
            return
        if filled:
            self._to_do("whether rows with the same id are the lines of one expense")
            self._note("A blank column is refused. Put one of the lines below in its place.")
            self._lines.append('column = ""')
            self._choose(
                ("rows with the same id are the lines of one expense", [f"column = {self._name('id')}"]),
                (
                    "each row is an expense of its own",
                    ['overlap = "yes"  # or "no": may a row stand in several exports?', *self._also()],
                ),
            )
        else:
            self._note("No column tells expenses apart: rows are known by what they mean, and equal rows are counted.")
            self._to_do("whether a row may stand in several exports")
            self._lines.append('overlap = ""')
            self._choose(
                ("exports overlap: the same row may stand in the next one", ['overlap = "yes"']),
                ("each export brings only new rows", ['overlap = "no"']),
            )
            self._say(*self._also())
        self._say("")

    def _also(self) -> list[str]:
        """Return the line by which equal rows of two cards stay two."""
        places = moved_on(self._header, self._columns, self._found)
        return [f"also = [{', '.join(_quoted(self._header[place]) for place in places)}]"] if places else []

    def _skips(self) -> None:
        if (pending := pending_words(self._columns)) is not None:
            place, words = pending
            self._note("Pending rows are left out: they come in once they are booked, often with another text.")
            self._say("[[skip]]", f"column = {_quoted(self._header[place])}")
            self._say(f"is = [{', '.join(map(_quoted, words))}]", "")
        for place in dict.fromkeys(place for place, _ in self._balances):
            words = list(dict.fromkeys(word for at, word in self._balances if at == place))
            self._note("Balances are no expenses.")
            self._say("[[skip]]", f"column = {_quoted(self._header[place])}")
            self._say(f"starts_with = [{', '.join(map(_quoted, words))}]", "")
        self._total_rows()
        if any(self._read(each).zero for each in self._money_columns()):
            self._note("There are amounts of zero. To leave such rows out, write:  [[skip]]  zero = true")
        spare = [name for place, name in enumerate(self._header) if place not in self._found.values() and name]
        if spare:
            self._note("Not read: " + ", ".join(cut(name) for name in spare[:60]))

    def _total_rows(self) -> None:
        date = self._found.get("issue_date")
        dated = [cells for cells in self._totals if date is not None and cells[date].strip()]
        dated = [cells for cells in dated if date is None or not names_total(cells[date])]
        if dated:
            place, text = next((at, cell.strip()) for at, cell in enumerate(dated[0]) if names_total(cell))
            self._say("[[skip]]", f"column = {_quoted(self._header[place])}", f"is = {_quoted(text)}")
            self._to_do(f"whether the row with {cut(text)!r} and a date is a total: else remove this [[skip]]")
            self._say("")
        self._totals = [cells for cells in self._totals if cells not in dated]
        if self._totals and "issue_date" in self._found:
            place, text = next(
                (place, cell.strip()) for cells in self._totals for place, cell in enumerate(cells) if names_total(cell)
            )
            beside = place != self._found["issue_date"]
            self._note(f"A row with {cut(text)!r} and no date stands at the end.")
            start = fold(text).split(" ")[0] if not fold(text).startswith("grand") else "grand total"
            self._say("[[skip]]", f"column = {_quoted(self._header[place])}", f"starts_with = {_quoted(start)}")
            # Where it stands in the column of the date itself, there is no date beside it.
            self._say(*([f"blank = {self._name('issue_date')}"] if beside else []), "")


def _format(formats: Sequence[str]) -> str:
    return f"format = [{', '.join(map(_quoted, formats))}]"


def _quoted(text: str) -> str:
    """Return a text as TOML has it in quotes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    """Return a text on one line, without what cannot be printed."""
    return "".join(each if each.isprintable() else " " for each in text)
