"""The metrics file: whole at every moment, readable for the collector, and never in the way of a run."""

import asyncio
import os
import re
import stat
from types import SimpleNamespace

import pytest

from runner.cli.metrics_file import EVERY, MetricsFile, metrics_text, metrics_written
from runner.errors import RefusedToStart
from runner.journal.journal import writing
from tests.clocks import FakeClock
from tests.filing import file_in
from tests.scenarios_steps.walking import staged

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"')


def parse(text):
    """Read Prometheus's text format 0.0.4, strictly: HELP and TYPE before samples, families in one piece, no double."""
    assert text.endswith("\n")
    samples, helped, typed, family = {}, set(), {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            family, _, words = line.removeprefix("# HELP ").partition(" ")
            assert NAME.fullmatch(family)
            assert words
            assert family not in helped
            helped.add(family)
        elif line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert (name, kind in {"gauge", "counter"}) == (family, True)
            assert kind == "gauge" or name.endswith("_total")
            assert typed.setdefault(name, kind) == kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            name, labels, value = match.groups()
            assert name == family
            assert name in typed
            found = LABEL.findall(labels or "")
            assert ",".join(f'{key}="{text}"' for key, text in found) == (labels or "")
            assert len(dict(found)) == len(found)
            key = (name, tuple(sorted(found)))
            assert key not in samples
            samples[key] = float(value)
    return samples


@pytest.fixture
def journal(tmp_path):
    async def write():
        async with writing(tmp_path / "j.db", FakeClock()) as opened:
            await opened.runs.begin(version="test", flow="datasets")
            await file_in(opened, [staged(1)])

    asyncio.run(write())
    return tmp_path / "j.db"


def test_the_file_is_what_prometheus_reads(journal):
    samples = parse(metrics_text(journal))
    assert samples["expense_runner_expenses", (("currency", "GBP"), ("state", "staged"))] == 1
    assert samples["expense_runner_run_active", ()] == 1


def test_the_file_is_replaced_as_a_whole_and_the_collector_may_read_it(journal, tmp_path):
    path = tmp_path / "m.prom"
    path.write_text("old")
    before = os.umask(0o077)
    try:
        with path.open() as old, metrics_written(path, journal):
            assert old.read() == "old"
            path.read_text()
    finally:
        os.umask(before)
    assert parse(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert not list(tmp_path.glob(".m.prom*"))


def test_it_is_written_however_the_run_ends(journal, tmp_path):
    with pytest.raises(ZeroDivisionError), metrics_written(tmp_path / "m.prom", journal):
        raise ZeroDivisionError
    assert parse((tmp_path / "m.prom").read_text())


def test_what_cannot_be_written_is_said_once_and_disturbs_nothing(journal, tmp_path, capsys):
    with metrics_written(tmp_path / "no/m.prom", journal) as file:
        file.write()
    assert capsys.readouterr().err.count("Metrics were not written:") == 1


def test_without_a_journal_there_is_nothing_to_write(tmp_path, capsys):
    with metrics_written(tmp_path / "m.prom", tmp_path / "j.db"):
        pass
    assert not (tmp_path / "m.prom").exists()
    assert capsys.readouterr().err == ""


def test_a_journal_is_never_replaced(journal):
    with pytest.raises(RefusedToStart, match="is a database"), metrics_written(journal, journal):
        pass
    assert journal.read_bytes().startswith(b"SQLite format 3")


async def test_while_a_run_is_at_work_the_file_is_written_every_half_minute():
    written = asyncio.Event()

    class Counted(MetricsFile):
        times = 0

        def write(self):
            Counted.times += 1
            if Counted.times == 3:
                loop.call_soon_threadsafe(written.set)

    class Slow(FakeClock):
        async def sleep(self, seconds):
            await super().sleep(seconds)
            if Counted.times >= 3:
                await asyncio.Event().wait()

    async def work():
        await written.wait()
        return "done"

    loop, clock = asyncio.get_running_loop(), Slow()
    file = Counted("m.prom", "j.db")
    assert await file.during(SimpleNamespace(alarm=clock), work()) == "done"
    assert clock.sleeps[:3] == [EVERY] * 3
    assert Counted.times == 3
