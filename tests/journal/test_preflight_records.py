"""What was seen of a company is kept with its age, and what rows gave is kept beside what is sent."""

import pytest

from runner.domain.mapping_options import MappingOptions, Option
from runner.domain.remote import Defaults
from runner.journal.journal import scratch
from runner.journal.preflight import Rejection, Seen, ToSend
from runner.outcome import require_balance
from tests.clocks import FakeClock
from tests.filing import file_in
from tests.scenarios_steps.walking import COMPANY_ID, staged

OPTIONS = MappingOptions(accounts=(Option("1", "Travel", "420", ("Payment",), None, has_children=True),))


@pytest.fixture
async def journal():
    with scratch(FakeClock()) as opened:
        await opened.runs.begin(version="test", flow="datasets")
        await file_in(opened, [staged(1), staged(2, bank_account_id="b", contact_id="c")])
        yield opened


async def places(journal):
    return [each.place for each in await journal.preflight.page(COMPANY_ID, after=0, limit=10)]


async def test_what_was_never_seen_is_unknown(journal):
    assert await journal.preflight.seen(COMPANY_ID) == Seen()


async def test_what_was_seen_comes_back_as_it_was(journal):
    await journal.preflight.record_linked(COMPANY_ID)
    await journal.preflight.record_defaults(COMPANY_ID, Defaults(bank_account=True, supplier=False))
    await journal.preflight.record_options(COMPANY_ID, OPTIONS)
    seen = await journal.preflight.seen(COMPANY_ID)
    assert (seen.defaults, seen.options) == (Defaults(bank_account=True, supplier=False), OPTIONS)
    assert seen.linked_at == seen.options_at == seen.defaults_at is not None


async def test_that_codat_did_not_say_is_remembered_too(journal):
    await journal.preflight.record_options(COMPANY_ID, OPTIONS)
    await journal.preflight.record_options(COMPANY_ID, None)
    await journal.preflight.record_defaults(COMPANY_ID, None)
    seen = await journal.preflight.seen(COMPANY_ID)
    assert seen.options is None
    assert seen.options_at is not None
    assert seen.defaults is None
    assert seen.defaults_at is not None


async def test_what_is_to_be_sent_says_whether_defaults_are_needed(journal):
    assert await journal.preflight.to_send(COMPANY_ID) == ToSend(
        undrafted=True, drafted=False, lacks_bank_account=True, lacks_contact=True
    )
    first, _ = await places(journal)
    await journal.preflight.record(COMPANY_ID, bodies=(), rejections=[Rejection(first, "account_unknown", "no")])
    assert await journal.preflight.to_send(COMPANY_ID) == ToSend(undrafted=True)


async def test_the_given_form_outlives_any_number_of_rewritings(journal):
    first, _ = await places(journal)
    given = (await journal.preflight.page(COMPANY_ID, after=0, limit=1))[0].payload
    for body in (b'{"a":1}', b'{"a":2}'):
        await journal.preflight.record(COMPANY_ID, bodies=[(first, body)], rejections=())
    page = await journal.preflight.page(COMPANY_ID, after=0, limit=1)
    assert (page[0].payload, page[0].rewritten) == (given, True)
    await journal.preflight.record(COMPANY_ID, bodies=[(first, given)], rejections=())
    assert not (await journal.preflight.page(COMPANY_ID, after=0, limit=1))[0].rewritten


async def test_what_has_come_into_a_draft_is_never_rewritten_nor_rejected(journal):
    first, second = await places(journal)
    (draft,) = await journal.drafts.take(COMPANY_ID, limit=1)
    before = await journal.drafts.contents(draft)
    rejections = [Rejection(second, "account_unknown", "no")]
    await journal.preflight.record(COMPANY_ID, bodies=[(first, b"{}")], rejections=rejections)
    assert await journal.drafts.contents(draft) == before


async def test_the_books_balance_after_a_rejection(journal):
    first, second = await places(journal)
    rejections = [Rejection(first, "account_unknown", "no"), Rejection(second, "tracking_not_leaf", "no")]
    await journal.preflight.record(COMPANY_ID, bodies=(), rejections=rejections)
    books = await journal.accounts.books()
    require_balance(books)
    causes = await journal.trouble.causes()
    assert {(cause.state, cause.code, cause.count) for cause in causes} == {
        ("rejected", "account_unknown", 1),
        ("rejected", "tracking_not_leaf", 1),
    }


async def test_a_corrected_row_forgets_what_was_made_of_the_former_one(journal):
    first, _ = await places(journal)
    await journal.preflight.record(COMPANY_ID, bodies=[(first, b'{"a":1}')], rejections=())
    rejections = [Rejection(first, "account_unknown", "no")]
    await journal.preflight.record(COMPANY_ID, bodies=(), rejections=rejections)
    corrected = staged(1, account="401")
    assert (await file_in(journal, [corrected], name="b.csv")).corrected == 1
    page = await journal.preflight.page(COMPANY_ID, after=0, limit=1)
    assert (page[0].payload, page[0].rewritten) == (corrected.payload, False)


async def test_a_conflict_is_told_by_what_the_row_gave_and_not_by_ids_that_were_put_in(journal):
    first, _ = await places(journal)
    given = staged(1).payload
    await journal.preflight.record(COMPANY_ID, bodies=[(first, b'{"lines":[]}')], rejections=())
    found = await file_in(journal, [staged(1, net="99.00")], name="b.csv")
    assert found.conflicts[0].met is not None
    assert found.conflicts[0].met.payload == given
