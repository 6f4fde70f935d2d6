"""What a row means by an account, a tax rate or a tracking category: found, or told why not."""

import pytest

from runner.domain.mapping_options import (
    FAULT_CODES,
    MAX_SUGGESTED,
    By,
    Fault,
    Kind,
    MappingOptions,
    Option,
    Reference,
    Resolved,
    Resolver,
)

OPTIONS = MappingOptions(
    accounts=(
        Option("a-1", "Travel", "420", ("Payment", "Refund")),
        Option("a-2", "Meals", "430", ("Payment",)),
        Option("a-3", "Sundries", "500"),
        Option("a-4", "Sundries", "501"),
        Option("430", "Old meals", "77"),
        Option("a-6", "TRAVEL ABROAD", "440"),
    ),
    tax_rates=(Option("t-20", "20% (VAT on expenses)", "INPUT2"), Option("t-0", "No VAT", "NONE")),
    tracking=(
        Option("d", "Department", has_children=True),
        Option("d-1", "Sales", parent_id="d"),
        Option("d-2", "Support", parent_id="d"),
    ),
)


def meaning(text, kind=Kind.ACCOUNT, type_="Payment", options=OPTIONS):
    resolver = Resolver(options)
    found = resolver.resolve(Reference(kind, text, type_))
    return (found.id, found.by) if isinstance(found, Resolved) else (found.code, resolver.message(found))


@pytest.mark.parametrize(
    ("text", "kind", "id_"),
    [
        ("a-1", Kind.ACCOUNT, "a-1"),
        ("420", Kind.ACCOUNT, "a-1"),
        ("Travel", Kind.ACCOUNT, "a-1"),
        ("travel  abroad", Kind.ACCOUNT, "a-6"),
        ("A-3", Kind.ACCOUNT, "a-3"),
        ("INPUT2", Kind.TAX_RATE, "t-20"),
        ("no vat", Kind.TAX_RATE, "t-0"),
        ("Sales", Kind.TRACKING, "d-1"),
    ],
)
def test_an_id_a_code_or_a_name_finds_what_it_names(text, kind, id_):
    assert meaning(text, kind)[0] == id_


def test_an_id_wins_over_a_code_that_is_written_alike():
    assert meaning("430") == ("430", By.ID)


def test_a_name_as_it_is_written_wins_over_one_in_other_letters():
    options = MappingOptions(accounts=(Option("1", "IT"), Option("2", "It")))
    assert meaning("It", options=options) == ("2", By.NAME)
    assert meaning("it", options=options)[0] == "account_ambiguous"


def test_a_name_that_fits_several_is_an_error_that_lists_them():
    code, message = meaning("Sundries")
    assert code == "account_ambiguous"
    assert "'Sundries' (code 500, id a-3), 'Sundries' (code 501, id a-4)" in message


def test_a_code_that_is_also_the_name_of_another_account_is_an_error():
    options = MappingOptions(accounts=(Option("1", "Rent", "900"), Option("2", "900", "12")))
    assert meaning("900", options=options)[0] == "account_ambiguous"


def test_what_does_not_exist_is_told_with_what_may_have_been_meant():
    assert meaning("Travle") == (
        "account_unknown",
        "account_id 'Travle' is no account of this company. Did you mean 'Travel' (code 420, id a-1)?",
    )
    assert "code 440" in meaning("0440")[1]
    assert meaning("zzzzzz")[1] == "account_id 'zzzzzz' is no account of this company."


def test_a_type_that_an_account_does_not_take_is_an_error():
    code, message = meaning("Meals", type_="Refund")
    assert code == "account_not_for_type"
    assert message == "account_id 'Meals' does not take a Refund, only: Payment."


def test_an_account_of_which_codat_says_no_types_takes_all():
    assert meaning("500", type_="Chargeback") == ("a-3", By.NAME)


def test_a_tracking_category_with_others_below_it_is_an_error_that_names_them():
    code, message = meaning("Department", Kind.TRACKING)
    assert code == "tracking_not_leaf"
    assert "'Sales' (id d-1), 'Support' (id d-2)" in message


def test_a_kind_of_which_codat_lists_nothing_is_taken_as_it_stands():
    assert meaning("whatever", Kind.TAX_RATE, options=MappingOptions(accounts=OPTIONS.accounts)) == (
        "whatever",
        By.NOTHING,
    )


def test_only_the_first_of_very_many_unknown_names_get_a_suggestion():
    resolver = Resolver(OPTIONS)
    messages = [
        resolver.message(Fault(Reference(Kind.ACCOUNT, f"Travel{n}", "Payment"), "unknown"))
        for n in range(MAX_SUGGESTED + 1)
    ]
    assert "Did you mean" in messages[-2]
    assert "Did you mean" not in messages[-1]


def test_every_fault_has_a_code():
    for kind in Kind:
        for cause in ("unknown", "ambiguous"):
            assert Fault(Reference(kind, "x", "Payment"), cause).code in FAULT_CODES.values()
