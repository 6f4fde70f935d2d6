"""What the doctor sees, and that it only looks."""

import asyncio
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.cli.units import MARK
from runner.codat.credential import Credential
from runner.codat.flows import Flow
from runner.codat.messages import Response
from runner.codat.transport import HttpTransport
from runner.doctor import account, connection, journal, machine, units
from runner.doctor.examination import examine, exit_code_of
from runner.doctor.findings import Level, problem, warning, well
from runner.domain.ids import CompanyId
from runner.errors import ExitCode, KeyRefused, OutcomeUnknown
from runner.journal.holder import holder_of
from runner.journal.journal import writing
from runner.simulator import NO_LIMITS, Behaviour, Service
from runner.simulator.companies import CompanySpec
from runner.simulator.faults import Fault, FaultKind
from runner.simulator.http import serve
from tests.clocks import FakeClock

KEY = "Key-of-the-doctor-012345"
COMPANIES = (
    CompanySpec("acme"),
    CompanySpec("bolt"),
    CompanySpec("core", status="Deauthorized"),
    CompanySpec("dune", status="PendingAuth"),
)


def service(**more):
    return Service(Behaviour(companies=COMPANIES, open_world=False, limits=NO_LIMITS, **more))


async def ask(simulated, *, flow=Flow.DATASETS, clock=None, key=KEY, known=()):
    """Ask a simulated account everything; return what was said by check."""
    asked, clock = account.Asked(), clock or FakeClock(datetime.now(UTC))
    async with (
        await serve(simulated) as server,
        HttpTransport(base_url=server.url, credential=Credential(key)) as transport,
    ):
        found = [
            *await account.accepted(transport, asked, clock=clock),
            *await account.same_time(asked),
            *await account.connected_companies(asked, [CompanyId(each) for each in known]),
            *await account.spoken_flow(transport, asked, flow=flow),
        ]
    return {name: [each for each in found if each.check == name] for name in {each.check for each in found}}


# ---- the account ----


async def test_an_account_that_is_well_takes_two_requests_and_changes_nothing():
    simulated = service(speaks="datasets", api_keys=frozenset({KEY}))
    said = await ask(simulated)
    assert {name: [each.level for each in found] for name, found in said.items()} == {
        name: [Level.OK] for name in ("key_accepted", "clock", "companies", "flow")
    }
    assert said["companies"][0].message == "4 companies: 2 linked, 1 Deauthorized, 1 PendingAuth."
    assert len(simulated.requests) == 2
    assert all(not simulated.company(each.id).syncs for each in COMPANIES)
    assert not simulated.ledger.entries


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (Fault(FaultKind.ERROR, status=402, message="over"), ExitCode.BUDGET, "402"),
        (Fault(FaultKind.ERROR, status=403, message="no"), ExitCode.KEY_REFUSED, "right"),
        (Fault(FaultKind.ERROR, status=503, message="down"), ExitCode.WORK_REMAINS, "again"),
        (Fault(FaultKind.ERROR, status=407, message="who"), ExitCode.WORK_REMAINS, "proxy"),
        (Fault(FaultKind.HTML, status=200), ExitCode.WORK_REMAINS, "other than Codat"),
        (Fault(FaultKind.LOST), ExitCode.WORK_REMAINS, "lost"),
    ],
)
async def test_an_account_that_does_not_answer_well_is_a_problem_with_the_code_of_a_run(fault, code, words):
    said = await ask(Service(Behaviour(companies=COMPANIES, limits=NO_LIMITS), faults=[fault]))
    (found,) = said.pop("key_accepted")
    assert found.exit_code == code
    assert words in f"{found.message} {found.fix}"
    assert not said.keys() - {"clock"}


async def test_a_refused_key_is_77():
    said = await ask(service(api_keys=frozenset({"another-key"})))
    assert [each.exit_code for each in said["key_accepted"]] == [ExitCode.KEY_REFUSED]


@pytest.mark.parametrize(("minutes", "way"), [(10, "10 min"), (-10, "behind")])
async def test_a_clock_that_is_wrong_is_measured_against_the_answer(minutes, way):
    said = await ask(service(), clock=FakeClock(datetime.now(UTC) + timedelta(minutes=minutes, seconds=0.9)))
    (found,) = said["clock"]
    assert found.level is Level.WARNING
    assert way in found.message


async def test_an_answer_without_a_time_says_nothing_of_the_clock():
    assert await account.same_time(account.Asked()) == []
    assert account._skew(Response(200, {"date": "yesterday"}, b""), datetime.now(UTC)) is None


async def test_companies_of_the_journal_that_are_not_there_or_not_linked_are_named():
    said = await ask(service(), known=["acme", "core", "gone"])
    assert [each.message for each in said["companies"][1:]] == [
        "1 company of the journal not found at Codat: gone.",
        "1 company of the journal not linked: core.",
    ]


async def test_nothing_is_said_to_be_missing_where_the_list_was_not_read_whole(monkeypatch):
    monkeypatch.setattr(account, "PAGE_SIZE", 1)
    monkeypatch.setattr(account, "PAGES", 2)
    said = await ask(service(), known=["gone"])
    (found,) = said["companies"]
    assert found.message.startswith("The first 2 of 4 companies: 2 linked")


@pytest.mark.parametrize(
    ("speaks", "flow", "level", "code"),
    [
        ("direct", Flow.DATASETS, Level.PROBLEM, ExitCode.CONFIGURATION),
        ("direct", Flow.DIRECT, Level.OK, ExitCode.OK),
        ("datasets", Flow.DATASETS, Level.OK, ExitCode.OK),
        ("datasets", Flow.DIRECT, Level.WARNING, ExitCode.OK),
    ],
)
async def test_the_flow_that_the_account_speaks_is_compared_with_the_setting(speaks, flow, level, code):
    (found,) = (await ask(service(speaks=speaks), flow=flow))["flow"]
    assert (found.level, found.exit_code) == (level, code)


# ---- the connection ----


async def test_a_server_that_listens_is_reached():
    async with await serve(service()) as server:
        (found,) = await connection.reached(server.url)
    assert found.level is Level.OK


async def test_a_port_that_nobody_listens_to_is_told_from_a_name_that_nobody_knows(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (refused,) = await connection.reached(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert "cannot be connected to" in refused.message

    async def unknown(*_arguments, **_more):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio, "open_connection", unknown)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    (unresolved,) = await connection.reached("https://api.codat.io")
    assert "(DNS)" in unresolved.message
    assert "does not use it" in unresolved.fix
    assert {refused.exit_code, unresolved.exit_code} == {ExitCode.WORK_REMAINS}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), "not trusted (TLS)"),
        (ssl.SSLError(1, "wrong version number"), "(TLS)"),
        (TimeoutError(), "does not answer"),
        (ConnectionResetError(104, "Connection reset by peer"), "reset by peer"),
    ],
)
async def test_what_is_in_the_way_is_told_apart(monkeypatch, error, words):
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = "self-signed certificate"

    async def failing(*_arguments, **_more):
        raise error

    monkeypatch.setattr(asyncio, "open_connection", failing)
    (found,) = await connection.reached("https://api.codat.io")
    assert words in found.message
    assert found.exit_code is ExitCode.WORK_REMAINS


# ---- the journal ----


async def make_journal(path, clock, *, code: int | None = 0):
    async with writing(path, clock) as opened:
        await opened.runs.begin(purpose="run", version="1", flow="datasets")
        if code is not None:
            await opened.runs.end(exit_code=code, requests=0, retried=0, rate_limited=0)


async def test_a_journal_that_is_absent_is_said_once(tmp_path):
    path, clock = tmp_path / "j.db", FakeClock()
    said = [
        *journal.file(path),
        *journal.lock(path),
        *await journal.soundness(path, clock),
        *await journal.last_run(path, clock, scheduled=True),
    ]
    assert [each.level for each in said] == [Level.WARNING]
    assert not list(tmp_path.iterdir())


async def test_a_journal_that_is_well_is_left_as_it_is(tmp_path):
    path, clock = tmp_path / "j.db", FakeClock()
    await make_journal(path, clock)
    before = path.read_bytes()
    said = [
        *journal.file(path),
        *journal.lock(path),
        *await journal.soundness(path, clock),
        *await journal.last_run(path, clock, scheduled=True),
    ]
    assert {each.level for each in said} == {Level.OK}
    assert path.read_bytes() == before


async def test_a_journal_that_others_can_read_is_a_warning_with_the_command(tmp_path):
    path = tmp_path / "j.db"
    await make_journal(path, FakeClock())
    path.chmod(0o644)
    (found,) = journal.file(path)
    assert found.level is Level.WARNING
    assert f"chmod 600 {path}" in found.fix


async def test_a_journal_that_cannot_be_written_is_a_problem(tmp_path, monkeypatch):
    path = tmp_path / "j.db"
    await make_journal(path, FakeClock())
    # Root may write everything: the system's answer stands in for another user's.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert [each.exit_code for each in journal.file(path)] == [ExitCode.REFUSED]


async def test_whoever_holds_the_journal_is_named_and_one_who_died_too(tmp_path):
    path, clock = tmp_path / "j.db", FakeClock()
    async with writing(path, clock):
        assert holder_of(path).pid == os.getpid()
        (alive,) = journal.lock(path)
    assert alive.level is Level.OK
    assert str(os.getpid()) in alive.message
    host = os.uname().nodename
    path.with_name("j.db.lock").write_text(f'{{"pid": 999999999, "host": "{host}", "since": "2026-01-01T00:00:00"}}')
    (dead,) = journal.lock(path)
    assert dead.level is Level.WARNING


async def test_a_damaged_journal_is_a_problem_and_one_that_is_large_is_not_read_whole(tmp_path, monkeypatch):
    path, clock = tmp_path / "j.db", FakeClock()
    await make_journal(path, clock)
    monkeypatch.setattr(journal, "LARGE", 0)
    (large,) = await journal.soundness(path, clock)
    assert "not read whole" in large.message
    monkeypatch.undo()
    damaged = bytearray(path.read_bytes())
    damaged[8_192:20_480] = b"\x55" * 12_288
    path.write_bytes(damaged)
    said = [each async for each in examine([("integrity", lambda: journal.soundness(path, clock))])]
    assert [each.level for each in said] == [Level.PROBLEM]


@pytest.mark.parametrize(
    ("code", "level", "words"),
    [
        (0, Level.OK, "0"),
        (4, Level.OK, "goes on"),
        (3, Level.WARNING, "expense-runner errors"),
        (7, Level.WARNING, "expense-runner verify"),
        (77, Level.WARNING, "run again"),
    ],
)
async def test_the_last_run_is_judged_by_its_exit_code(tmp_path, code, level, words):
    path, clock = tmp_path / "j.db", FakeClock()
    await make_journal(path, clock, code=code)
    (found,) = await journal.last_run(path, clock, scheduled=False)
    assert found.level is level
    assert words in f"{found.message} {found.fix}"


async def test_a_run_that_did_not_happen_is_a_warning_where_there_is_a_timer(tmp_path):
    path, clock = tmp_path / "j.db", FakeClock()
    await make_journal(path, clock)
    late = FakeClock(clock.now() + timedelta(hours=27))
    assert [each.level for each in await journal.last_run(path, late, scheduled=True)] == [Level.WARNING]
    assert [each.level for each in await journal.last_run(path, late, scheduled=False)] == [Level.OK]


async def test_a_run_without_an_end_is_a_warning(tmp_path):
    path, clock = tmp_path / "j.db", FakeClock()
    await make_journal(path, clock, code=None)
    (found,) = await journal.last_run(path, clock, scheduled=False)
    assert "did not come to its end" in found.message


# ---- the machine and its units ----


async def test_the_machine_says_what_it_has(tmp_path, monkeypatch):
    assert [each.level for each in [*machine.versions(), *machine.extras()]] == [Level.OK, Level.OK]
    (absent,) = machine.disk(tmp_path / "absent" / "j.db")
    assert absent.exit_code is ExitCode.REFUSED
    monkeypatch.setattr(machine, "NOTHING", 10**18)
    assert [each.level for each in machine.disk(tmp_path / "j.db")] == [Level.PROBLEM]
    monkeypatch.setattr(machine, "NOTHING", 0)
    monkeypatch.setattr(machine, "LITTLE", 10**18)
    assert [each.level for each in machine.disk(tmp_path / "j.db")] == [Level.WARNING]


def unit(folder: Path, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


async def test_only_timers_of_this_program_count_and_each_needs_its_service(tmp_path):
    assert units.MARK == MARK
    folders = [(tmp_path / "system", True), (tmp_path / "user", False)]
    unit(tmp_path / "system", "backup.timer", "[Timer]\n")
    assert "None are installed" in units.units(folders)[0].message
    unit(tmp_path / "system", "expense-runner.timer", f"{MARK}, version 1\n[Timer]\n")
    assert "no service" in units.units(folders)[0].message
    unit(tmp_path / "system", "expense-runner.service", f"{MARK}\n")
    unit(tmp_path / "user", "nightly.timer", f"{MARK}\n")
    assert len(units.units(folders)) == 2


@pytest.mark.parametrize(
    ("states", "level", "words"),
    [
        ({"is-enabled": "enabled", "is-active": "active"}, Level.OK, "switched on"),
        ({"is-enabled": "enabled", "is-active": "inactive"}, Level.WARNING, "does not run"),
        ({"is-enabled": "disabled"}, Level.WARNING, "enable --now expense-runner.timer"),
        ({"is-enabled": None}, Level.OK, "cannot be asked"),
    ],
)
async def test_a_timer_that_is_not_switched_on_is_a_warning(tmp_path, monkeypatch, states, level, words):
    for ending in ("timer", "service"):
        unit(tmp_path, f"expense-runner.{ending}", f"{MARK}\n")
    monkeypatch.setattr(units, "_systemctl", lambda arguments: states[arguments[-2]])
    (found,) = units.units([(tmp_path, False)])
    assert found.level is level
    assert words in f"{found.message} {found.fix}"


# ---- all of them ----


async def test_a_check_that_fails_does_not_stop_the_others_and_the_first_problem_counts():
    async def fine():
        return [well("fine", "Yes."), warning("fine", "Hm.")]

    async def refused():
        raise KeyRefused("No.", hint="Look.")

    async def broken():
        raise ZeroDivisionError("by zero")

    async def unread():
        raise OutcomeUnknown("lost", received=False)

    def forbidden():
        raise PermissionError(13, "Permission denied", "/srv/journal.db")

    checks = [("a", fine), ("b", refused), ("c", broken), ("d", unread), ("e", forbidden), ("f", fine)]
    said = [each async for each in examine(checks)]
    assert [each.check for each in said] == ["fine", "fine", "b", "c", "d", "e", "fine", "fine"]
    assert "/srv/journal.db cannot be looked at: Permission denied." in [each.message for each in said]
    assert exit_code_of(said) is ExitCode.KEY_REFUSED
    assert exit_code_of(said[:2]) is ExitCode.OK
    assert exit_code_of([problem("x", "", None, ExitCode.BUDGET), *said]) is ExitCode.BUDGET
