"""Profiles checked before use: what cannot be right is said with its file and line, all of it at once."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

from runner.domain.expense import ExpenseType
from runner.domain.ids import is_company_id
from runner.errors import ConfigurationWrong
from runner.intake.currencies import spendable, why_no_money
from runner.intake.header import COLUMNS, DELIMITERS
from runner.intake.mapping.dates import DateFormatWrong, DateReader
from runner.intake.mapping.finding import MAX_COLUMNS, place_of
from runner.intake.mapping.lookups import LookupWrong, gather, read_pairs
from runner.intake.mapping.numbers import THOUSANDS, NumberFormat
from runner.intake.mapping.problem import fold
from runner.intake.mapping.profile import Aliases, Amounts, Field, IdRule, Lookup, Profile, SkipRule
from runner.intake.mapping.raw import Raw, Table, read_raw, shipped
from runner.intake.mapping.recode import known_encoding

MAX_PROBLEMS: Final = 20
REQUIRED: Final = ("type", "issue_date", "currency", "account_id")
JOINED: Final = frozenset({"notes", "merchant_name", "reference", "tracking_ids", "receipts"})
SEVERAL: Final = frozenset({"tracking_ids", "receipts"})
ROUNDING: Final[Mapping[str, str]] = {
    "half-up": "ROUND_HALF_UP",
    "half-even": "ROUND_HALF_EVEN",
    "down": "ROUND_DOWN",
}
ROLES: Final = ("net", "gross", "tax", "money_out", "money_in", "tax_code")

_FIELD_KEYS: Final = frozenset(
    [
        "column",
        "columns",
        "separator",
        "constant",
        "default",
        "lookup",
        "lookup_file",
        "lookup_columns",
        "otherwise",
        "optional",
        "to_do",
    ]
)
_AMOUNT_KEYS: Final = frozenset(ROLES) | frozenset(
    [
        "tax_rate",
        "tax_rates",
        "tax_rates_file",
        "decimal",
        "thousands",
        "grouping",
        "decimals",
        "rounding",
        "negative",
        "spending",
        "tax_sign",
        "optional",
        "to_do",
    ]
)
_FILE_KEYS: Final = frozenset({"encoding", "delimiter", "sheet", "months", "columns", "short_rows", "to_do"})
_ID_KEYS: Final = frozenset(
    {"column", "columns", "separator", "also", "overlap", "repeated_lines", "optional", "derive", "to_do"}
)
_SKIP_KEYS: Final = frozenset(
    ["column", "is", "is_not", "starts_with", "contains", "blank", "zero", "refunds", "currency_not", "rest", "to_do"]
)
_TOP_KEYS: Final = frozenset({"about", "file", "fields", "amounts", "id", "skip"})


W = TypeVar("W", bound=str)


def load_profile(named: str) -> Profile:
    """Return the profile of this path or name, checked; raises `ConfigurationWrong` with every file and line."""
    return check_profile(read_raw(named))


def check_profile(raw: Raw) -> Profile:
    """Return the profile of tables that have been read already; raises `ConfigurationWrong` likewise."""
    return _Checking(raw).profile()


def undecided(named: str) -> list[str]:
    """Return what a profile leaves to its user to decide, each with its place."""
    raw = read_raw(named)
    return [f"{where}: {text}" for where, text in _to_dos(raw, raw.values, ())]


class _Checking:
    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._problems: list[str] = []

    def profile(self) -> Profile:
        """Return the profile; raises `ConfigurationWrong`."""
        raw = self._raw
        left = [f"{where}: still to be decided: {text}" for where, text in _to_dos(raw, raw.values, ())]
        self._problems += left
        self._unknown(raw.values, _TOP_KEYS, ())
        # Of no use to a reading, but a text: `map list` shows it.
        self._text(raw.values, "about", ())
        file = self._table("file")
        self._unknown(file, _FILE_KEYS, ("file",))
        months = self._months(file)
        fields = self._fields(months)
        amounts = self._amounts()
        own_id = self._id()
        skips = self._skips()
        encoding = self._encoding(file)
        delimiter = self._text(file, "delimiter", ("file",))
        if delimiter is not None and delimiter not in DELIMITERS:
            self._say('a delimiter is one of , ; | and a tab ("\\t")', "file", "delimiter")
        sheet = self._text(file, "sheet", ("file",))
        if self._problems or amounts is None:
            raise self._wrong(decide_only=len(left) == len(self._problems))
        needed = _needed(fields, amounts, own_id, skips)
        columns = self._columns(file, needed)
        if self._problems:
            raise self._wrong(decide_only=False)
        blank = self._one_of(file, "short_rows", ("refuse", "blank"), ("file",)) == "blank"
        return Profile(
            raw.name, raw.named, fields, amounts, own_id, skips, encoding, delimiter, sheet,
            columns=columns, reach=_reach(fields, amounts, own_id, needed),
            short_rows="blank" if blank else "refuse", needed=needed,
        )  # fmt: skip

    def _wrong(self, *, decide_only: bool) -> ConfigurationWrong:
        shown = self._problems[:MAX_PROBLEMS]
        more = [f"… and {len(self._problems) - len(shown)} more"] if len(self._problems) > len(shown) else []
        hint = "See docs/mapping.md."
        if decide_only:
            hint = "Decide each, and remove its to_do line."
            if self._raw.named in shipped():
                hint = f'Complete it in a profile of your own that begins with: extends = "{self._raw.named}"'
        return ConfigurationWrong(
            f"The mapping profile {self._raw.name} cannot be used:\n  " + "\n  ".join(shown + more), hint=hint
        )

    # ---- what every table has ----

    def _say(self, what: str, *path: str) -> None:
        self._problems.append(f"{self._raw.where(*path)}: {'.'.join(path)}: {what}")

    def _table(self, key: str) -> Table:
        value = self._raw.values.get(key, {})
        if isinstance(value, dict):
            return value
        self._say("this is a table", key)
        return {}

    def _unknown(self, table: Table, known: frozenset[str], path: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self._say(f"nothing here knows this key; known are {', '.join(sorted(known))}", *path, key)

    def _text(self, table: Table, key: str, path: tuple[str, ...]) -> str | None:
        value = table.get(key)
        if value is None or isinstance(value, str):
            return value
        self._say("this is a text in quotes", *path, key)
        return None

    def _flag(self, table: Table, key: str, path: tuple[str, ...]) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self._say("this is true or false", *path, key)
        return value is True

    def _texts(self, table: Table, key: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return a text or a list of them."""
        value = table.get(key)
        if value is None:
            return ()
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
            self._say("this is a text in quotes, or a list of them", *path, key)
            return ()
        return tuple(cast("list[str]", listed))

    def _aliases(self, table: Table, key: str, path: tuple[str, ...]) -> Aliases:
        found = tuple(fold(each) for each in self._texts(table, key, path))
        if "" in found:
            self._say('a column without a name is told by its place: the third is "#3"', *path, key)
        return found

    def _choice(self, table: Table, key: str, path: tuple[str, ...], choices: Sequence[str]) -> str:
        value = table.get(key, choices[0])
        if value not in choices:
            self._say(f"this is one of {', '.join(choices)}", *path, key)
            return choices[0]
        return str(value)

    # ---- [file] ----

    def _encoding(self, file: Table) -> str | None:
        encoding = self._text(file, "encoding", ("file",))
        if encoding is not None and not known_encoding(encoding):
            self._say(
                f"there is no encoding {encoding!r}; common are utf-8, windows-1252, iso-8859-15", "file", "encoding"
            )
        return encoding

    def _columns(self, file: Table, needed: Sequence[Aliases]) -> tuple[str, ...]:
        """Return the names of the columns of files without a header."""
        listed = file.get("columns")
        if listed is None:
            return ()
        if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
            self._say("this is a list of names, one for each column; blank for one that is not read", "file", "columns")
            return ()
        names = [fold(each) or f"#{place}" for place, each in enumerate(listed, start=1)]
        if len(names) > MAX_COLUMNS or len(set(names)) < len(names):
            self._say(f"these are at most {MAX_COLUMNS:,} names, and no two alike", "file", "columns")
        for each in needed:
            if not set(each) & set(names):
                self._say(f"the column {each[0]!r} is read, and is not among these", "file", "columns")
        return tuple(listed)

    def _months(self, file: Table) -> dict[str, int]:
        names = file.get("months")
        if names is None:
            return {}
        if not isinstance(names, list) or len(names) != 12 or not all(isinstance(each, str) for each in names):
            self._say(
                "this is a list of twelve names, January first; several for one month with | between", "file", "months"
            )
            return {}
        return {
            part.strip().rstrip(".").casefold(): number
            for number, name in enumerate(names, start=1)
            for part in name.split("|")
        }

    # ---- [fields] ----

    def _fields(self, months: dict[str, int]) -> dict[str, Field]:
        tables = self._table("fields")
        fields: dict[str, Field] = {}
        for name, table in tables.items():
            if name not in COLUMNS or name in {"id", "net_amount", "tax_amount"}:
                hint = {"id": "see [id]", "net_amount": "see [amounts]", "tax_amount": "see [amounts]"}.get(name)
                self._say(hint or f"there is no such field; there are {', '.join(_field_names())}", "fields", name)
            elif not isinstance(table, dict):
                self._say('this is a table, such as { column = "Date" }', "fields", name)
            else:
                fields[name] = self._field(name, table, months)
        for name in REQUIRED:
            if name not in tables:
                self._say("every expense needs this field", "fields", name)
        return fields

    def _field(self, name: str, table: Table, months: dict[str, int]) -> Field:
        path = ("fields", name)
        dated = name == "issue_date"
        self._unknown(table, _FIELD_KEYS | {"format"} if dated else _FIELD_KEYS, path)
        columns = self._field_columns(name, table, path)
        constant = self._text(table, "constant", path)
        default = self._text(table, "default", path)
        if (constant is None) == (not columns) and "to_do" not in table:
            self._say("say where it comes from: either column, or columns, or constant", *path)
        if constant is not None and {"default", "lookup", "lookup_file", "otherwise", "format"} & table.keys():
            self._say("a constant has no default, lookup or format", *path)
        lookup = self._lookup(name, table, path)
        for value in (constant, default):
            self._check_value(name, value, *path)
        separator = ";" if name in SEVERAL else table.get("separator", " ")
        if not isinstance(separator, str):
            self._say("this is a text in quotes", *path, "separator")
        if "separator" in table and (name in SEVERAL or "columns" not in table):
            self._say(
                "only several columns are joined, and tracking_ids and receipts always with ;", *path, "separator"
            )
        return Field(
            name,
            self._raw.where(*path),
            columns,
            str(separator),
            constant,
            default,
            lookup,
            self._flag(table, "optional", path),
            self._dates(table, path, months) if dated else None,
        )

    def _field_columns(self, name: str, table: Table, path: tuple[str, ...]) -> tuple[Aliases, ...]:
        if "columns" in table:
            if "column" in table:
                self._say("either column or columns", *path)
            if name not in JOINED:
                self._say(f"only {', '.join(sorted(JOINED))} are joined from several columns", *path, "columns")
            return tuple((each,) for each in self._aliases(table, "columns", path))
        aliases = self._aliases(table, "column", path)
        return (aliases,) if aliases else ()

    def _dates(self, table: Table, path: tuple[str, ...], months: dict[str, int]) -> DateReader | None:
        formats = self._texts(table, "format", path)
        if {"lookup", "lookup_file"} & table.keys():
            self._say("a date has no lookup", *path)
        try:
            return DateReader(formats, months)
        except DateFormatWrong as error:
            self._say(str(error), *path, "format")
            return None

    def _lookup(self, name: str, table: Table, path: tuple[str, ...]) -> Lookup | None:
        otherwise = self._text(table, "otherwise", path)
        inline, file = table.get("lookup"), self._text(table, "lookup_file", path)
        if inline is None and file is None:
            if otherwise is not None or "lookup_columns" in table:
                self._say("otherwise and lookup_columns belong to a lookup", *path)
            return None
        if inline is not None and file is not None:
            self._say("either lookup or lookup_file", *path)
        key = "lookup" if file is None else "lookup_file"
        values = self._pairs(table, path, key, inline, file, lambda value: value if isinstance(value, str) else None)
        for value in {*values.values(), *([] if otherwise is None else [otherwise])}:
            self._check_value(name, value, *path, key)
        where = self._raw.where(*path, key) if file is None else f"{Path(file).name} ({self._raw.where(*path, key)})"
        return Lookup(values, where, otherwise)

    def _pairs(
        self,
        table: Table,
        path: tuple[str, ...],
        key: str,
        inline: Any,  # noqa: ANN401 -- whatever the TOML file has there
        file: str | None,
        read: Callable[[Any], str | None],
    ) -> dict[str, str]:
        try:
            if file is not None:
                return gather(read_pairs(Path(file), self._lookup_columns(table, path)))
            return gather(_inline_pairs(inline, read))
        except LookupWrong as error:
            self._say(f"{error}" if file is None else f"the table {file}: {error}", *path, key)
            return {}

    def _lookup_columns(self, table: Table, path: tuple[str, ...]) -> tuple[str, str] | None:
        names = self._texts(table, "lookup_columns", path)
        if not names:
            return None
        if len(names) != 2:
            raise LookupWrong("lookup_columns names two columns, the key's and the value's")
        return names[0], names[1]

    def _check_value(self, name: str, value: str | None, *path: str) -> None:
        """Say what is wrong with a value that the profile itself states."""
        if not value:
            return
        if name == "type" and value.lower() not in {each.lower() for each in ExpenseType}:
            self._say(f"{value!r} is no type; there are {', '.join(ExpenseType)}", *path)
        elif name == "currency" and value.upper() not in spendable():
            self._say(f"{value!r} is no currency code (ISO 4217){why_no_money(value)}", *path)
        elif name == "company_id" and not is_company_id(value):
            self._say(f"{value!r} cannot be a company's id at Codat", *path)

    # ---- [amounts] ----

    def _amounts(self) -> Amounts | None:
        table, path = self._table("amounts"), ("amounts",)
        self._unknown(table, _AMOUNT_KEYS, path)
        columns = {role: found for role in ROLES if (found := self._aliases(table, role, path))}
        self._check_roles(table, columns, path)
        optional = frozenset(self._texts(table, "optional", path))
        if optional - {"tax", "net", "tax_code"}:
            self._say("only tax, net and tax_code may be missing from a file", *path, "optional")
        decimals = table.get("decimals")
        if decimals is not None and (not isinstance(decimals, int) or decimals not in range(10)):
            self._say("this is a number from 0 to 9", *path, "decimals")
            decimals = None
        rounding = self._choice(table, "rounding", path, tuple(ROUNDING))
        negative = self._choice(table, "negative", path, ("refund", "refuse", "keep"))
        spending = self._choice(table, "spending", path, ("positive", "negative"))
        sign = self._choice(table, "tax_sign", path, ("same", "none"))
        rate, rates = self._rate(table, path), self._rates(table, path)
        if not columns:
            return None
        return Amounts(
            self._raw.where(*path),
            columns,
            self._style(table, path),
            decimals,
            optional,
            rate,
            rates,
            ROUNDING[rounding],
            cast('Literal["refund", "refuse", "keep"]', negative),
            cast('Literal["positive", "negative"]', spending),
            sign == "none",
        )

    def _check_roles(self, table: Table, columns: Mapping[str, Aliases], path: tuple[str, ...]) -> None:
        moved = {"money_out", "money_in"} & columns.keys()
        whole = {"net", "gross"} & columns.keys()
        rates = {"tax_rate", "tax_rates", "tax_rates_file"} & table.keys()
        if not moved and not whole and "to_do" not in table:
            self._say(
                "name the column of the net amount, of the gross amount, or those of money_out and money_in", *path
            )
        if moved and (whole or len(moved) == 1):
            self._say("money_out and money_in belong together, without net or gross", *path)
        if len(rates) > 1 or (rates and "tax" in columns):
            self._say("the tax comes from one place: a column, tax_rate, or tax_code with tax_rates", *path)
        if rates and whole == {"net", "gross"}:
            self._say("net and gross say the tax themselves: no rate is needed", *path)
        if ("tax_code" in columns) != bool(rates & {"tax_rates", "tax_rates_file"}):
            self._say("tax_code (a column) and tax_rates (percent by code) belong together", *path)

    def _style(self, table: Table, path: tuple[str, ...]) -> NumberFormat:
        decimal = self._choice(table, "decimal", path, (".", ","))
        thousands = self._text(table, "thousands", path) or None
        if thousands is not None and (thousands not in THOUSANDS or thousands == decimal):
            self._say("this is one of , . ' and a space, and not the decimal sign", *path, "thousands")
            thousands = None
        lakh = self._choice(table, "grouping", path, ("thousand", "lakh")) == "lakh"
        if lakh and not self._text(table, "thousands", path):
            self._say('grouping needs what stands between the groups: thousands = ","', *path, "grouping")
        return NumberFormat(decimal, thousands, lakh=lakh)

    def _rate(self, table: Table, path: tuple[str, ...]) -> Decimal | None:
        if "tax_rate" not in table:
            return None
        text = _percent(table["tax_rate"])
        if text is None:
            self._say("this is a percentage such as 20", *path, "tax_rate")
        return None if text is None else Decimal(text)

    def _rates(self, table: Table, path: tuple[str, ...]) -> Lookup | None:
        inline, file = table.get("tax_rates"), self._text(table, "tax_rates_file", path)
        if inline is None and file is None:
            return None
        key = "tax_rates" if file is None else "tax_rates_file"
        values = self._pairs({}, path, key, inline, file, _percent)
        for code, rate in values.items():
            if _percent(rate) is None:
                self._say(f"the rate of {code!r} is no percentage: {rate!r}", *path, key)
        where = self._raw.where(*path, key) if file is None else f"{Path(file).name} ({self._raw.where(*path, key)})"
        return Lookup(values, where)

    # ---- [id] and [[skip]] ----

    def _id(self) -> IdRule:
        table, path = self._table("id"), ("id",)
        self._unknown(table, _ID_KEYS, path)
        if {"column", "columns"} <= table.keys():
            self._say("either column or columns", *path)
        columns: tuple[Aliases, ...] = tuple((each,) for each in self._aliases(table, "columns", path))
        if aliases := self._aliases(table, "column", path):
            columns = (aliases,)
        if "derive" in table:
            self._say(
                'derive is no more: rows without an id are told by what they mean; also = ["COLUMN"] adds to it', *path
            )
        separator = table.get("separator", "/")
        if not isinstance(separator, str) or not separator:
            self._say("this is a text in quotes, not a blank one", *path, "separator")
        return IdRule(
            self._raw.where(*path),
            columns,
            str(separator),
            also=tuple(map(fold, self._texts(table, "also", path))),
            overlap=self._one_of(table, "overlap", ("yes", "no"), path),
            repeated_lines=self._one_of(table, "repeated_lines", ("refuse", "keep"), path) or "refuse",
            optional=self._flag(table, "optional", path),
        )

    def _one_of(self, table: Table, key: str, words: Sequence[W], path: tuple[str, ...]) -> W | None:
        value = table.get(key)
        if value is None:
            return None
        for word in words:
            if value == word:
                return word
        self._say("this is " + " or ".join(f'"{word}"' for word in words), *path, key)
        return None

    def _skips(self) -> tuple[SkipRule, ...]:
        rules = self._raw.values.get("skip", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            self._say("rules for rows to skip are written [[skip]]", "skip")
            return ()
        return tuple(self._skip(rule, ("skip", str(number))) for number, rule in enumerate(rules))

    def _skip(self, table: Table, path: tuple[str, ...]) -> SkipRule:
        self._unknown(table, _SKIP_KEYS, path)
        column = self._text(table, "column", path)
        texts = {
            key: tuple(map(fold, self._texts(table, key, path))) for key in ("is", "is_not", "starts_with", "contains")
        }
        blank = self._aliases(table, "blank", path)
        currencies = frozenset(each.upper() for each in self._texts(table, "currency_not", path))
        zero, refunds = self._flag(table, "zero", path), self._flag(table, "refunds", path)
        if (column is not None) != any(texts.values()):
            self._say("column and one of is, is_not, starts_with, contains belong together", *path)
        if column is None and not (blank or currencies or zero or refunds):
            self._say("this rule would skip every row", *path)
        if column == "*" and texts["is_not"]:
            self._say("is_not needs one column", *path)
        if "" in (*texts["starts_with"], *texts["contains"]):
            self._say("a blank text matches every row", *path)
        return SkipRule(
            self._raw.where(*path),
            column if column in {None, "*"} else fold(column or ""),
            frozenset(texts["is"]),
            frozenset(texts["is_not"]),
            texts["starts_with"],
            texts["contains"],
            blank,
            zero,
            refunds,
            currencies,
            self._flag(table, "rest", path),
        )


def _needed(
    fields: Mapping[str, Field], amounts: Amounts, own_id: IdRule, skips: Sequence[SkipRule]
) -> tuple[Aliases, ...]:
    names: list[Aliases] = []
    for each in fields.values():
        names += [] if each.optional else each.columns
    names += [aliases for role, aliases in amounts.columns.items() if role not in amounts.optional]
    names += [] if own_id.optional else own_id.columns
    names += [(name,) for name in own_id.also]
    for rule in skips:
        names += [(name,) for name in (*rule.blank, *([rule.column] if rule.column not in {None, "*"} else [])) if name]
    return tuple(dict.fromkeys(names))


def _reach(fields: Mapping[str, Field], amounts: Amounts, own_id: IdRule, needed: Sequence[Aliases]) -> int:
    """Return how many columns there must be for those that are read by their places."""
    named = [
        *needed,
        *amounts.columns.values(),
        *own_id.columns,
        *(each for of in fields.values() for each in of.columns),
    ]
    places = [place for each in named for name in each if (place := place_of(name)) is not None]
    return max(places, default=-1) + 1


def _inline_pairs(inline: Any, read: Callable[[Any], str | None]) -> list[tuple[str, str, int]]:  # noqa: ANN401
    """Return the entries of a table in the profile itself; raises `LookupWrong`."""
    if not isinstance(inline, dict):
        raise LookupWrong('this is a table, such as { "Travel" = "acc-1" }')
    for key, value in inline.items():
        if read(value) is None:
            raise LookupWrong(f"the value of {key!r} cannot be used")
    # A key without a value is not decided yet, as in a CSV: rows with it are errors.
    return [(key, text, 0) for key, value in inline.items() if (text := read(value))]


def _field_names() -> list[str]:
    return [name for name in COLUMNS if name not in {"id", "net_amount", "tax_amount"}]


def _percent(value: Any) -> str | None:  # noqa: ANN401 -- whatever the TOML file has there
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    text = str(value).strip().removesuffix("%").strip()
    try:
        rate = Decimal(text)
    except ArithmeticError:
        return None
    return text if rate.is_finite() and 0 <= rate < 1000 and len(text) <= 12 else None


def _to_dos(raw: Raw, table: Table, path: tuple[str, ...]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        here = (*path, key)
        if key == "to_do":
            found.append((raw.where(*here), f"{'.'.join(path)}: {value}"))
        elif key in {"lookup", "tax_rates"}:
            continue
        elif isinstance(value, dict):
            found += _to_dos(raw, value, here)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                if isinstance(each, dict):
                    found += _to_dos(raw, each, (*here, str(number)))
    return found
