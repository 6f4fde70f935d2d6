"""Ages that are proved: for what must be over never too much, for what must be young never too little."""

import math
from dataclasses import dataclass, field
from datetime import UTC, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.journal.ages import Ages, instant
from runner.journal.context import Context
from runner.journal.opening import open_scratch
from runner.journal.runs import Runs
from runner.journal.store import Inline
from tests.clocks import START, FakeClock

UPTIMES = {"here": 5_000.0, "there": 900_000.0}
SERVICE = START.timestamp() - 7_777.0
"""The service's clock at the beginning; nobody's clock has to be right, only to go on."""


@dataclass
class Life:
    """One run of the journal, on one machine."""

    context: Context
    clock: FakeClock

    async def until(self, *, end: bool):
        """Let it end in order or, if not, be killed."""
        if end:
            await Runs(self.context).end(exit_code=0, requests=0, retried=0, rate_limited=0)

    def ages(self):
        return Ages(self.context)


@dataclass
class Times:
    """A journal, two machines, and a service, all of whose clocks go on together."""

    connection: object = field(default_factory=open_scratch)
    clocks: dict = field(default_factory=lambda: {n: FakeClock(host=n, uptime=u) for n, u in UPTIMES.items()})
    passed: float = 0.0

    def pass_by(self, seconds):
        self.passed += seconds
        for clock in self.clocks.values():
            clock.advance(seconds)

    async def live(self, host="here", *, purpose="run", heard=False):
        clock = self.clocks[host]
        life = Life(Context(Inline(self.connection), clock), clock)
        await Runs(life.context).begin(version="0", flow="datasets", purpose=purpose)
        if heard:
            self.hear(life)
        return life

    def hear(self, life):
        """Let an answer of the service tell the time, in whole seconds."""
        asked = life.clock.boottime()
        life.context.service_time.hear(float(int(SERVICE + self.passed)), asked=asked, seen=asked)

    def mark(self, life):
        """Return what is written down about this moment; to be given to `seen_by`."""
        clocks = life.context.clocks()
        return life.context.run, life.context.now(), clocks["boottime"], clocks["served"]

    def seen_by(self, life, mark):
        """Return the least and the most that a life says of the age of a moment."""
        then = instant(self.connection, life.context, *mark)
        return life.ages().at_least(then), life.ages().at_most(then)


@pytest.fixture
def times():
    made = Times()
    yield made
    made.connection.close()


async def test_within_one_boot_the_boot_clock_tells_whatever_was_in_between(times):
    mark = times.mark(await times.live())
    times.pass_by(1_000)
    assert times.seen_by(await times.live(), mark) == (1_000, 1_000)
    await times.live("there")
    times.pass_by(1_000)
    assert times.seen_by(await times.live(), mark) == (2_000, 2_000)


async def test_the_uptime_of_another_machine_is_no_age(times):
    mark = times.mark(await times.live())
    times.pass_by(5)
    assert times.seen_by(await times.live("there"), mark) == (0, math.inf)


async def test_neither_is_the_uptime_after_a_reboot(times):
    mark = times.mark(await times.live())
    times.clocks["here"].reboot()
    times.pass_by(8_000)
    assert times.seen_by(await times.live(), mark) == (0, math.inf)


async def test_what_lives_watch_themselves_adds_up_and_what_lies_between_them_does_not(times):
    life = await times.live()
    mark = times.mark(life)
    times.pass_by(100)
    await life.until(end=True)
    times.pass_by(10_000)

    watcher = await times.live("there", purpose="verify")
    assert times.seen_by(watcher, mark)[0] == 100
    times.pass_by(200)
    assert times.seen_by(watcher, mark)[0] == 300
    await watcher.until(end=True)
    times.pass_by(10_000)

    times.clocks["there"].reboot()
    last = await times.live("there")
    times.pass_by(50)
    assert times.seen_by(last, mark) == (350, math.inf)


async def test_what_lies_between_lives_of_one_boot_is_told_by_its_clock(times):
    """Short runs at long intervals on the other machine: each began after the moment, and the first tells the most."""
    mark = times.mark(await times.live())
    times.pass_by(500)
    for _ in range(3):
        await (await times.live("there")).until(end=True)
        times.pass_by(300)
    assert times.seen_by(await times.live("there"), mark) == (900, math.inf)
    times.clocks["there"].reboot()
    assert times.seen_by(await times.live("there"), mark)[0] == 0


async def test_a_life_that_is_killed_loses_what_it_had_not_written_down(times):
    mark = times.mark(await times.live())
    watcher = await times.live("there")
    times.pass_by(100)
    await Runs(watcher.context).go_on()
    times.pass_by(14)

    times.clocks["there"].reboot()
    assert times.seen_by(await times.live("there"), mark)[0] == 100


async def test_a_life_that_was_suspended_has_watched_that_as_well(times):
    mark = times.mark(await times.live())
    watcher = await times.live("there")
    # The boot clock counts what the monotonic one may leave out.
    times.pass_by(5_000)
    assert times.seen_by(watcher, mark)[0] == 5_000


async def test_a_life_that_was_stopped_has_not_watched_what_those_after_it_have(times):
    first = await times.live()
    mark = times.mark(first)
    times.clocks["here"].reboot()
    stopped = await times.live()
    times.pass_by(100)
    await Runs(stopped.context).go_on()
    watcher = await times.live("there")
    times.pass_by(300)
    await Runs(stopped.context).go_on()
    assert times.seen_by(watcher, mark)[0] == 400
    await stopped.until(end=True)
    await watcher.until(end=True)
    times.clocks["there"].reboot()
    assert times.seen_by(await times.live("there"), mark)[0] == 400


async def test_a_moment_that_its_life_never_wrote_a_sign_of_life_after_is_not_made_older_by_that(times):
    life = await times.live()
    times.pass_by(60)
    mark = times.mark(life)  # Killed 60 s after the last sign of life: those 60 s lie before the moment.
    watcher = await times.live("there")
    times.pass_by(10)
    assert times.seen_by(watcher, mark)[0] == 10


async def test_two_clocks_prove_what_both_of_them_say(times):
    mark = times.mark(await times.live(heard=True))
    times.pass_by(700)
    later = await times.live("there", heard=True)
    # Either may be a minute wrong.
    assert times.seen_by(later, mark) == (640, 760)


@pytest.mark.parametrize(("set_by", "least", "most"), [(60.0, 699, 760), (-60.0, 580, 760), (90_000.0, 699, 90_700)])
async def test_of_two_clocks_that_differ_the_one_counts_that_proves_less(times, set_by, least, most):
    mark = times.mark(await times.live(heard=True))
    times.pass_by(700)
    times.clocks["there"].jump(set_by)
    assert times.seen_by(await times.live("there", heard=True), mark) == (least, most)


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True), (False, False)])
async def test_one_clock_alone_proves_nothing(times, before, after):
    mark = times.mark(await times.live(heard=before))
    times.pass_by(700)
    assert times.seen_by(await times.live("there", heard=after), mark) == (0, math.inf)


@pytest.mark.parametrize("set_by", [5_000.0, -5_000.0])
async def test_a_key_is_as_old_as_the_clock_says_that_makes_it_oldest(times, set_by):
    mark = times.mark(await times.live())
    times.clocks["here"].jump(set_by)
    times.pass_by(100)
    assert times.seen_by(await times.live(), mark) == (100, max(100, 100 + set_by))


async def test_a_machine_that_was_set_back_to_an_earlier_state_knows_nothing(times):
    """A virtual machine's snapshot: the same boot, and an earlier time in it."""
    mark = times.mark(await times.live())
    times.clocks["here"] = FakeClock(host="here", uptime=UPTIMES["here"] - 1_000)
    assert times.seen_by(await times.live(), mark) == (0, math.inf)


SECONDS = st.sampled_from((0.0, 0.4, 1.0, 14.0, 30.0, 59.0, 600.0, 660.0, 4_800.0, 90_000.0))
LIFE = st.tuples(
    st.sampled_from(sorted(UPTIMES)),
    st.booleans(),  # whether answers of it tell the time
    st.lists(SECONDS, max_size=3),  # between signs of life
    SECONDS,  # since the last of them
    st.booleans(),  # whether it is killed
    SECONDS,  # until the next life
    st.booleans(),  # whether the machine reboots meanwhile
)


@settings(max_examples=300, deadline=None)
@given(
    lives=st.lists(LIFE, min_size=2, max_size=6),
    wrong=st.sampled_from((0.0, 60.0, -60.0, 3_600.0, -3_600.0, 200_000.0, -200_000.0)),
)
async def test_whatever_the_lives_were_no_age_is_proved_that_is_not_true(lives, wrong):
    """One of the wall clocks may be as wrong as it likes, as long as the service's is right."""
    times = Times()
    times.clocks["there"].jump(wrong)
    marks = []
    for host, heard, signs, rest, killed, gap, reboots in lives:
        life = await times.live(host, heard=heard)
        for each in (*signs, rest):
            for mark, at in marks:
                least, most = times.seen_by(life, mark)
                assert least - 0.001 <= times.passed - at <= most + 0.001
            marks.append((times.mark(life), times.passed))
            times.pass_by(each)
            if each is not rest:
                await Runs(life.context).go_on()
        await life.until(end=not killed)
        times.pass_by(gap)
        if reboots:
            times.clocks[host].reboot()
    times.connection.close()


# ---- how long it is since an earlier life ----


async def test_the_first_life_knows_of_no_other(times):
    life = await times.live()
    times.pass_by(5)
    assert await life.ages().since_speaking() is None
    assert await life.ages().since_sending() == 5


@pytest.mark.parametrize(("host", "since"), [("here", 70), ("there", 0)])
async def test_what_may_have_been_sent_in_the_last_minute_is_told_by_its_own_boot_clock_only(times, host, since):
    """The minute of the rate: another machine's uptime does not say when the other one sent."""
    await (await times.live()).until(end=True)
    times.pass_by(70)
    assert await (await times.live(host)).ages().since_speaking() == since


async def test_a_life_that_was_killed_may_have_sent_until_the_next_one_began(times):
    await times.live()
    times.pass_by(500)
    assert await (await times.live(purpose="retry")).ages().since_speaking() == 0
    times.pass_by(40)
    assert await (await times.live()).ages().since_speaking() == 40


@pytest.mark.parametrize("purpose", ["retry", "check", "prune"])
async def test_lives_that_do_not_speak_with_codat_say_nothing_of_its_limits(times, purpose):
    await (await times.live()).until(end=True)
    times.pass_by(100)
    await (await times.live(purpose=purpose)).until(end=True)
    assert await (await times.live()).ages().since_speaking() == 100


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("host", ["here", "there"])
async def test_whoever_asks_every_ten_minutes_gets_an_answer(times, host, killed):
    """Verifying sends nothing: it does not put off what another verification waits for."""
    await (await times.live(heard=True)).until(end=not killed)
    found: list[float] = []
    for _ in range(3):
        asking = await times.live(host, purpose="verify", heard=True)
        times.pass_by(2)
        found.append(await asking.ages().since_sending())
        await asking.until(end=True)
        times.pass_by(600)
    assert found == [2, 604, 1_206]


async def test_a_run_puts_it_off_and_so_does_a_copy_put_in_place(times):
    await (await times.live()).until(end=True)
    times.pass_by(1_000)
    await times.live()
    assert await (await times.live(purpose="verify")).ages().since_sending() == 0
    times.pass_by(1_000)
    assert await (await times.live(purpose="verify")).ages().since_sending() == 1_000

    times.connection.execute(
        "INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id, started_boot, alive_boot)"
        " VALUES ('copy', ?, '0', 'datasets', 1, 'x', '', 0, 0)",
        (START.astimezone(UTC).isoformat(),),
    )
    times.pass_by(1_000)
    life = await times.live(purpose="rebuild")
    times.pass_by(100)
    assert await life.ages().since_sending() == 100


async def test_the_earliest_that_a_moment_may_have_been(times):
    life = await times.live()
    assert instant(times.connection, life.context, *times.mark(life)).earliest == START
    times.hear(life)
    then = instant(times.connection, life.context, *times.mark(life))
    assert then.earliest == START - timedelta(seconds=7_776)
