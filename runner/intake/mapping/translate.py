"""A foreign row's cells become a canonical row's texts, as a profile says."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runner.intake.added import ADDED, KEY
from runner.intake.codes import Code, Fault, cut
from runner.intake.header import COLUMNS
from runner.intake.mapping.finding import names_of
from runner.intake.mapping.problem import Problem, fold
from runner.intake.mapping.profile import Aliases, Field, Lookup, Profile
from runner.intake.mapping.sheet import UNSAVED
from runner.intake.mapping.skipping import Skipping
from runner.intake.mapping.taxes import Money, MoneyReader
from runner.intake.text import FileFault

_PLACE: Final[Mapping[str, int]] = {name: place for place, name in enumerate(COLUMNS)}
_TYPE, _CURRENCY, _ID = _PLACE["type"], _PLACE["currency"], _PLACE["id"]
_NET, _TAX = _PLACE["net_amount"], _PLACE["tax_amount"]
_BETWEEN: Final = "\x1f"
_CUT: Final = re.compile(r"\D{0,4}[0-9.]+,(?:[0-9]{1,2}|[0-9]{3}(?:[.,][0-9]*)?)\D{0,4}")
_LIMIT: Final = 20_000
_MAX_KEPT: Final = 200


@dataclass(slots=True)
class Canonical:
    """A row after translation."""

    texts: list[str]
    """One for each of `COLUMNS`."""
    faults: dict[str, Fault]
    """By canonical column, naming the file's own column and value."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that a rule of the profile skips."""

    where: str


class Translator:
    """Translates the rows of one file, whose header it was made for; raises `FileFault` for a header it cannot use."""

    def __init__(self, profile: Profile, header: Sequence[str], *, line: int) -> None:
        self._profile = profile
        names = names_of(profile, header)
        self._header = [" ".join(cell.split()) or name for cell, name in zip(header, names, strict=True)]
        self._unnamed = {place for place, cell in enumerate(header) if not cell.strip()}
        self._places = {name: place for place, name in reversed(list(enumerate(names)))}
        _refuse_repeated(profile, names, line)
        self.width = len(header)
        self.skipping = Skipping(profile.skips, self._places)
        self._sources: dict[str, tuple[int, ...]] = {}
        """The places of the columns that each canonical column comes from."""
        self._template = [""] * len(COLUMNS)
        self._free: list[tuple[int, int, str]] = []
        """Texts that are taken as they are: place, source, and what stands for a blank one."""
        self._singles: list[tuple[str, int, int, _Cells]] = []
        self._joined: list[tuple[str, int, list[tuple[int, _Cells]], str]] = []
        for field in profile.fields.values():
            self._bind(field)
        self._id = self._id_places()
        self._key_places = self._in_key()
        self._roles = self._bind_amounts()
        self._money = MoneyReader(profile.amounts, {role: self._header[place] for role, place in self._roles.items()})
        ruled = {name for rule in profile.skips for name in (rule.column, *rule.blank) if name is not None}
        looked_at = {place for name, place in self._places.items() if name in ruled}
        self.last_read = max(self._read_places | looked_at | set(self._key_places), default=0)
        """The place of the last column that anything is taken from, or that a rule looks at."""

    @property
    def _read_places(self) -> set[int]:
        return {place for places in self._sources.values() for place in places}

    @property
    def unread(self) -> tuple[str, ...]:
        """The columns that nothing is taken from, as written."""
        return tuple(
            f"(column {place + 1}, without a name)" if place in self._unnamed else cut(name)
            for place, name in enumerate(self._header)
            if place not in self._read_places and not (KEY in self._places and fold(name) in ADDED)
        )

    def unsaved(self, cells: Sequence[str]) -> list[Fault]:
        """Return what is wrong with formulas without a value, in columns that are read; usually nothing."""
        if UNSAVED not in cells:
            return []
        expected = "a value; open the workbook in a spreadsheet and save it, or save the sheet as CSV UTF-8"
        return [
            Fault(Code.FORMULA_UNSAVED, self._header[place], None, expected)
            for place, cell in enumerate(cells)
            if cell == UNSAVED and place in self._read_places
        ]

    @property
    def tells_company(self) -> bool:
        """Whether rows say which company they belong to, so that the file's name does not matter."""
        return bool(self._sources.get("company_id") or self._template[_PLACE["company_id"]])

    @property
    def constant_company(self) -> str:
        """The company that the profile gives to all rows; blank where cells or the file's name say it."""
        return "" if self._sources.get("company_id") else self._template[_PLACE["company_id"]]

    @property
    def id_columns(self) -> int:
        """How many columns an id is made from."""
        return len(self._id)

    def translate(self, cells: list[str]) -> Canonical | Skipped:
        """Return the canonical row of these cells, as many as the header has."""
        if (where := self.skipping.before(cells)) is not None:
            return Skipped(where)
        texts = self._template.copy()
        faults: dict[str, Fault] = {}
        for place, source, default in self._free:
            texts[place] = " ".join(cells[source].split()) or default
        for name, place, source, values in self._singles:
            value = values[cells[source]]
            if value.__class__ is str:
                texts[place] = value
            else:
                faults[name] = value  # type: ignore[assignment]
        for name, _, parts, separator in self._joined:
            self._join(cells, name, parts, separator, texts, faults)
        texts[_ID] = self.own_id(cells)
        zero = back = False
        if isinstance(money := self._read_money(cells, texts), Fault):
            faults["net_amount"] = money
        else:
            texts[_NET], texts[_TAX], texts[_TYPE] = format(money.net, "f"), format(money.tax, "f"), money.type
            zero, back = not money.net and not money.tax, money.back
        if self.skipping.looks_at_values:
            where = self.skipping.after(cells, currency=texts[_CURRENCY], zero=zero, refund=back)
            if where is not None:
                return Skipped(where)
        return Canonical(texts, faults)

    def cuts_amount(self, cells: Sequence[str]) -> bool:
        """Say whether an amount and the cell behind it may be one number that a separator in it has cut apart."""
        return any(
            _CUT.fullmatch(f"{cells[place].strip()},{cells[place + 1].strip()}") is not None
            for role, place in self._roles.items()
            if role != "tax_code"
        )

    def own_id(self, cells: Sequence[str]) -> str:
        """Return the id that a row has; blank where a part of it is: rows that lack it must not become one expense."""
        if len(self._id) == 1:
            return " ".join(cells[self._id[0]].split())
        parts = [" ".join(cells[place].split()) for place in self._id]
        if not parts or "" in parts:
            return ""
        separator = self._profile.id.separator
        return separator.join(part.replace("\\", "\\\\").replace(separator, "\\" + separator) for part in parts)

    def key_texts(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Return what a row's key has of the file's own texts, as they are written."""
        return tuple([cells[place] for place in self._key_places])

    def shown(self, name: str, cells: Sequence[str]) -> tuple[str, str] | None:
        """Return the file's own column and value behind a canonical column; None where there is none."""
        places = self._sources.get(name, ())
        if not places:
            return None
        columns = " + ".join(self._header[place] for place in places)
        values = " + ".join(text for place in places if (text := cells[place].strip()))
        return columns, cut(values)

    def own_column(self, name: str) -> str | None:
        """Return the file's own column or columns behind a canonical one."""
        return " + ".join(self._header[place] for place in self._sources.get(name, ())) or None

    def has_column(self, name: str) -> bool:
        """Say whether the file itself has a column of this name."""
        return fold(name) in self._places

    # ---- binding a profile to a header ----

    def _find(self, aliases: Aliases) -> int | None:
        return next((self._places[name] for name in aliases if name in self._places), None)

    def _bind(self, field: Field) -> None:
        place = _PLACE[field.name]
        if field.constant is not None:
            self._template[place] = field.constant
            return
        found = [
            (source, self._cells(field, source)) for each in field.columns if (source := self._find(each)) is not None
        ]
        self._sources[field.name] = tuple(source for source, _ in found)
        if not found:
            self._template[place] = field.default or ""
        elif len(field.columns) == 1 and field.lookup is None and field.dates is None:
            self._free.append((place, found[0][0], field.default or ""))
        elif len(field.columns) == 1:
            self._singles.append((field.name, place, *found[0]))
        else:
            self._joined.append((field.name, place, found, field.separator))
            self._template[place] = field.default or ""

    def _cells(self, field: Field, source: int) -> "_Cells":
        read = _reader(field)
        several = len(field.columns) > 1
        return _Cells(read, "" if several else field.default or "", field.lookup, self._header[source], field.name)

    def _id_places(self) -> list[int]:
        places = [self._find(each) for each in self._profile.id.columns]
        found = [place for place in places if place is not None]
        # With a part of it missing in this file the id would not tell rows apart.
        complete = found if len(found) == len(places) else []
        self._sources["id"] = tuple(complete)
        return complete

    def _in_key(self) -> list[int]:
        """Return the places of the card or account and of the columns that the profile adds to the key."""
        own = self._sources.get("bank_account_id", ())
        return list(dict.fromkeys([*own, *(self._places[name] for name in self._profile.id.also)]))

    def _bind_amounts(self) -> dict[str, int]:
        roles = {
            role: place
            for role, aliases in self._profile.amounts.columns.items()
            if (place := self._find(aliases)) is not None
        }
        tax = {"tax", "tax_code"} & roles.keys()
        main = [role for role in ("gross", "net", "money_out", "money_in") if role in roles]
        self._sources["net_amount"] = tuple(roles[role] for role in main)
        self._sources["tax_amount"] = tuple(roles[role] for role in sorted(tax))
        return roles

    # ---- one row ----

    def _join(
        self,
        cells: Sequence[str],
        name: str,
        parts: list[tuple[int, "_Cells"]],
        separator: str,
        texts: list[str],
        faults: dict[str, Fault],
    ) -> None:
        joined: list[str] = []
        for source, values in parts:
            value = values[cells[source]]
            if isinstance(value, Fault):
                faults[name] = value
                return
            if value:
                joined.append(value)
        if joined:
            texts[_PLACE[name]] = separator.join(joined)

    def _read_money(self, cells: Sequence[str], texts: Sequence[str]) -> Money | Fault:
        said = {role: cells[place] for role, place in self._roles.items()}
        return self._money.read(said, currency=texts[_CURRENCY], type_=texts[_TYPE])


class _Cells(dict[str, str | Fault]):
    """The values of one column's texts. Bounded: a file may hold any number of different ones."""

    def __init__(
        self, read: Callable[[str], str | Problem] | None, default: str, lookup: Lookup | None, column: str, name: str
    ) -> None:
        super().__init__()
        self._read = read
        self._default = default
        self._lookup = lookup
        self._column = column
        self._name = name
        self._free = read is None and lookup is None

    def __missing__(self, text: str) -> str | Fault:
        shown = " ".join(text.split())
        if self._free and shown:
            return shown  # as cheap as looking it up, and texts such as notes hardly repeat
        value = self._value(shown)
        if len(text) <= _MAX_KEPT:
            if len(self) >= _LIMIT:
                self.clear()
            self[text] = value
        return value

    def _value(self, shown: str) -> str | Fault:
        if not shown and (self._lookup is None or "" not in self._lookup.values):
            return self._default
        if self._lookup is not None:
            found = self._lookup.values.get(fold(shown), self._lookup.otherwise)
            if found is None:
                return Fault(Code.LOOKUP_UNKNOWN, self._column, cut(shown), self._missing(shown, self._lookup))
            return found
        if self._read is None:
            return shown
        value = self._read(shown)
        return value if isinstance(value, str) else Fault(value.code, self._column, cut(shown), value.expected)

    def _missing(self, shown: str, lookup: Lookup) -> str:
        return (
            f"one of the {len(lookup.values):,} keys of {lookup.where}, or {cut(shown)!r} added there as {self._name}"
        )


def _reader(field: Field) -> Callable[[str], str | Problem] | None:
    return None if field.dates is None else field.dates.read


def _refuse_repeated(profile: Profile, names: Sequence[str], line: int) -> None:
    read = {name for aliases in profile.needed for name in aliases}
    read |= {name for field in profile.fields.values() for aliases in field.columns for name in aliases}
    for name in sorted(read):
        if names.count(name) > 1:
            expected = "each column that the mapping profile reads once"
            raise FileFault(Fault(Code.COLUMN_REPEATED, None, cut(name), expected), line=line)
