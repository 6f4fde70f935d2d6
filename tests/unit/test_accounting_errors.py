"""The usual errors of accounting software are known by what their messages say."""

import json

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.clock import SystemClock
from runner.codat.draining import Draining
from runner.intake.read import Options
from runner.intake.sources import find_sources
from runner.journal.journal import scratch
from runner.report.accounting import ACCOUNTING, accounting_cause, cause_of
from runner.stage import stage

SAID = [
    ("closed_period", "The account period has closed and the account books cannot be updated through this API."),
    ("closed_period", "The document date cannot be before the end of year lock date."),
    ("closed_period", "Posting Date is not within your range of allowed posting dates."),
    ("closed_period", "The transaction date you specified is not within the date range of your accounting period."),
    ("tax_rate_not_for_account", "The TaxType code 'INPUT2' cannot be used with account code '090'."),
    ("tax_rate_not_for_account", "The VAT Posting Setup does not exist. Identification fields and values: DOMESTIC"),
    ("tax_rate_missing", "Make sure all your transactions have a VAT rate before you save."),
    ("tax_rate_invalid", "Invalid taxcode reference key 123."),
    ("account_inactive", "Account code '400' has been archived or deleted."),
    ("account_inactive", "Something you\u2019re trying to use has been made inactive. Check the fields with accounts."),
    ("account_not_for_expenses", "Direct Posting must be equal to 'Yes' in G/L Account: No.=8450."),
    ("account_unknown", "Account not found: acc-1"),
    ("currency_not_enabled", "Organisation is not subscribed to currency USD"),
    ("currency_mismatch", "You can only use one foreign currency per transaction."),
    ("rate_required", "An exchange rate is required for this currency."),
    ("duplicate_number", "Duplicate Document Number Error: You must specify a different number."),
    ("duplicate_name", "The name supplied already exists: another customer is already using this name."),
    ("contact_required", "When you use Accounts Payable, you must choose a Vendor"),
    ("contact_inactive", "The contact with the specified details has been archived."),
    ("tracking_required", "Select a Dimension Value Code for the Dimension Code DEPARTMENT for G/L Account 5000."),
    ("tracking_invalid", "Invalid department reference key 12."),
    ("bank_account_invalid", "Bank account is required"),
    ("amount_refused", "Transaction amount must be 0 or greater."),
    ("text_refused", "String length is either shorter or longer than supported by specification"),
    ("connection_expired", "Token has expired"),
    ("subscription_ended", "Subscription period has ended or been canceled, or there was a billing problem"),
    ("permission_missing", "You do not have permission to perform this action."),
    ("software_busy", "Request timed out after 60000 ms"),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "message"), SAID)
def test_a_message_of_accounting_software_is_known_by_its_words(cause, message):
    assert accounting_cause(message) == cause


@pytest.mark.parametrize("message", [None, "", "Something else entirely", "The update was applied before the mandate"])
def test_a_message_that_fits_nothing_is_not_guessed_at(message):
    assert accounting_cause(message) is None


def test_ids_and_numbers_in_a_message_make_no_difference():
    one, other = "Account 412 of 6a4c9c1e-1111-4a11-8a11-a11ce0000001 is archived", "Account 9 is archived"
    assert accounting_cause(one) == accounting_cause(other) == "account_inactive"


def test_every_cause_says_who_can_do_what():
    assert all(entry.meaning.endswith(".") and entry.way_out.endswith(".") for entry in ACCOUNTING.values())


def test_what_is_in_doubt_is_never_explained_by_a_message():
    assert cause_of("expense", "in_doubt", "The period is closed") is None
    assert cause_of("expense", "failed", "The period is closed") == "closed_period"


def test_of_the_causes_only_that_about_files_explains_a_receipt():
    assert cause_of("receipt", "rejected", "The account is archived") is None
    assert cause_of("receipt", "rejected", "The file size is above the limit") == "file_refused"


def test_a_message_can_be_explained_on_the_command_line():
    result = CliRunner().invoke(cli, ["explain", "--json", "The account period has closed"])
    (entry,) = json.loads(result.output)
    assert entry["about"] == "accounting"
    assert "opens the period" in entry["way_out"]


async def test_expenses_of_one_code_are_told_apart_by_what_their_messages_stand_for(tmp_path):
    header = "company_id,id,type,issue_date,currency,net_amount,account_id"
    lines = [f"acme,E{n},Payment,2026-03-01,EUR,1,400" for n in range(4)]
    (tmp_path / "e.csv").write_text("\n".join([header, *lines]) + "\n")
    said = [
        "The books are closed until 2025-12-31",
        "The books are closed until 2024-12-31",
        "No idea",
        "Invalid account 7",
    ]
    with scratch(SystemClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        sources = find_sources([str(tmp_path / "e.csv")])
        await stage(sources, Options(), journal, draining=Draining(), note=lambda *_args, **_facts: None)
        update = "UPDATE expense SET state = 'failed', code = 'push_error', message = ? WHERE expense_no = ?"
        values = [(message, number) for number, message in enumerate(said, 1)]
        await journal._context.store.write(lambda connection: connection.executemany(update, values).rowcount)

        causes = await journal.trouble.causes(cause_of)

    found = {each.accounting: (each.count, each.line) for each in causes}
    assert found == {"closed_period": (2, 2), None: (1, 4), "account_unknown": (1, 5)}
    assert causes[0].accounting == "closed_period"
    assert "The books are closed until 2025-12-31" in causes[0].example
