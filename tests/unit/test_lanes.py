"""Several source addresses: an allowance and a session for each, one quota for all."""

import asyncio
import math

import pytest

from runner.app import App
from runner.clock import SystemClock
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.codat.governing.limits import Limits
from runner.codat.governor import Governor
from runner.codat.messages import Request
from runner.codat.transport import HttpTransport
from runner.domain.ids import CompanyId
from runner.errors import BudgetReached, ConfigurationWrong
from runner.intake.sources import find_sources
from runner.progress import Notes, Progress
from runner.settings import RunSettings
from runner.simulator import Behaviour, Service
from runner.simulator.behaviour import Limits as ServiceLimits
from runner.simulator.http import serve
from tests.unit.governor_world import MIDNIGHT, LoopClock, answering, asking, play

ONE, TWO = "127.0.0.1", "127.0.0.2"


def _no_jitter(low, _high):
    return low


class Log:
    """Takes every event, and says nothing."""

    def __getattr__(self, _name):
        return lambda *_args, **_facts: None


async def _sent(governor, count, *, answer=None, work=0.1, companies=40):
    """Send so many requests as fast as they are admitted; return when each left from where."""
    left = []
    loop = asyncio.get_running_loop()

    async def send(number):
        request = asking(f"c{number % companies}")
        async with governor.admitted(request) as source:
            left.append((loop.time(), source))
            await asyncio.sleep(work)
            response = answering() if answer is None else answer(source)
            governor.observe(Request("GET", "/", company=request.company, source=source), response)

    await asyncio.gather(*(send(number) for number in range(count)))
    return left


def _most_in_a_minute(moments):
    moments = sorted(moments)
    return max(sum(at <= other < at + 60.0 for other in moments) for at in moments)


# ---- the governor ----


def test_without_source_addresses_the_system_chooses():
    async def history():
        return await _sent(Governor(LoopClock()), 5)

    assert {source for _, source in play(history)} == {None}


def test_two_addresses_send_twice_as_much_and_neither_more_than_its_own_allowance():
    async def history(sources):
        governor = Governor(LoopClock(), Limits(max_rpm=300, in_flight=64), sources=sources)
        left = await _sent(governor, 2_000)
        begun = left[0][0]
        return max(at for at, _ in left) - begun, left

    alone, _ = play(lambda: history((ONE,)))
    together, left = play(lambda: history((ONE, TWO)))

    assert together < alone * 0.55
    for source in (ONE, TWO):
        assert _most_in_a_minute([at for at, each in left if each == source]) <= 300


def test_a_few_requests_are_dealt_out_evenly():
    async def history():
        return await _sent(Governor(LoopClock(), sources=(ONE, TWO)), 40)

    used = [source for _, source in play(history)]
    assert used.count(ONE) == used.count(TWO) == 20


def test_a_refusal_pauses_the_address_that_met_it_and_the_other_goes_on():
    async def history():
        clock = LoopClock()
        governor = Governor(clock, sources=(ONE, TWO), jitter=_no_jitter)
        refused = Request("GET", "/", company=CompanyId("c"), source=ONE)
        async with governor.admitted(asking()):
            governor.observe(refused, answering(429, retry_after="50"))
        assert governor.snapshot().paused_until is None
        begun = clock.monotonic()
        left = await _sent(governor, 300)
        return begun, left

    begun, left = play(history)
    assert {source for at, source in left if at < begun + 50.0} == {TWO}
    assert min(at for at, _ in left) == begun


def test_it_is_paused_when_all_addresses_are_and_until_the_first_may_send_again():
    async def history():
        clock = LoopClock()
        governor = Governor(clock, sources=(ONE, TWO), jitter=_no_jitter)
        for source, seconds in ((ONE, "50"), (TWO, "20")):
            async with governor.admitted(asking()):
                governor.observe(Request("GET", "/", company=None, source=source), answering(429, retry_after=seconds))
        paused = governor.snapshot().paused_until
        begun = clock.monotonic()
        left = await _sent(governor, 1)
        return (paused - clock.now()).total_seconds() + clock.monotonic() - begun, left[0][0] - begun, left[0][1]

    paused, waited, source = play(history)
    assert paused == pytest.approx(20.0)
    assert waited == pytest.approx(20.0, abs=0.3)
    assert source == TWO


def test_a_pause_that_is_too_long_for_the_run_ends_it_whichever_address_met_it():
    async def history():
        governor = Governor(LoopClock(), sources=(ONE, TWO), jitter=_no_jitter)
        async with governor.admitted(asking()):
            governor.observe(Request("GET", "/", company=None, source=TWO), answering(429, retry_after="7200"))
        async with governor.admitted(asking()):
            pass

    with pytest.raises(BudgetReached):
        play(history)


def test_the_quota_is_one_for_all_addresses():
    async def history():
        governor = Governor(LoopClock(), sources=(ONE, TWO))
        left = 100

        def answer(_source):
            nonlocal left
            left -= 1
            return answering(
                x_rate_limit_limit="100", x_rate_limit_remaining=str(left), x_rate_limit_reset=MIDNIGHT.isoformat()
            )

        outcomes = await asyncio.gather(
            *(_sent(governor, 1, answer=answer) for _ in range(150)), return_exceptions=True
        )
        return sum(not isinstance(each, BudgetReached) for each in outcomes)

    assert play(history) == 100


def test_the_allowance_of_each_address_begins_without_burst_after_a_former_life():
    async def history():
        governor = Governor(LoopClock(), Limits(max_rpm=240), previous_life_seconds_ago=1.0, sources=(ONE, TWO))
        left = await _sent(governor, 120)
        return [at - left[0][0] for at, _ in left]

    moments = play(history)
    assert sum(moment < 10.0 for moment in moments) <= 2 * math.ceil(10 * 3 + 2)


def test_in_flight_for_one_company_is_counted_over_all_addresses():
    most = in_flight = 0

    async def history():
        governor = Governor(LoopClock(), Limits(per_company=3), sources=(ONE, TWO))

        async def send():
            nonlocal most, in_flight
            async with governor.admitted(asking("only")):
                in_flight += 1
                most = max(most, in_flight)
                await asyncio.sleep(1)
                in_flight -= 1

        await asyncio.gather(*(send() for _ in range(20)))

    play(history)
    assert most == 3


# ---- the wire ----


async def test_a_request_leaves_from_the_address_that_it_names():
    service = Service(Behaviour())
    async with (
        await serve(service) as server,
        HttpTransport(base_url=server.url, credential=Credential("key"), sources=(ONE, TWO)) as transport,
    ):
        for source in (ONE, TWO, TWO):
            assert (await transport.send(Request("GET", "/companies/c", company=None, source=source))).status == 200
    assert [each.peer for each in service.requests] == [ONE, TWO, TWO]


async def test_a_source_that_was_not_opened_is_no_source():
    async with HttpTransport(credential=Credential("key"), sources=(ONE,)) as transport:
        with pytest.raises(RuntimeError):
            await transport.send(Request("GET", "/companies/c", company=None, source=TWO))


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
async def test_an_address_that_the_machine_does_not_have_is_a_wrong_setting(address):
    transport = HttpTransport(credential=Credential("key"), sources=(address,))

    with pytest.raises(ConfigurationWrong, match=address):
        await transport.__aenter__()


# ---- a whole run ----


def _app():
    return App(clock=SystemClock(), notes=Notes(Log(), Progress()), draining=Draining())


def _write(folder, count=200):
    lines = ["company_id,id,type,issue_date,currency,net_amount,account_id"]
    lines += [f"acme,e{n},Payment,2026-03-01,EUR,{n + 1}.50,400" for n in range(count)]
    (folder / "expenses.csv").write_text("\n".join(lines) + "\n")
    return find_sources([str(folder / "expenses.csv")])


async def test_a_run_uses_all_its_addresses_and_posts_everything_once(tmp_path):
    service = Service(Behaviour(sync_seconds=(0.05, 0.1), limits=ServiceLimits(a_day=None)))
    async with await serve(service) as server:
        settings = RunSettings(
            credential=Credential("key"),
            journal=tmp_path / "j.db",
            base_url=server.url,
            poll_interval=0.05,
            source_ips=(ONE, TWO),
        )
        report = await _app().run(settings, _write(tmp_path))

    assert report.exit_code == 0
    assert {each.peer for each in service.requests} == {ONE, TWO}
    assert len(service.ledger.entries) == 200


async def test_addresses_without_a_rate_are_a_wrong_setting(tmp_path):
    settings = RunSettings(
        credential=Credential("key"),
        journal=tmp_path / "j.db",
        base_url="http://127.0.0.1:9",
        source_ips=(ONE,),
        max_rpm=0,
    )

    report = await _app().run(settings, _write(tmp_path, count=1))
    assert isinstance(report.stop, ConfigurationWrong)
    assert report.exit_code == 78
