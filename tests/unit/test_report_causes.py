"""What accounting software says is explained in the report as in `errors`, and to a bookkeeper in plain words."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from runner.cli.report import Format, facts, rendered
from runner.journal.health_records import Part
from runner.journal.journal import reading
from runner.report.accounting import ACCOUNTING, cause_of
from runner.report.overview import causes_of
from tests.clocks import FakeClock
from tests.many_outcomes import HOSTILE, company_id, write

TROUBLED = company_id(10)
COMMANDS = re.compile(r"expense-runner| --\w|j\.db|validation_error|start_unanswered|push_error")


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
    for kind in (Format.HTML, Format.MD):
        text = unescape(rendered(own, kind, journal="j.db"))
        assert entry.meaning in text
        assert "Please open the period" in text


async def test_the_markdown_for_a_bookkeeper_has_no_commands_codes_or_journal(path):
    health, _ = await health_of(path, TROUBLED)
    text = rendered(health, Format.MD, journal="j.db")

    assert not COMMANDS.findall(text)
    assert text.startswith("# Your expenses, and where they stand\n")
    assert all(each.expense_id in text for each in health.troubles.shown if each.expense_id)
    rows = sum(1 for line in text.splitlines() if line.startswith("|") and ", line " in line)
    assert rows == health.troubles.total


async def test_what_rows_say_cannot_become_markdown(path):
    health, _ = await health_of(path, TROUBLED)
    shown = tuple(each._replace(message=hostile) for each in health.troubles.shown[:1] for hostile in HOSTILE)
    text = rendered(replace(health, troubles=Part(shown, len(shown))), Format.MD, journal="j.db")

    assert not re.search(r"<script|<img|\u202e|\x1b|(?<!\\)`c", text)
    assert sum(line.startswith("|") and ", line " in line for line in text.splitlines()) == len(HOSTILE)
