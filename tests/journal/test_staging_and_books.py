"""Staging lets each expense in once, and the books add up whatever happens to it."""

import pytest

from runner.domain.expense import RowError
from runner.domain.judging import POSTED, Verdict
from runner.domain.remote import SyncStatus
from runner.domain.states import ExpenseState, Outcome
from runner.errors import AccountsDoNotBalance
from runner.journal.attempts import End
from runner.journal.journal import Journal, writing
from runner.journal.opening import open_scratch
from runner.journal.store import Inline
from runner.outcome import require_balance
from tests.clocks import FakeClock
from tests.filing import begin, file_in
from tests.scenarios_steps.walking import COMPANY_ID, staged
from tests.simulator_client import expense_id

SYNC = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
async def journal():
    connection = open_scratch()
    made = Journal(Inline(connection), FakeClock())
    await made.runs.begin(version="1", flow="datasets")
    made.connection = connection
    yield made
    connection.close()


async def stage(journal, *expenses, name="a.csv"):
    found = await file_in(journal, expenses, name=name)
    require_balance(await journal.accounts.books())
    return found


async def sent(journal, *, limit=40, size=50):
    """Send all that is staged; return the sync."""
    drafts = await journal.drafts.take(COMPANY_ID, limit=limit, size=size)
    number, attempt = await journal.syncs.begin(COMPANY_ID, drafts, key="k", body_hash=b"h")
    return number, attempt


async def finished(journal, code=2000):
    number, attempt = await sent(journal)
    await journal.syncs.record_running(number, SYNC, attempt)
    await journal.syncs.record_finished(number, SyncStatus(SYNC, code))
    return number


async def counts(journal):
    books = await journal.accounts.books()
    require_balance(books)
    return {state.value: books.count(state) for state in ExpenseState if books.count(state)}


# ---- each once ----


async def test_the_same_content_again_is_repeated_and_other_content_a_conflict_that_changes_nothing(journal):
    first = await stage(journal, staged(1), staged(2))
    again = await stage(journal, staged(1), staged(2, net="99"), staged(3), name="b.csv")

    assert (first.accepted, first.repeated) == (2, 0)
    assert (again.accepted, again.repeated, again.corrected) == (1, 1, 0)
    (conflict,) = again.conflicts
    assert conflict.payload == staged(2, net="99").payload
    assert conflict.met is not None
    assert (conflict.met.state, conflict.met.payload) == (ExpenseState.STAGED, staged(2).payload)
    assert await counts(journal) == {"staged": 3}
    books = await journal.accounts.books()
    assert books.companies[0].accepted.amount == 45


async def test_one_id_in_two_companies_is_two_expenses(journal):
    found = await stage(journal, staged(1), staged(1, "company-2"))

    assert found.accepted == 2
    assert [each.company_id for each in (await journal.accounts.books()).companies] == ["company-1", "company-2"]


@pytest.mark.parametrize("currency", ["GBP", "EUR"])
async def test_a_rejected_expense_takes_new_content_and_the_tallies_follow(journal, currency):
    await stage(journal, staged(1), staged(2))
    number = await finished(journal, 5120)
    wrong = Verdict(ExpenseState.REJECTED, "validation_error", "no")
    await journal.syncs.record_judged(COMPANY_ID, number, posted=1, others={expense_id(1): wrong})
    found = await stage(journal, staged(1, net="100.000000001", currency=currency))

    assert found.corrected == 1
    assert await counts(journal) == {"staged": 1, "posted": 1}
    books = {each.currency: each for each in (await journal.accounts.books()).companies}
    assert books[currency].by_state[ExpenseState.STAGED].amount == staged(1, net="100.000000001").gross
    assert sum(each.accepted.count for each in books.values()) == 2


@pytest.mark.parametrize("state", ["posted", "failed", "in_doubt", "sent", "staged"])
async def test_only_a_rejected_expense_takes_new_content(journal, state):
    await stage(journal, staged(1))
    if state == "sent":
        await sent(journal)
    elif state != "staged":
        number = await finished(journal)
        verdict = POSTED if state == "posted" else Verdict(ExpenseState(state), "code")
        others = {} if verdict == POSTED else {expense_id(1): verdict}
        await journal.syncs.record_judged(COMPANY_ID, number, posted=1 - len(others), others=others)
    found = await stage(journal, staged(1, net="1"))

    assert (found.corrected, len(found.conflicts)) == (0, 1)
    assert await counts(journal) == {("in_doubt" if state == "sent" else state): 1}


async def test_receipts_named_later_are_added_and_known_ones_are_not_doubled(journal):
    await stage(journal, staged(1, receipts=("a.pdf",)))
    await stage(journal, staged(1, receipts=("a.pdf", "b.pdf")), name="b.csv")

    paths = journal.connection.execute("SELECT path FROM receipt ORDER BY receipt_no").fetchall()
    assert paths == [("a.pdf",), ("b.pdf",)]


async def test_a_batch_that_fails_leaves_nothing_behind(journal):
    with pytest.raises(Exception, match="UNIQUE"):
        await file_in(journal, [staged(1, "new-company"), staged(2), staged(2)])

    assert await counts(journal) == {}
    assert journal.connection.execute("SELECT count(*) FROM company").fetchone() == (0,)


# ---- wrong rows ----


def wrong_row(number=1, code="amount_unreadable"):
    return RowError("a.csv", 2, code, "net_amount", "x", "a number", COMPANY_ID, expense_id(number), expense_id(number))


async def read_wrong(journal, name, number=1):
    await file_in(journal, [], name=name, wrong=[(wrong_row(number), expense_id(number))])


async def open_errors(journal):
    return len(await journal.staging.open_row_errors())


async def test_the_name_of_a_file_settles_nothing(journal):
    await read_wrong(journal, "a.csv")
    await journal.runs.begin(version="test", flow="datasets")
    await stage(journal, staged(2), name="a.csv")
    assert await open_errors(journal) == 1


async def test_a_wrong_row_is_settled_by_its_expense_being_accepted_from_another_file(journal):
    await read_wrong(journal, "a.csv")
    await stage(journal, staged(1), name="b.csv")
    assert await open_errors(journal) == 1, "what one command names has no order"
    await journal.runs.begin(version="test", flow="datasets")
    await stage(journal, staged(2), name="c.csv")
    assert await open_errors(journal) == 1
    await stage(journal, staged(1), name="d.csv")
    assert await open_errors(journal) == 0


async def test_a_wrong_correction_of_a_rejected_expense_stays_reported_until_a_right_one_comes(journal):
    await stage(journal, staged(1))
    number = await finished(journal, 5120)
    verdict = Verdict(ExpenseState.REJECTED, "validation_error")
    await journal.syncs.record_judged(COMPANY_ID, number, posted=0, others={expense_id(1): verdict})
    await read_wrong(journal, "correction.csv")
    assert await open_errors(journal) == 1
    await journal.runs.begin(version="test", flow="datasets")
    await stage(journal, staged(1, net="7"), name="second correction.csv")
    assert await open_errors(journal) == 0


async def test_broken_expenses_count_as_rejected_and_in_the_total(journal):
    await stage(journal, staged(2))
    await read_wrong(journal, "a2.csv")
    await read_wrong(journal, "a3.csv", number=5)

    books = await journal.accounts.books()
    assert (books.count(ExpenseState.REJECTED), books.total, books.row_errors) == (2, 3, 2)


async def test_a_file_whose_reading_was_cut_off_is_remembered_until_it_is_read_to_its_end(journal):
    await begin(journal, "a.csv", path="/in/a.csv", sha256="00")
    (open_one,) = await journal.staging.unfinished_inputs()
    assert (open_one.name, open_one.path) == ("a.csv", "/in/a.csv")
    await stage(journal, staged(1), name="a.csv")
    assert len(await journal.staging.unfinished_inputs()) == 1, "other bytes"
    await file_in(journal, [staged(2)], name="elsewhere.csv", sha256="00")
    assert await journal.staging.unfinished_inputs() == []


# ---- drafting and syncs ----


async def test_drafts_are_formed_in_staging_order_and_the_same_ones_come_again(journal):
    await stage(journal, *(staged(n) for n in range(1, 8)))
    first = await journal.drafts.take(COMPANY_ID, limit=2, size=3)
    contents = [(await journal.drafts.contents(draft)).ids for draft in first]

    assert contents == [
        tuple(expense_id(n) for n in (1, 2, 3)),
        tuple(expense_id(n) for n in (4, 5, 6)),
    ]
    assert await journal.drafts.take(COMPANY_ID, limit=2, size=3) == first
    last = (await journal.drafts.take(COMPANY_ID, limit=3, size=3))[2]
    assert (await journal.drafts.contents(last)).ids == (expense_id(7),)
    rows = journal.connection.execute("SELECT count(*), count(draft_no) FROM expense").fetchone()
    assert rows == (7, 7)


async def test_a_void_sync_gives_everything_back_as_it_was(journal):
    await stage(journal, staged(1), staged(2))
    (draft,) = await journal.drafts.take(COMPANY_ID, limit=1)
    created = await journal.drafts.begin_create(COMPANY_ID, draft, key="c", body_hash=b"")
    draft = await journal.drafts.record_stored(draft, "22222222-2222-4222-8222-222222222222", created)
    number, attempt = await journal.syncs.begin(COMPANY_ID, [draft], key="k", body_hash=b"")
    assert await counts(journal) == {"in_doubt": 2}
    await journal.syncs.record_void(number, attempt, End(Outcome.REFUSED, http_status=422))

    assert await counts(journal) == {"staged": 2}
    assert await journal.drafts.take(COMPANY_ID, limit=1) == [draft]
    assert await journal.syncs.open(COMPANY_ID) == []


async def test_the_judged_are_counted_and_a_wrong_number_records_nothing(journal):
    await stage(journal, staged(1), staged(2))
    number = await finished(journal)
    with pytest.raises(RuntimeError, match="2 expenses would be posted, 1 are Completed"):
        await journal.syncs.record_judged(COMPANY_ID, number, posted=1, others={})

    assert await counts(journal) == {"sent": 2}


async def test_staged_expenses_of_a_held_company_are_held_and_the_rest_is_as_it_is(journal):
    await stage(journal, staged(1))
    await finished(journal)
    await stage(journal, staged(2), staged(3, "company-2"))
    await journal.companies.hold(COMPANY_ID, code="forbidden", message="no", hint=None)

    assert await counts(journal) == {"held": 1, "sent": 1, "staged": 1}
    await journal.companies.release(COMPANY_ID)
    assert await counts(journal) == {"staged": 2, "sent": 1}


# ---- the identity finds what other hands did ----


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM expense WHERE expense_no = 2",
        "UPDATE expense SET units = units + 1 WHERE expense_no = 2",
        "UPDATE expense SET nanos = nanos + 1 WHERE expense_no = 2",
        "UPDATE expense SET currency = 'EUR' WHERE expense_no = 2",
        "UPDATE accepted SET expenses = expenses - 1",
        """
        INSERT INTO expense (company_no, expense_id, input_no, line, rows, named, cells, day, short_key, back,
                             content_hash, currency, units, nanos)
        SELECT company_no, 'x', input_no, line, rows, 1, 0, '', 0, 0, content_hash, currency, 0, 0 FROM expense
        WHERE expense_no = 2
        """,
    ],
)
async def test_the_accounts_do_not_balance_once_a_row_was_changed_by_hand(journal, tampering):
    await stage(journal, staged(1), staged(2), staged(3))
    journal.connection.execute("PRAGMA foreign_keys = OFF")
    journal.connection.execute(tampering)

    with pytest.raises(AccountsDoNotBalance, match="company-1"):
        require_balance(await journal.accounts.books())


async def test_the_same_holds_for_a_real_file(tmp_path):
    async with writing(tmp_path / "j.db", FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        await stage(journal, staged(1), staged(2))
        assert await counts(journal) == {"staged": 2}
