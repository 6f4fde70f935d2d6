"""The companies of the account beside those of the journal, from the call to what is printed."""

import json
from collections import Counter
from contextlib import aclosing

import pytest

from runner import listing
from runner.cli.companies import _json, _line, _total
from runner.clock import SystemClock
from runner.codat.counting import RequestCounts
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.domain.ids import CompanyId
from runner.domain.remote import CompaniesPage, CompanyInfo
from runner.errors import OutcomeUnknown
from runner.listing import ListedCompany, companies_of, listed
from runner.settings import RunSettings
from runner.simulator import NO_LIMITS, Behaviour, Service
from runner.simulator.companies import CompanySpec
from runner.simulator.http import serve
from runner.stack import connected

LINKED = CompanyInfo("Acme Ltd", "Xero", True, "Linked")


class Account:
    """Answers with these pages, in order."""

    def __init__(self, *pages):
        self.pages = [CompaniesPage({CompanyId(each): LINKED for each in ids}, len(ids), total) for ids, total in pages]

    async def companies(self, *, page, page_size):
        return self.pages[page - 1]


async def ids_of(account, known=()):
    return [
        (each.company_id, each.info is not None, each.in_journal)
        async for each in listed(account, [CompanyId(each) for each in known])
    ]


async def test_those_of_the_journal_that_codat_does_not_list_come_last():
    assert await ids_of(Account((["a", "b"], 3), (["c"], 3)), known=["gone", "b"]) == [
        ("a", True, False),
        ("b", True, True),
        ("c", True, False),
        ("gone", False, True),
    ]


async def test_a_list_that_does_not_say_its_length_is_read_to_an_empty_page():
    assert len(await ids_of(Account((["a"], None), (["b"], None), ([], None)))) == 2


@pytest.mark.parametrize(
    "pages",
    [
        ((["a", "b"], 3), (["c"], 4)),
        ((["a", "b"], 4), (["b", "c"], 4)),
        ((["a", "b"], 3), ([], 3)),
    ],
    ids=["another length", "one twice", "too few"],
)
async def test_of_a_list_that_changed_nothing_is_said_to_be_missing(pages):
    with pytest.raises(OutcomeUnknown, match="changed"):
        await ids_of(Account(*pages), known=["c", "gone"])


async def test_companies_are_read_page_by_page_from_the_service(monkeypatch):
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    specs = tuple(CompanySpec(f"c{number}", status="Unlinked" if number == 3 else "Linked") for number in range(5))
    service = Service(Behaviour(companies=specs, limits=NO_LIMITS))
    async with await serve(service) as server:
        settings = RunSettings(credential=Credential("rehearsal"), base_url=server.url)
        counts = RequestCounts()
        async with (
            connected(settings, None, clock=SystemClock(), draining=Draining(), counts=counts) as codat,
            aclosing(listed(codat, ())) as companies,
        ):
            seen = [each async for each in companies]
    assert [each.company_id for each in seen] == ["c0", "c1", "c2", "c3", "c4"]
    assert [each.info.connection for each in seen].count("Unlinked") == 1
    assert counts.total == 3


async def test_a_journal_that_is_absent_has_no_companies_and_is_not_made(tmp_path):
    assert await companies_of(tmp_path / "j.db", SystemClock()) == []
    assert not list(tmp_path.iterdir())


def test_every_company_is_one_line_for_a_person_and_for_a_program():
    there = ListedCompany(CompanyId("acme"), LINKED, in_journal=True)
    gone = ListedCompany(CompanyId("gone"), None, in_journal=True)
    bare = ListedCompany(CompanyId("bare"), CompanyInfo(None, None, None), in_journal=False)
    assert _line(there).split() == ["acme", "Linked", "Xero", "Acme", "Ltd"]
    assert _line(gone).split(maxsplit=1) == ["gone", "not at Codat"]
    assert _line(bare).split(maxsplit=1) == ["bare", "no connection"]
    assert json.loads(json.dumps(_json(gone))) == {
        "company_id": "gone",
        "name": None,
        "connection": None,
        "linked": False,
        "platform": None,
        "at_codat": False,
        "in_journal": True,
    }


def test_the_total_counts_by_connection():
    assert _total(Counter({"Linked": 1_200, "PendingAuth": 1})) == "1,201 companies: 1,200 Linked, 1 PendingAuth"
    assert _total(Counter()) == "0 companies."
