"""Which account, tax rate or tracking category a row means, among those that its company has: pure judging."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, NamedTuple

MAX_SUGGESTED: Final = 50
"""References of one company that get a did-you-mean: likely names are found slowly, and 50 show what is wrong."""
SHOWN: Final = 5


class Kind(StrEnum):
    """What a reference is to."""

    ACCOUNT = "account"
    TAX_RATE = "tax_rate"
    TRACKING = "tracking"


_COLUMNS: Final = {Kind.ACCOUNT: "account_id", Kind.TAX_RATE: "tax_rate_id", Kind.TRACKING: "tracking_ids"}
NAMES: Final = {Kind.ACCOUNT: "account", Kind.TAX_RATE: "tax rate", Kind.TRACKING: "tracking category"}


class Reference(NamedTuple):
    """A text by which expenses of one type name something of their company's."""

    kind: Kind
    text: str
    type: str
    """The expense's type: not everything takes all of them."""


@dataclass(frozen=True, slots=True)
class Option:
    """An account, tax rate or tracking category that a company has."""

    id: str
    name: str | None = None
    code: str | None = None
    """An account's nominal code, or a tax rate's code."""
    types: tuple[str, ...] = ()
    """The types of expense that it takes; none where Codat does not say."""
    parent_id: str | None = None
    has_children: bool = False


@dataclass(frozen=True, slots=True)
class MappingOptions:
    """What a company accepts; a kind of which Codat lists nothing cannot be checked."""

    accounts: tuple[Option, ...] = ()
    tax_rates: tuple[Option, ...] = ()
    tracking: tuple[Option, ...] = ()

    def of(self, kind: Kind) -> tuple[Option, ...]:
        """Return the options of one kind."""
        match kind:
            case Kind.ACCOUNT:
                return self.accounts
            case Kind.TAX_RATE:
                return self.tax_rates
            case Kind.TRACKING:
                return self.tracking

    @property
    def say_nothing(self) -> bool:
        """Whether there is nothing in them to check anything against."""
        return not (self.accounts or self.tax_rates or self.tracking)


class By(StrEnum):
    """How it was found out what a reference means."""

    ID = "id"
    NAME = "name"
    """By name or code; or by an id in other letters."""
    NOTHING = "nothing"
    """Codat lists nothing of this kind: the text is taken for an id."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference means."""

    id: str
    by: By


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a reference cannot be used."""

    reference: Reference
    cause: str
    """`unknown`, `ambiguous`, `not_for_type` or `not_leaf`."""
    found: tuple[Option, ...] = ()

    @property
    def code(self) -> str:
        """The stable word, such as `account_unknown`."""
        return FAULT_CODES[self.reference.kind, self.cause]


FAULT_CODES: Final = {
    (Kind.ACCOUNT, "unknown"): "account_unknown",
    (Kind.ACCOUNT, "ambiguous"): "account_ambiguous",
    (Kind.ACCOUNT, "not_for_type"): "account_not_for_type",
    (Kind.TAX_RATE, "unknown"): "tax_rate_unknown",
    (Kind.TAX_RATE, "ambiguous"): "tax_rate_ambiguous",
    (Kind.TAX_RATE, "not_for_type"): "tax_rate_not_for_type",
    (Kind.TRACKING, "unknown"): "tracking_unknown",
    (Kind.TRACKING, "ambiguous"): "tracking_ambiguous",
    (Kind.TRACKING, "not_leaf"): "tracking_not_leaf",
}


class Resolver:
    """Finds what references mean among one company's options.

    An id wins over everything else: it is what Codat takes, and the one way to be unambiguous. Codes and names
    count alike, first as written and then without regard to case and spaces; what fits several is an error.
    """

    def __init__(self, options: MappingOptions) -> None:
        self._options = options
        self._ids = {kind: {each.id: each for each in options.of(kind)} for kind in Kind}
        self._written = {kind: _index(options.of(kind), str) for kind in Kind}
        self._folded = {kind: _index(options.of(kind), _folded, ids=True) for kind in Kind}
        self._suggested = 0

    def resolve(self, reference: Reference) -> Resolved | Fault:
        """Say which id a reference means, or why it cannot be used."""
        kind, text, type_ = reference
        if not self._ids[kind]:
            return Resolved(text, By.NOTHING)
        option, by = self._ids[kind].get(text), By.ID
        if option is None:
            found = self._written[kind].get(text) or self._folded[kind].get(_folded(text)) or {}
            if len(found) != 1:
                return Fault(reference, "ambiguous" if found else "unknown", tuple(found.values()))
            option, by = next(iter(found.values())), By.NAME
        if option.types and type_ not in option.types:
            return Fault(reference, "not_for_type", (option,))
        if option.has_children:
            return Fault(reference, "not_leaf", (option,))
        return Resolved(option.id, by)

    def message(self, fault: Fault) -> str:
        """Say what is wrong with a reference and what would be right, for whoever made the row."""
        kind, text, type_ = fault.reference
        where, what = f"{_COLUMNS[kind]} {text!r}", NAMES[kind]
        match fault.cause:
            case "unknown":
                return f"{where} is no {what} of this company.{self._suggestion(kind, text)}"
            case "ambiguous":
                return f"{where} fits several: {_listed(fault.found)}. Give the id."
            case "not_for_type":
                (option,) = fault.found
                return f"{where} does not take a {type_}, only: {', '.join(option.types)}."
            case _:
                (parent,) = fault.found
                children = _listed(each for each in self._options.of(kind) if each.parent_id == parent.id)
                return f"{where} has others below it: give one of them{f', such as {children}' if children else ''}."

    def _suggestion(self, kind: Kind, text: str) -> str:
        self._suggested += 1
        if self._suggested > MAX_SUGGESTED:
            return ""
        likely = self._folded[kind]
        close = get_close_matches(_folded(text), likely, n=3)
        found = {option.id: option for word in close for option in likely[word].values()}
        return f" Did you mean {_listed(found.values(), joined=' or ')}?" if found else ""


_Index = dict[str, dict[str, Option]]


def _index(options: Iterable[Option], spelled: Callable[[str], str], *, ids: bool = False) -> _Index:
    """Return the options by code and by name (and by id), each by its own id."""
    index: _Index = {}
    for option in options:
        for text in (option.code, option.name, option.id if ids else None):
            if text and (word := spelled(text)):
                index.setdefault(word, {})[option.id] = option
    return index


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _listed(options: Iterable[Option], *, joined: str = ", ") -> str:
    shown = [_shown(each) for each in options]
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return joined.join(shown[:SHOWN]) + more


def _shown(option: Option) -> str:
    code = f"code {option.code}, " if option.code and option.code != option.id else ""
    return f"{option.name!r} ({code}id {option.id})" if option.name else f"id {option.id}"
