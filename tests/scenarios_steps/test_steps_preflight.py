"""Before anything is sent: the company is well, and has what its rows name. Or it is told, and nothing was sent."""

import pytest

from runner.codat.flows import Flow
from runner.domain.preflight import Preflight
from runner.simulator import Fault, FaultKind
from runner.simulator.companies import DEFAULT_ACCOUNTS, CompanySpec
from tests.scenarios_steps.walking import Killed
from tests.simulator_client import COMPANY

FLOWS = pytest.mark.parametrize("flow", list(Flow))
ACCOUNTS = (
    *DEFAULT_ACCOUNTS,
    {"id": "acc-9", "name": "Zeppelins", "nominalCode": "9000", "validTransactionTypes": ["Payment"]},
    {"id": "acc-7", "name": "Twin", "nominalCode": "70", "validTransactionTypes": []},
    {"id": "acc-8", "name": "Twin", "nominalCode": "80", "validTransactionTypes": []},
)
DAY = 86_400.0


@pytest.fixture
def checked(world):
    """A world whose company has declared accounts, and whose runs check rows."""

    def make(**dials):
        dials.setdefault("companies", (CompanySpec(COMPANY, accounts=ACCOUNTS),))
        dials.setdefault("preflight", Preflight.ROWS)
        return world(**dials)

    return make


def asked(w):
    """How many requests of the preflight there were: company or list, configuration, mapping options."""
    paths = [r.path for r in w.service.requests if r.method == "GET"]
    endings = (f"/{COMPANY}", "/companies", "/config", "/mappingOptions")
    return [next(e for e in endings if p.endswith(e)) for p in paths if p.endswith(endings)]


def rejection(w, number=1):
    return w.connection.execute("SELECT message FROM expense WHERE line = ?", (number + 1,)).fetchone()[0]


@FLOWS
async def test_codes_and_names_are_sent_as_the_ids_they_mean_and_known_again_by_what_the_row_said(checked, flow):
    w = checked(flow=flow)
    await w.stage(1, account="9000")
    await w.stage(2, account="zeppelins")
    await w.stage(3, account="400")

    assert await w.live() == 0
    assert [w.posted(n) for n in (1, 2, 3)] == [1, 1, 1]
    assert b'"acc-9"' in w.connection.execute("SELECT body FROM payload ORDER BY expense_no").fetchone()[0]

    again = await w.stage(1, account="9000")
    assert (again.accepted, again.repeated, again.conflicts) == (0, 1, [])


@FLOWS
@pytest.mark.parametrize(
    ("account", "code"),
    [("Zepelins", "account_unknown"), ("Twin", "account_ambiguous"), ("acc-404", "account_unknown")],
)
async def test_a_row_that_names_what_is_not_there_is_rejected_before_any_post_and_sinks_nobody(
    checked, flow, account, code
):
    w = checked(flow=flow)
    await w.stage(1, account=account)

    assert await w.live() == 3
    assert w.states()[1] == ("rejected", code)
    assert w.service.posts() == 0

    await w.stage(2)
    assert await w.live() == 3
    assert w.posted(2) == 1
    assert len(w.sent(ending="/expense-transactions")) == 1


async def test_a_rejection_says_what_may_have_been_meant(checked):
    w = checked()
    await w.stage(1, account="Zepelins")
    await w.live()
    assert rejection(w) == (
        "account_id 'Zepelins' is no account of this company. Did you mean 'Zeppelins' (code 9000, id acc-9)?"
    )
    assert w.noted("preflight_rejected")[0]["rejected"] == 1


async def test_a_corrected_row_goes_through(checked):
    w = checked()
    await w.stage(1, account="Zepelins")
    await w.live()
    assert (await w.stage(1, account="Zeppelins")).corrected == 1
    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_an_account_that_is_created_afterwards_is_found_when_the_row_is_sent_again(checked):
    w = checked()
    await w.stage(1, account="Airships")
    assert await w.live() == 3
    company = w.service.company(COMPANY)
    created = {"id": "acc-10", "name": "Airships", "validTransactionTypes": []}
    company.spec = CompanySpec(COMPANY, accounts=(*ACCOUNTS, created))

    assert await w.live() == 3
    await w.journal.resends.stage_again(await w.journal.resends.candidates(code="account_unknown"))
    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_a_row_given_by_name_is_resolved_anew_when_its_account_was_replaced(checked):
    w = checked(faults=[Fault(FaultKind.VALIDATION_ERROR, company=COMPANY, times=1)])
    await w.stage(1, account="Zeppelins")
    assert await w.live() == 3
    replaced = [{**each, "id": "acc-99"} if each["name"] == "Zeppelins" else each for each in ACCOUNTS]
    w.service.company(COMPANY).spec = CompanySpec(COMPANY, accounts=tuple(replaced))
    w.clock.advance(DAY)

    await w.journal.resends.stage_again(await w.journal.resends.candidates())
    assert await w.live() == 0
    assert b'"acc-99"' in w.connection.execute("SELECT body FROM payload").fetchone()[0]


@FLOWS
@pytest.mark.parametrize("level", [Preflight.COMPANIES, Preflight.ROWS])
@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (CompanySpec(COMPANY, status="Unlinked"), "no_connection"),
        (CompanySpec(COMPANY, status="Deleted"), "company_not_found"),
        (CompanySpec(COMPANY, config={}), "configuration_error"),
        (CompanySpec(COMPANY, config={"bankAccount": {"id": "b"}}), "configuration_error"),
    ],
)
async def test_a_company_that_is_not_well_is_held_with_not_one_post(checked, flow, level, spec, code):
    w = checked(flow=flow, preflight=level, companies=(spec,))
    await w.stage(1, 2)
    assert await w.live() == 4
    assert await w.hold() == code
    assert w.service.posts() == 0
    assert await w.live() == 4
    assert w.service.posts() == 0


async def test_a_company_that_is_still_not_configured_keeps_the_date_of_its_hold(checked):
    w = checked(companies=(CompanySpec(COMPANY, config={}),))
    await w.stage(1)
    await w.live()
    first = (await w.journal.companies.hold_of(COMPANY)).held_at
    w.clock.advance(DAY)
    await w.live()
    assert (await w.journal.companies.hold_of(COMPANY)).held_at == first
    w.service.company(COMPANY).config = {"bankAccount": {"id": "b"}, "supplier": {"id": "s"}}
    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_defaults_that_every_row_names_itself_are_not_demanded(checked):
    w = checked(companies=(CompanySpec(COMPANY, config={}),))
    await w.stage(1, contact_id="s", bank_account_id="b")
    assert await w.live() == 0
    assert "/config" not in asked(w)


async def test_what_was_seen_is_not_asked_again_before_it_is_too_old(checked):
    w = checked()
    await w.stage(1)
    await w.live()
    assert asked(w) == [f"/{COMPANY}", "/config", "/mappingOptions"]
    w.clock.advance(600.0)
    await w.stage(2)
    await w.live()
    assert len(asked(w)) == 3
    w.clock.advance(DAY)
    await w.stage(3)
    await w.live()
    # By ids alone: the night after, only the connection.
    assert asked(w)[3:] == [f"/{COMPANY}"]
    w.clock.advance(DAY)
    await w.stage(4, account="Zeppelins")
    await w.live()
    assert asked(w)[4:] == [f"/{COMPANY}", "/mappingOptions"]
    w.clock.advance(8 * DAY)
    await w.stage(5)
    assert await w.live() == 0
    assert asked(w)[6:] == [f"/{COMPANY}", "/config", "/mappingOptions"]


async def test_a_company_with_nothing_new_costs_nothing(checked):
    w = checked()
    await w.stage(1)
    await w.live()
    before = len(w.service.requests)
    w.clock.advance(30 * DAY)
    assert await w.live() == 0
    assert len(w.service.requests) == before


async def test_many_companies_are_looked_up_in_one_list(checked):
    companies = [f"company-{n}" for n in range(1, 6)]
    specs = [CompanySpec(each, status="Unlinked" if each == "company-4" else "Linked") for each in companies]
    w = checked(wanted=5, companies=tuple(specs), preflight=Preflight.COMPANIES)
    for each in companies:
        await w.stage(1, company=each)
    await w.live()
    asked_for = [r.path for r in w.service.requests if r.path.count("/") <= 2]
    assert sorted(asked_for) == ["/companies", "/companies/company-4"]
    assert await w.hold("company-4") == "no_connection"
    assert not [r for r in w.sent() if r.company == "company-4"]


@pytest.mark.parametrize("status", [403, 404, 501])
async def test_where_codat_does_not_say_what_it_accepts_nobody_is_rejected_and_it_is_told_once(checked, status):
    w = checked(faults=[Fault(FaultKind.ERROR, path="(mappingOptions|config)$", status=status, when="before")])
    await w.stage(1)
    await w.stage(1, company="company-2")
    assert await w.live() == 0
    assert (w.posted(1), w.posted(1, company="company-2")) == (1, 1)
    assert len(w.noted("preflight_incomplete")) == 1


async def test_empty_mapping_options_reject_nobody(checked):
    w = checked(companies=(CompanySpec(COMPANY, accounts=(), tax_rates=(), tracking=()),))
    w.service.company(COMPANY).spec = CompanySpec(COMPANY, accounts=(), tax_rates=(), tracking=())
    company = w.service.company(COMPANY)
    w.wire.before = lambda r: setattr(company, "spec", CompanySpec(COMPANY)) if r.method == "POST" else None
    await w.stage(1)
    assert await w.live() == 0
    assert w.posted(1) == 1


@FLOWS
@pytest.mark.parametrize("path", [f"/{COMPANY}$", "config$", "mappingOptions$"])
async def test_a_codat_that_does_not_answer_leaves_the_company_to_a_later_run(checked, flow, path):
    w = checked(flow=flow, faults=[Fault(FaultKind.ERROR, path=path, status=503, when="before", times=4)])
    await w.stage(1)
    assert await w.live() == 4
    assert await w.hold() is None
    assert w.state(1) == "staged"
    assert w.service.posts() == 0
    assert w.noted("company_left")[0]["code"] == "preflight_unanswered"
    assert await w.live() == 0
    assert w.posted(1) == 1


@FLOWS
async def test_a_company_that_is_disconnected_after_the_preflight_is_held_and_loses_nothing(checked, flow):
    w = checked(flow=flow)
    await w.stage(1)
    w.wire.before = lambda r: w.service.set_status(COMPANY, "Unlinked") if r.method == "POST" else None
    assert await w.live() == 4
    w.wire.before = lambda _: None
    w.service.set_status(COMPANY, "Linked")
    assert await w.live() == 0
    assert w.posted(1) == 1


@FLOWS
async def test_an_account_that_is_deleted_after_the_preflight_is_codats_to_refuse(checked, flow):
    w = checked(flow=flow)
    await w.stage(1, account="Zeppelins")
    await w.stage(2)
    gone = CompanySpec(COMPANY, accounts=DEFAULT_ACCOUNTS)
    w.wire.before = lambda r: setattr(w.service.company(COMPANY), "spec", gone) if r.method == "POST" else None
    assert await w.live() == 3
    assert w.states() == {1: ("rejected", "invalid"), 2: ("posted", None)}


async def test_an_expense_that_may_be_in_the_books_is_not_called_rejected(checked):
    fault = Fault(FaultKind.PUSH_ERROR, company=COMPANY, lands=False, times=1)
    w = checked(faults=[fault])
    await w.stage(1, account="acc-9")
    await w.live()
    assert w.state(1) == "failed"
    w.service.company(COMPANY).spec = CompanySpec(COMPANY, accounts=DEFAULT_ACCOUNTS)
    w.clock.advance(8 * DAY)
    await w.journal.resends.stage_again(await w.journal.resends.candidates())
    assert await w.live() == 3
    assert w.states()[1] == ("rejected", "invalid")


@FLOWS
async def test_a_death_at_every_request_changes_nothing(checked, flow):
    whole = checked(flow=flow)
    await _mixed(whole)
    await whole.live()
    requests = len(whole.service.requests)
    for n in range(1, requests + 1):
        w = checked(flow=flow)
        await _mixed(w)
        left = iter(range(1, n + 1))

        def die(_request, left=left, n=n):
            if next(left, n + 1) == n:
                raise Killed

        w.wire.after = die
        await w.live_until_killed()
        assert await w.live() == 3, n
        assert w.states() == whole.states(), n
        assert [w.posted(each) for each in (1, 2, 3)] == [1, 0, 1], n
        w.close()


async def _mixed(w):
    await w.stage(1, account="9000")
    await w.stage(2, account="Zepelins")
    await w.stage(3)
