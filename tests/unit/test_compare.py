"""What differs between two wire forms."""

import pytest

from runner.codat.compare import differences
from tests.scenarios_steps.walking import staged


def test_equal_payloads_do_not_differ():
    assert differences(staged(1).payload, staged(1).payload) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"net": "99"}, ["lines[0].netAmount 12.5 -> 99"]),
        ({"account": "401"}, ["lines[0].accountRef.id '400' -> '401'"]),
        ({"notes": "x"}, ["notes nothing -> 'x'"]),
        ({"currency": "EUR"}, ["currency 'GBP' -> 'EUR'"]),
    ],
)
def test_each_difference_is_named_with_both_values(changed, said):
    assert differences(staged(1).payload, staged(1, **changed).payload) == said


def test_the_same_amount_with_other_digits_is_no_difference():
    assert differences(staged(1, net="12.5").payload, staged(1, net="12.500").payload) == []


def test_the_expenses_own_id_is_not_content_but_other_ids_are():
    assert differences(b'{"id":"a","x":{"id":"1"}}', b'{"id":"b","x":{"id":"2"}}') == ["x.id '1' -> '2'"]


def test_long_values_are_cut():
    (said,) = differences(b'{"notes":"a"}', b'{"notes":"' + b"b" * 500 + b'"}')
    assert len(said) < 100
