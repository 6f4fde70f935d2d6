"""A mapping profile as values: checked, complete, ready to be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from runner.intake.mapping.dates import DateReader
from runner.intake.mapping.numbers import NumberFormat

Aliases = tuple[str, ...]
"""The names that a column may have, the first in a file's header counts."""

Overlap = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table from what files say to what accounting software wants."""

    values: Mapping[str, str]
    """By folded key."""
    where: str
    """For people: the table's file and line."""
    otherwise: str | None = None
    """For keys that are not in the table; None makes them errors."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where one canonical field comes from."""

    name: str
    where: str
    columns: tuple[Aliases, ...] = ()
    """Several are joined."""
    separator: str = " "
    constant: str | None = None
    default: str | None = None
    """Where the cell is blank."""
    lookup: Lookup | None = None
    optional: bool = False
    """Whether a file may lack the column."""
    dates: DateReader | None = None


@dataclass(frozen=True, slots=True)
class IdRule:
    """What an expense's id is made from."""

    where: str
    columns: tuple[Aliases, ...] = ()
    separator: str = "/"
    also: tuple[str, ...] = ()
    """Columns whose texts belong to the key of rows without an id."""
    overlap: Overlap | None = None
    """Whether rows without ids stand in several exports; None where nobody has said."""
    repeated_lines: Literal["refuse", "keep"] = "refuse"
    """What a row is that stands twice under one id, cell by cell."""
    optional: bool = False


Role = Literal["net", "gross", "tax", "money_out", "money_in", "tax_code"]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How the net and the tax amount are found, and what their signs mean."""

    where: str
    columns: Mapping[str, Aliases]
    """By `Role`."""
    style: NumberFormat = field(default_factory=NumberFormat)
    decimals: int | None = None
    """Digits behind the point that may occur; None: as many as the currency has."""
    optional: frozenset[str] = frozenset()
    """Roles whose column a file may lack."""
    tax_rate: Decimal | None = None
    """Percent."""
    tax_rates: Lookup | None = None
    """From a tax code to percent."""
    rounding: str = "ROUND_HALF_UP"
    """Of the tax; the net amount is what remains, so that both add up to the gross."""
    negative: Literal["refund", "refuse", "keep"] = "refund"
    spending: Literal["positive", "negative"] = "positive"
    tax_unsigned: bool = False


@dataclass(frozen=True, slots=True)
class SkipRule:
    """Rows that are no expenses; all its conditions must hold."""

    where: str
    column: str | None = None
    """`*` is any cell."""
    equal: frozenset[str] = frozenset()
    unequal: frozenset[str] = frozenset()
    starts: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    zero: bool = False
    refunds: bool = False
    """Whether it is for money that comes back only."""
    currency_not: frozenset[str] = frozenset()
    rest: bool = False
    """Whether the rows below are skipped too."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A mapping profile."""

    name: str
    """As shown to people."""
    named: str
    """What finds it again from any folder: its full path, or the name of a ready one."""
    fields: Mapping[str, Field]
    """By canonical column."""
    amounts: Amounts
    id: IdRule
    skips: tuple[SkipRule, ...] = ()
    encoding: str | None = None
    """None is UTF-8."""
    delimiter: str | None = None
    """None is found out from the header."""
    sheet: str | None = None
    columns: tuple[str, ...] = ()
    """The names of a file's columns that has no header."""
    reach: int = 0
    """How many columns there must be for those that are read by their places."""
    short_rows: Literal["refuse", "blank"] = "refuse"
    """What a row is that ends before the last column that is read: wrong, or blank in its missing cells."""
    needed: tuple[Aliases, ...] = field(default=())
    """One name of each must stand in the header: that is how the header is found."""
