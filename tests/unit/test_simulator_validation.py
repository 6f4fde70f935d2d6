from decimal import Decimal

import pytest

from runner.simulator.companies import CompanySpec
from tests.simulator_client import COMPANY, Client, expense, expense_id, read

LINE = {"netAmount": Decimal("1.00"), "taxAmount": Decimal(0), "accountRef": {"id": "400"}}


def line(**changed):
    return {key: value for key, value in {**LINE, **changed}.items() if value is not ...}


@pytest.mark.parametrize(
    ("changed", "validator"),
    [
        ({"id": "not-a-uuid"}, "IdValidator"),
        ({"id": None}, "IdValidator"),
        ({"type": "TransferIn"}, "TypeValidator"),
        ({"type": "AdjustmentOut"}, "TypeValidator"),
        ({"type": "Purchase"}, "TypeValidator"),
        ({"issueDate": "01/03/2026"}, "IssueDateValidator"),
        ({"issueDate": None}, "IssueDateValidator"),
        ({"currency": "gbp"}, "CurrencyValidator"),
        ({"currency": "POUND"}, "CurrencyValidator"),
        ({"currencyRate": 0}, "CurrencyRateValidator"),
        ({"currencyRate": "1.1"}, "CurrencyRateValidator"),
        ({"notes": 5}, "TextValidator"),
        ({"contactRef": {"type": "Supplier"}}, "ReferenceValidator"),
        ({"contactRef": {"id": "1", "type": "Customer"}}, "ContactValidator"),
        ({"lines": []}, "LinesValidator"),
        ({"lines": None}, "LinesValidator"),
        ({"lines": [LINE] * 101}, "LinesValidator"),
        ({"lines": ["x"]}, "LineValidator"),
        ({"lines": [line(netAmount=...)]}, "NetAmountValidator"),
        ({"lines": [line(netAmount="1.00")]}, "NetAmountValidator"),
        ({"lines": [line(netAmount=True)]}, "NetAmountValidator"),
        ({"lines": [line(netAmount=Decimal("1e300"))]}, "NetAmountValidator"),
        ({"lines": [line(taxAmount=...)]}, "TaxAmountValidator"),
        ({"lines": [line(accountRef=...)]}, "ReferenceValidator"),
        ({"lines": [line(accountRef={"id": ""})]}, "ReferenceValidator"),
        ({"lines": [line(trackingRefs=[{"id": "x"}] * 11)]}, "TrackingValidator"),
        ({"lines": [line(trackingRefs=[{}])]}, "ReferenceValidator"),
        ({"lines": [line(taxRateRef={})]}, "ReferenceValidator"),
    ],
)
def test_wrong_transaction_is_refused_and_named(changed, validator):
    wrong = expense(2, **changed)
    answer = Client().create(expense(1), wrong)
    body = read(answer)
    assert answer.status == body["statusCode"] == 400
    assert [each["validatorName"] for each in body["validation"]["errors"]] == [validator]
    assert body["validation"]["errors"][0]["itemId"] == str(wrong["id"])
    assert body["validation"]["warnings"] == []
    assert body["correlationId"]
    assert body["canBeRetried"] == "False"
    assert {"service", "error", "detailedErrorCode"} <= set(body)


def test_one_wrong_transaction_refuses_the_whole_request():
    client = Client()
    client.create_directly(expense(1), expense(2, currency="x"))
    client.wait(60)
    client.get("config")
    assert client.ledger.entries == []


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "Refund"},
        {"type": "Reward"},
        {"type": "Chargeback"},
        {"issueDate": "2026-03-01T00:00:00Z"},
        {"currencyRate": Decimal("1.18")},
        {"contactRef": {"id": "1", "type": "Supplier"}, "bankAccountRef": {"id": "2"}},
        {"merchantName": "Amazon", "notes": "paper", "reference": "R-1"},
        {"lines": [LINE] * 100},
        {"lines": [line(netAmount=-5, taxAmount=0)]},
        {"lines": [line(trackingRefs=[{"id": "x", "dataType": "trackingCategories"}] * 10)]},
        {"lines": [line(taxRateRef={"id": "any"})]},
    ],
)
def test_right_transaction_is_accepted(changed):
    assert Client().create(expense(1, **changed)).status == 200


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (50, 200), (51, 400)])
def test_request_takes_one_to_fifty_transactions(count, status):
    assert Client().create(*(expense(number) for number in range(count))).status == status


def test_same_id_twice_in_a_request_is_refused():
    upper = expense(1, id=expense_id(1).upper())
    assert read(Client().create(expense(1), upper))["validation"]["errors"][0]["validatorName"] == "UniqueIdValidator"


def test_direct_flow_needs_neither_tax_amount_nor_account():
    bare = expense(1, lines=[{"netAmount": 5}])
    client = Client()
    assert client.create(bare).status == 400
    assert client.create_directly(bare).status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"nothing", b"\xff", b"5", b"{}", b'{"items":5}', b"[" * 20_000])
def test_body_that_is_no_request_is_refused(body):
    client = Client()
    assert client.send("POST", client.path("expense-transactions"), body).status == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"accountRef": {"id": "nowhere"}},
        {"taxRateRef": {"id": "nowhere"}},
        {"trackingRefs": [{"id": "nowhere"}]},
        {"accountRef": {"id": "refunds"}},
    ],
)
def test_ids_outside_of_declared_mapping_options_are_refused(changed):
    options = {"validTransactionTypes": ["Payment"]}
    spec = CompanySpec(
        COMPANY,
        accounts=({"id": "400", **options}, {"id": "refunds", "validTransactionTypes": ["Refund"]}),
        tax_rates=({"id": "t", **options},),
        tracking=({"id": "d"},),
    )
    client = Client(companies=(spec,))
    good = line(taxRateRef={"id": "t"}, trackingRefs=[{"id": "d"}])
    assert client.create(expense(1, lines=[good])).status == 200
    assert client.create(expense(1, lines=[{**good, **changed}])).status == 400
