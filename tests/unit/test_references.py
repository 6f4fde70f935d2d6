"""Ids take the place of names in the wire form, and not a byte of anything else changes."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from runner.codat.payload import encode_expense
from runner.codat.references import references_of, with_ids
from runner.domain.expense import Expense, ExpenseLine, ExpenseType
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.mapping_options import Kind, Reference

texts = st.text(min_size=1, max_size=12)
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)


def expense(*lines, notes=None):
    return Expense(
        company_id=CompanyId("c"),
        id=ExpenseId("0f1e2d3c-0000-4000-8000-000000000001"),
        type=ExpenseType.REFUND,
        issue_date=datetime(2026, 3, 1, tzinfo=UTC),
        currency="GBP",
        lines=lines,
        notes=notes,
    )


def ref(kind, text):
    return Reference(kind, text, "Refund")


def test_all_that_is_named_is_found():
    payload = encode_expense(expense(ExpenseLine(Decimal(1), "Travel", Decimal(0), "20%", ("Sales", "North"))))
    assert references_of(payload) == {
        ref(Kind.ACCOUNT, "Travel"),
        ref(Kind.TAX_RATE, "20%"),
        ref(Kind.TRACKING, "Sales"),
        ref(Kind.TRACKING, "North"),
    }


def test_ids_take_the_place_of_names_and_the_digits_stay_as_written():
    payload = encode_expense(
        expense(
            ExpenseLine(Decimal("12.500"), "Travel", Decimal("0.00"), "20%", ("Sales", "sales")),
            ExpenseLine(Decimal("1234567890123456789.01"), "a-2"),
            notes='"accountRef":{"id":"Travel"}',
        )
    )
    ids = {
        ref(Kind.ACCOUNT, "Travel"): "a-1",
        ref(Kind.TAX_RATE, "20%"): "t",
        ref(Kind.TRACKING, "Sales"): "s",
        ref(Kind.TRACKING, "sales"): "s",
    }
    body = with_ids(payload, ids)
    assert b'"netAmount":12.500,"taxAmount":0.00,"accountRef":{"id":"a-1"},"taxRateRef":{"id":"t"}' in body
    assert b'"trackingRefs":[{"id":"s"}]' in body
    assert b'"netAmount":1234567890123456789.01' in body
    assert json.loads(body)["notes"] == '"accountRef":{"id":"Travel"}'


def test_nothing_to_replace_gives_the_very_same_bytes():
    payload = encode_expense(expense(ExpenseLine(Decimal("1.10"), "a-1")))
    assert with_ids(payload, {ref(Kind.ACCOUNT, "a-1"): "a-1"}) is payload


@given(lines=st.lists(st.tuples(amounts, texts, st.none() | texts), min_size=1, max_size=4), notes=texts, new=texts)
def test_a_rewritten_expense_is_what_would_have_been_made_of_the_ids_themselves(lines, notes, new):
    given_ = expense(*(ExpenseLine(net, account, tax_rate_id=rate) for net, account, rate in lines), notes=notes)
    meant = expense(*(ExpenseLine(net, new, tax_rate_id=rate) for net, _, rate in lines), notes=notes)
    ids = {ref(Kind.ACCOUNT, account): new for _, account, _ in lines}
    assert with_ids(encode_expense(given_), ids) == encode_expense(meant)
