"""What accounting software says is explained in the report as in `errors`, and to a bookkeeper in plain words."""

import json
from html import unescape

import pytest

from runner.cli.report import Format, facts, rendered
from runner.journal.journal import reading
from runner.report.accounting import ACCOUNTING, cause_of
from runner.report.overview import causes_of
from tests.clocks import FakeClock
from tests.many_outcomes import company_id, write

TROUBLED = company_id(10)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("causes") / "j.db"
    write(path, companies=20)
    return path


async def health_of(path, company=None):
    with reading(path, FakeClock()) as opened:
        return await facts(opened, company, worker=None), await opened.trouble.causes(cause_of)


async def test_the_report_s_causes_are_those_of_errors(path):
    health, errors = await health_of(path)
    said = json.loads(rendered(health, Format.JSON, journal="j.db"))["causes"]
    told = {(c["about"], c["state"], c["code"], c["accounting"]): c["count"] for c in said}

    assert ("expense", "rejected", "validation_error", "closed_period") in told
    for cause in errors:
        assert told[cause.about, cause.state, cause.code, cause.accounting] == cause.count


async def test_a_closed_period_is_explained_in_every_form(path):
    health, _ = await health_of(path)
    entry = ACCOUNTING["closed_period"]
    assert entry in {cause.entry for cause in causes_of(health, journal="j.db")}
    for kind in Format:
        assert entry.meaning in unescape(rendered(health, kind, journal="j.db"))

    own, _ = await health_of(path, TROUBLED)
    text = unescape(rendered(own, Format.HTML, journal="j.db"))
    assert entry.meaning in text
    assert "Please open the period" in text
