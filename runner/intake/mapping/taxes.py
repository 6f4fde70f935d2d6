"""Net and tax amounts from what a row says, adding up to its gross exactly; and what a sign means."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from runner.domain.expense import ExpenseType
from runner.intake.codes import Code, Fault, cut
from runner.intake.mapping.numbers import Number, NumberReader, contradicts, minor_digits, too_fine
from runner.intake.mapping.problem import Problem, fold
from runner.intake.mapping.profile import Amounts

_ZERO: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)
_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Money:
    """What a row's amounts come to."""

    net: Decimal
    tax: Decimal
    type: str
    """The type as the row has it, or what the sign makes of it."""
    back: bool = False
    """Whether the row itself says that money comes back."""


class _Refused(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.expected)
        self.fault = fault


class MoneyReader:
    """Reads the amounts of one file's rows; `columns` names the file's own column for each role it has."""

    def __init__(self, rule: Amounts, columns: Mapping[str, str]) -> None:
        self._rule = rule
        self._columns = columns
        self._numbers = NumberReader(rule.style)
        self._rates: dict[str, Decimal] = {}
        self._main = next(role for role in ("gross", "net", "money_out", "money_in") if role in columns)

    def read(self, texts: Mapping[str, str], *, currency: str, type_: str) -> Money | Fault:
        """Return the amounts of a row, given each role's text, its currency and its type as written."""
        code = currency.upper()
        try:
            net, tax = self._parts(texts, code)
            return self._signed(net, tax, type_, texts)
        except _Refused as refused:
            return refused.fault

    def _parts(self, texts: Mapping[str, str], currency: str) -> tuple[Decimal, Decimal]:
        """Return net and tax, what is spent being above zero."""
        gross = self._moved(texts, currency) if "money_out" in texts else self._spent("gross", texts, currency)
        net = self._spent("net", texts, currency) if "net" in texts else None
        tax = self._spent("tax", texts, currency) if "tax" in texts else None
        if gross is None and net is None:
            raise _Refused(Fault(Code.VALUE_MISSING, self._columns[self._main], "", "an amount"))
        whole = gross if gross is not None else net
        if tax is not None and whole is not None and self._rule.tax_unsigned:
            tax = abs(tax).copy_sign(whole)
        rate = self._rate(texts) if tax is None and None in (gross, net) else None
        if gross is None:
            base = net if net is not None else _ZERO
            return base, tax if tax is not None else self._rounded(base * (rate or _ZERO) / _HUNDRED, currency)
        if tax is None:
            tax = gross - net if net is not None else self._within(gross, rate, currency)
        if net is not None and net + tax != gross:
            raise self._refused(Code.AMOUNTS_DISAGREE, "gross", texts, f"net and tax that add up to it ({net} + {tax})")
        if abs(tax) > abs(gross) or tax * gross < 0:
            raise self._refused(Code.AMOUNTS_DISAGREE, "tax", texts, f"a part of the gross amount {gross}")
        return gross - tax, tax

    def _within(self, gross: Decimal, rate: Decimal | None, currency: str) -> Decimal:
        """Return the tax that a gross amount contains at a rate in percent."""
        if not rate:
            return _ZERO
        return self._rounded(gross * rate / (_HUNDRED + rate), currency)

    def _rounded(self, tax: Decimal, currency: str) -> Decimal:
        return tax.quantize(Decimal(1).scaleb(-minor_digits(currency)), rounding=self._rule.rounding)

    def _rate(self, texts: Mapping[str, str]) -> Decimal | None:
        rates = self._rule.tax_rates
        if rates is None:
            return self._rule.tax_rate
        code = texts.get("tax_code", "")
        rate = self._rates.get(code)
        if rate is None:
            found = rates.values.get(fold(code), rates.otherwise)
            if found is None:
                wanted = f"a code from the table in {rates.where}, or {code.strip()!r} added to it"
                raise self._refused(Code.LOOKUP_UNKNOWN, "tax_code", texts, wanted)
            rate = Decimal(found)
            if len(self._rates) < _KEPT and len(code) <= _KEPT:
                self._rates[code] = rate
        return rate

    def _moved(self, texts: Mapping[str, str], currency: str) -> Decimal | None:
        """Return what the two columns of money going out and coming in say."""
        out, back = self._spent("money_out", texts, currency), self._spent("money_in", texts, currency)
        if out and back:
            raise self._refused(Code.AMOUNTS_DISAGREE, "money_in", texts, "only one of money out and money in")
        if back is None:
            return out
        if not back and out is not None:
            return out
        # A column of money coming in says so by its name: its amounts count as spent less.
        return -back if self._rule.spending == "positive" else back

    def _spent(self, role: str, texts: Mapping[str, str], currency: str) -> Decimal | None:
        """Return what a cell says was spent; None for a blank one."""
        text = texts.get(role, "").strip()
        if not text:
            return None
        number = self._numbers.read(text)
        if isinstance(number, Problem):
            raise self._refused(number.code, role, texts, number.expected)
        if number.currency and currency and contradicts(number.currency, currency):
            raise self._refused(Code.CURRENCY_DIFFERS, role, texts, f"an amount in {currency}, the row's currency")
        allowed = self._rule.decimals if self._rule.decimals is not None else minor_digits(currency)
        if too_fine(number.magnitude, allowed):
            raise self._refused(Code.AMOUNT_TOO_FINE, role, texts, f"at most {allowed} digits behind the point")
        return _signed(number, spending=self._rule.spending)

    def _signed(self, net: Decimal, tax: Decimal, type_: str, texts: Mapping[str, str]) -> Money | Fault:
        """Apply what the profile says of amounts below zero."""
        if self._rule.negative == "keep" or (net >= 0 and tax >= 0):
            return Money(net, tax, type_, back=net < 0)
        if net > 0 or tax > 0:
            return self._refused(Code.AMOUNTS_DISAGREE, "tax", texts, f"the same sign as the net amount {net}").fault
        if self._rule.negative == "refuse":
            return self._refused(Code.NEGATIVE_REFUSED, self._main, texts, "an amount above zero").fault
        refund = type_.lower() == ExpenseType.PAYMENT.lower()
        return Money(-net, -tax, ExpenseType.REFUND.value if refund else type_, back=True)

    def _refused(self, code: Code, role: str, texts: Mapping[str, str], expected: str) -> _Refused:
        column = self._columns.get(role, self._columns[self._main])
        shown = texts.get(role, texts.get(self._main, ""))
        return _Refused(Fault(code, column, cut(shown.strip()), expected))


def _signed(number: Number, *, spending: str) -> Decimal:
    if number.mark:
        # CR is money that comes back and DR money that goes out, whatever the file does with signs.
        return -number.magnitude if number.mark == "CR" else number.magnitude
    negative = number.negative == (spending == "positive")
    return -number.magnitude if negative and number.magnitude else number.magnitude
