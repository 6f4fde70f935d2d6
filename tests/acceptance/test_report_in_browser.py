"""The page in a real browser: it paints at once, its tables work, its addresses keep a view, and nothing is loaded.

One browser for all of it. Without one on this machine the test is skipped: set EXPENSE_RUNNER_TEST_BROWSER, or install
Debian's `chromium`.
"""

import pytest

from runner.cli import cli
from tests.browser import browser, found
from tests.many_outcomes import company_id, write

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium on this machine")

ROWS = "[...document.querySelectorAll('#{0}-rows > tbody > tr:not(.detail)')]"
CELLS = ROWS + ".map((row) => row.children[{1}].textContent)"
MEGABYTE = 1_000_000


@pytest.fixture
def page(tmp_path):
    write(tmp_path / "j.db", companies=2_000, each=8, nights=2)
    out = tmp_path / "report.html"
    cli.main(["report", "--journal", str(tmp_path / "j.db"), "--out", str(out)], standalone_mode=False)
    return out


class Page:
    """What a person does with the page."""

    def __init__(self, tab):
        self.tab = tab

    async def column(self, table, place):
        return await self.tab.run(CELLS.format(table, place))

    async def status(self, table):
        return await self.tab.run(f"document.querySelector('#{table}-table [role=status]').textContent")

    async def sort(self, table, title):
        await self.tab.run(
            f"[...document.querySelectorAll('#{table}-rows thead button')]"
            f".find((each) => each.textContent.replaceAll('\\u00a0', ' ') === {title!r}).click()"
        )
        return await self.tab.run(
            f"[...document.querySelectorAll('#{table}-rows thead th')].map((each) => each.ariaSort)"
            ".filter((sorted) => sorted !== 'none')"
        )

    async def choose(self, table, label, value):
        await self.tab.run(
            f"(() => {{ const field = [...document.querySelectorAll('#{table}-table label')].find((each) =>"
            f" each.firstChild.textContent === {label!r}).querySelector('input, select'); field.value = {value!r};"
            " field.dispatchEvent(new Event(field.type === 'search' ? 'input' : 'change')); })()"
        )
        await self.tab.run("new Promise((done) => setTimeout(done, 150))")

    async def address(self):
        return await self.tab.run("location.hash")


async def test_the_page_works_in_a_browser(page, tmp_path):
    assert page.stat().st_size < 5 * MEGABYTE
    profile = tmp_path / "profile"
    profile.mkdir()
    async with browser(profile) as tab:
        await tab.open(page.as_uri())
        shown = Page(tab)
        await _paints_at_once_and_loads_nothing(tab, page)
        await _companies_are_sorted_searched_and_filtered(shown)
        await _a_company_is_opened_by_keyboard(tab)
        await _attention_is_filtered_by_a_cause(shown)
        await _syncs_are_filtered_by_code_and_day(shown)
        await _an_address_keeps_a_view(tab, shown)
        await _everything_has_a_name_for_who_cannot_see_it(tab)
        assert await tab.run("document.title") != "broken"
        assert tab.complaints() == []


async def _paints_at_once_and_loads_nothing(tab, page):
    painted = await tab.run(
        "new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))"
        ".observe({ type: 'paint', buffered: true }))"
    )
    assert painted < 2_000
    # The browser draws the calendars of its own date fields from data.
    assert [each for each in tab.loaded() if not each.startswith("data:")] == [page.as_uri()]


async def _companies_are_sorted_searched_and_filtered(shown):
    assert await shown.status("companies") == "1–50 of 2,000 companies"
    assert await shown.sort("companies", "rejected") == ["descending"]
    rejected = [int(each.replace("–", "0")) for each in await shown.column("companies", 7)]
    assert rejected == sorted(rejected, reverse=True)
    assert rejected[0] == 3
    assert await shown.sort("companies", "Company") == ["ascending"]
    names = await shown.column("companies", 0)
    assert names == sorted(names)
    assert await shown.sort("companies", "Company") == ["descending"]
    assert (await shown.column("companies", 0))[0] > names[-1]

    await shown.choose("companies", "Search", company_id(25).upper())
    assert await shown.column("companies", 0) == [company_id(25)]
    await shown.choose("companies", "Search", "")
    await shown.choose("companies", "With", "in_doubt")
    assert "of 2,000 in all" in await shown.status("companies")
    assert all(each != "–" for each in await shown.column("companies", 9))
    await shown.choose("companies", "With", "")
    await shown.choose("companies", "Held because of", "billing_expired")
    assert await shown.status("companies") == "1–27 of 27 companies, of 2,000 in all"
    assert all(each != "–" for each in await shown.column("companies", 6))


async def _a_company_is_opened_by_keyboard(tab):
    await tab.run(f"location.hash = '#companies?q={company_id(100)}'")
    await tab.run("new Promise((done) => setTimeout(done, 50))")
    await tab.run("document.querySelector('#companies-rows .opener').focus()")
    for kind in ("keyDown", "keyUp"):
        await tab.ask(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
        )
    said = await tab.run("document.querySelector('#companies-rows .detail').textContent")
    assert await tab.run("document.querySelector('#companies-rows .opener').ariaExpanded") == "true"
    assert "whoever made the rows" in said
    assert f"--company {company_id(100)} --code push_error" in said
    # What others wrote stands there as they wrote it.
    assert "<img src=x" in said or "</script>" in said or "HYPERLINK" in said or "|b`c`" in said


async def _attention_is_filtered_by_a_cause(shown):
    await shown.tab.run("document.querySelector('#causes a[href*=push_error]').click()")
    await shown.tab.run("new Promise((done) => setTimeout(done, 50))")
    assert await shown.address() == "#attention?about=expense&state=failed&code=push_error"
    assert (await shown.status("attention")).startswith("1–50 of ")
    assert {each.split()[0] for each in await shown.column("attention", 1)} == {"failed"}
    assert await shown.sort("attention", "Amount") == ["descending"]
    amounts = [float(each.split()[0].replace(",", "")) for each in await shown.column("attention", 4)]
    assert amounts == sorted(amounts, reverse=True)


async def _syncs_are_filtered_by_code_and_day(shown):
    assert await shown.status("syncs") == "1–50 of 4,000 syncs"
    begun = await shown.column("syncs", 2)
    assert begun == sorted(begun, reverse=True)
    await shown.choose("syncs", "Status code", "5130")
    assert all(each.startswith("5130 The accounting software failed") for each in await shown.column("syncs", 4))
    await shown.choose("syncs", "Status code", "")
    await shown.choose("syncs", "From day", "2026-11-21")
    await shown.choose("syncs", "To day", "2026-11-21")
    assert {each[:10] for each in await shown.column("syncs", 2)} == {"2026-11-21"}
    assert await shown.status("syncs") == "1–50 of 2,000 syncs, of 4,000 in all"
    await shown.tab.run("document.querySelector('#syncs-table .pager button:nth-of-type(2)').click()")
    assert (await shown.status("syncs")).startswith("51–100 of 2,000")
    assert await shown.address() == "#syncs?from=2026-11-21&to=2026-11-21&page=2"


async def _an_address_keeps_a_view(tab, shown):
    await tab.run("location.hash = '#companies?state=held&sort=company&page=2'")
    await tab.run("new Promise((done) => setTimeout(done, 50))")
    assert (await shown.status("companies")).startswith("51–80 of 80 ")
    assert await tab.run("document.querySelector('#companies-table select').value") == "held"


async def _everything_has_a_name_for_who_cannot_see_it(tab):
    assert await tab.run("document.querySelectorAll('main').length") == 1
    for unnamed in (
        "[...document.querySelectorAll('input, select')].filter((each) => !each.labels.length)",
        "[...document.querySelectorAll('table')].filter((each) => !each.caption)",
        "[...document.querySelectorAll('section')].filter((each) => !each.ariaLabelledByElements?.length)",
        "[...document.querySelectorAll('svg')].filter((each) => !each.getAttribute('aria-label'))",
        "[...document.querySelectorAll('th')].filter((each) => !each.scope)",
        "[...document.querySelectorAll('button')].filter((each) => !each.textContent.trim())",
        "[...document.querySelectorAll('.scroll')].filter((each) => each.tabIndex !== 0 || !each.ariaLabel)",
    ):
        assert await tab.run(f"{unnamed}.length") == 0, unnamed
    await tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = await tab.run(CONTRAST)
    await tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    assert min(dark, await tab.run(CONTRAST)) >= 4.5


CONTRAST = """
(() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const probe = document.body.appendChild(document.createElement('i'));
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return light(getComputedStyle(probe).color);
  };
  const ratios = [];
  for (const back of ['card', 'back', 'soft'])
    for (const name of ['text', 'quiet', 'link', 'posted', 'sent', 'staged', 'held', 'rejected', 'failed', 'in_doubt',
                        'good', 'bad']) {
      const [a, b] = [colour(name), colour(back)].sort((x, y) => y - x);
      if (back !== 'soft' || ['text', 'bad'].includes(name)) ratios.push((a + 0.05) / (b + 0.05));
    }
  probe.remove();
  return Math.min(...ratios);
})()
"""
