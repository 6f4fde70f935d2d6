"""Units for systemd: what is written, what is never touched, and what is said where no systemd is."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runner.cli import calendars, cli
from runner.cli.units import path_value, quoted
from runner.errors import ConfigurationWrong, RefusedToStart

ANALYZE = shutil.which("systemd-analyze")
needs_analyze = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed here")
SERVICE, TIMER = "expense-runner.service", "expense-runner.timer"


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("EXPENSE_RUNNER_", "CODAT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own(home):
    """The folder of one's own units."""
    return home / ".config/systemd/user"


def schedule(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["schedule", *arguments], standalone_mode=False)


def install(*arguments: str, run: tuple[str, ...] = ("--inbox", "inbox")) -> Result:
    return schedule("install", *arguments, "--", *run)


def systemd_says(home: Path, said: str = "", code: int = 0) -> Path:
    """Put a systemctl on the PATH that writes down what it was asked."""
    calls = home / "calls"
    program = home / "bin/systemctl"
    program.write_text(f"#!/bin/sh\necho \"$*\" >> {calls}\ncat <<'END'\n{said}\nEND\nexit {code}\n")
    program.chmod(0o755)
    (home / "bin/cat").symlink_to(shutil.which("cat", path="/bin:/usr/bin") or "/bin/cat")
    return calls


# ---- what is written ----


def test_units_of_one_s_own_name_everything_by_absolute_paths(home, own):
    install(run=("--inbox", "inbox", "--until", "06:00", "--receipts-dir", ".", "--strict", "more.csv"))
    service = (own / SERVICE).read_text()
    (command,) = re.findall("^ExecStart=(.*)$", service, re.MULTILINE)
    journal = home / ".local/state/expense-runner/expense-runner.db"
    assert command.split(" run ", 1)[1].split() == [
        *("--inbox", str(home / "inbox")),
        *("--until", "06:00"),
        *("--receipts-dir", str(home)),
        "--strict",
        *("--journal", str(journal)),
        str(home / "more.csv"),
    ]
    assert command.startswith("/")
    assert re.findall("^ReadWritePaths=-(.*)$", service, re.MULTILINE) == [str(journal.parent), str(home / "inbox")]
    assert journal.parent.is_dir()
    assert "\nUser=" not in service


def test_a_system_unit_has_an_account_a_state_folder_and_the_whole_sandbox(home):
    install("--system", "--run-as", "expenses", "--root", str(home), "--credential", "/etc/expense-runner/key")
    service = (home / "etc/systemd/system" / SERVICE).read_text()
    for line in (
        "Type=notify",
        "NotifyAccess=main",
        "User=expenses",
        "StateDirectory=expense-runner",
        "LoadCredential=codat-api-key:/etc/expense-runner/key",
        "SuccessExitStatus=4 8 75 143",
        "WatchdogSec=600",
        "ProtectSystem=strict",
    ):
        assert f"\n{line}\n" in service
    assert "--journal /var/lib/expense-runner/expense-runner.db" in service


def test_the_timer_says_when(home, own):
    install("--on-calendar", "Mon..Fri 22:00", "--on-calendar", "Sun 06:00", "--random-delay", "5m")
    timer = (own / TIMER).read_text()
    assert re.findall("^OnCalendar=(.*)$", timer, re.MULTILINE) == ["Mon..Fri 22:00", "Sun 06:00"]
    assert "\nPersistent=yes\nRandomizedDelaySec=300\n" in timer


def test_what_stops_a_run_waits_longer_than_a_request_may_take(home, own):
    install(run=("--inbox", "inbox", "--request-timeout", "20m"))
    assert "\nTimeoutStopSec=1440\n" in (own / SERVICE).read_text()


def test_a_configuration_file_and_its_journal_are_taken_along(home, own):
    (home / "expense-runner.toml").write_text('journal = "books.db"\n[run]\ninbox = "drop"\n')
    install(run=())
    service = (own / SERVICE).read_text()
    assert f" --config {home}/expense-runner.toml run --journal {home}/books.db\n" in service
    assert f"\nWorkingDirectory={home}\n" in service
    assert f"\nReadWritePaths=-{home}/drop\n" in service


def test_a_journal_that_lies_here_and_is_not_named_is_warned_of(home):
    (home / "expense-runner.db").touch()
    assert "there is a journal" in install("--print").stderr
    assert "there is a journal" not in install("--print", run=("--journal", "expense-runner.db", "a.csv")).stderr


def test_what_only_this_shell_knows_is_named_and_no_inbox(home, monkeypatch):
    monkeypatch.setenv("EXPENSE_RUNNER_INBOX", "inbox")
    assert "does not get this shell's EXPENSE_RUNNER_INBOX" in install("--print", run=("a.csv",)).stderr
    assert "Say after -- what to run" in str(install("--print", run=()).exception)


def test_arguments_that_run_would_refuse_are_refused_now(home, own):
    assert "No such option" in str(install(run=("--inbocks", "inbox")).exception)
    assert "standard input" in str(install(run=("-",)).exception)
    assert "--run-as" in str(install("--system").exception)
    assert not own.exists()


def test_only_looking_writes_nothing(home):
    ended = install("--print")
    assert "[Timer]" in ended.stdout
    assert [each.name for each in home.iterdir()] == ["bin"]


@pytest.mark.parametrize(
    ("argument", "written"),
    [("plain-1.csv", "plain-1.csv"), ("a b", '"a b"'), ("100%", "100%%"), ("$HOME", '"$$HOME"'), ('"', '"\\""')],
)
def test_no_argument_is_more_than_one_word_or_means_something_to_systemd(argument, written):
    assert quoted(argument) == written


@pytest.mark.parametrize("path", ["/a b", "/a:b", "/a\nb"])
def test_a_path_that_a_setting_cannot_hold_is_refused(path):
    with pytest.raises(ConfigurationWrong):
        path_value(Path(path))


# ---- what is never touched ----


@pytest.mark.parametrize("command", ["install", "remove"])
def test_a_unit_of_somebody_else_s_is_never_touched(own, command):
    own.mkdir(parents=True)
    (own / TIMER).write_text("[Timer]\nOnCalendar=daily\n")
    ended = schedule(command, "--force", *(["--", "--inbox", "x"] if command == "install" else []))
    assert isinstance(ended.exception, RefusedToStart)
    assert [each.name for each in own.iterdir()] == [TIMER]
    assert (own / TIMER).read_text() == "[Timer]\nOnCalendar=daily\n"


def test_a_unit_that_differs_is_shown_and_replaced_only_by_force(own):
    install()
    before = (own / TIMER).read_text()
    ended = install("--on-calendar", "*-*-* 03:00")
    assert "-OnCalendar=*-*-* 01:30:00\n+OnCalendar=*-*-* 03:00" in ended.stderr
    assert isinstance(ended.exception, RefusedToStart)
    assert (own / TIMER).read_text() == before
    install("--on-calendar", "*-*-* 03:00", "--force")
    assert "OnCalendar=*-*-* 03:00" in (own / TIMER).read_text()


def test_the_same_again_changes_nothing(own):
    install()
    before = (own / SERVICE).stat().st_mtime_ns
    assert install().stdout.count("Unchanged:") == 2
    assert (own / SERVICE).stat().st_mtime_ns == before


def test_removing_takes_what_was_written_and_nothing_else(own):
    install()
    install("--name", "other")
    drop_in = own / f"{SERVICE}.d/own.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nNice=5\n")
    schedule("remove")
    assert sorted(each.name for each in own.iterdir()) == [f"{SERVICE}.d", "other.service", "other.timer"]
    assert "nothing to remove" in schedule("remove").stdout


def test_an_edited_unit_is_removed_only_by_force(own):
    install()
    (own / TIMER).write_text((own / TIMER).read_text().replace("01:30", "04:30"))
    assert "was edited" in str(schedule("remove").exception)
    assert (own / SERVICE).exists()
    assert "edited since" in schedule("show").stdout
    schedule("remove", "--force")
    assert list(own.iterdir()) == []


# ---- speaking to systemd ----


def test_the_timer_is_started_and_stopped_with_the_user_s_own_systemd(home):
    calls = systemd_says(home)
    assert install().return_value == 0
    assert calls.read_text().splitlines() == ["--user daemon-reload", f"--user enable --now {TIMER}"]
    calls.unlink()
    schedule("remove")
    assert calls.read_text().splitlines() == [f"--user disable --now {TIMER}", "--user daemon-reload"]


def test_below_another_root_systemd_is_left_alone(home):
    calls = systemd_says(home)
    assert install("--root", str(home / "image")).return_value == 0
    schedule("show", "--root", str(home / "image"))
    schedule("remove", "--root", str(home / "image"))
    assert not calls.exists()


def test_where_no_systemd_answers_it_is_said_what_to_do_by_hand(home, own):
    ended = install()
    assert (ended.return_value, (own / TIMER).exists()) == (4, True)
    assert f"systemctl --user enable --now {TIMER}" in ended.stderr
    assert "No systemd answered" in schedule("show").stdout
    assert "No systemd answered" in schedule("remove").stderr


def test_it_is_shown_what_is_installed_when_it_runs_next_and_how_the_last_run_ended(home, own):
    said = (
        "ActiveState=active\nNextElapseUSecRealtime=Mon 2026-01-05 01:30:00 UTC\nResult=success\nExecMainStatus=75\n"
        "ExecMainExitTimestamp=Sun 2026-01-04 02:00:00 UTC\nStatusText=Ended: 5 companies"
    )
    systemd_says(home, said)
    assert schedule("show").return_value == 4
    install()
    shown = schedule("show")
    assert shown.return_value == 0
    assert "next run Mon 2026-01-05 01:30:00 UTC" in shown.stdout
    assert "ended Sun 2026-01-04 02:00:00 UTC with exit code 75 (success)\n  Ended: 5 companies" in shown.stdout
    facts = json.loads(schedule("show", "--json").stdout)
    assert set(facts) == {"installed", "units", "drop_ins", "systemd"}
    assert facts["units"][TIMER] == {"file": str(own / TIMER), "state": "ours"}
    assert facts["systemd"]["service"]["ExecMainStatus"] == "75"


# ---- times ----


@needs_analyze
@pytest.mark.parametrize("expression", ["daily", "Mon..Fri 22:00", "*-*~1 23:00", "Mon *-*-* 02:00 Europe/Berlin"])
def test_systemd_is_asked_when_a_time_comes_next(expression):
    answer = calendars.ask(expression)
    assert answer.wrong is None
    assert answer.next_run


@needs_analyze
@pytest.mark.parametrize("expression", ["soon", "*-*-* 25:00", "01:30 *-*-*", "--help", "-h"])
def test_systemd_is_asked_what_is_wrong_with_a_time(expression):
    assert calendars.ask(expression).wrong


@pytest.mark.parametrize("said", ["exit 1", "echo 'Failed to parse' >&2; exit 1"])
def test_what_systemd_refuses_is_refused_before_anything_is_written(home, own, said):
    program = home / "bin/systemd-analyze"
    program.write_text(f"#!/bin/sh\n{said}\n")
    program.chmod(0o755)
    assert isinstance(install("--on-calendar", "soon").exception, ConfigurationWrong)
    assert not own.exists()


def test_where_no_systemd_can_be_asked_a_time_is_written_as_given_and_that_is_said(home, own):
    said = install("--on-calendar", "Mon..Fri 22:00").stderr
    assert "Next run: Mon..Fri 22:00 (no systemd here to say whether it is understood, and when" in said
    assert "OnCalendar=Mon..Fri 22:00\n" in (own / TIMER).read_text()


@pytest.mark.parametrize("nothing", ["", " "])
def test_no_time_at_all_is_refused_without_systemd_too(home, own, nothing):
    assert isinstance(install("--on-calendar", nothing).exception, ConfigurationWrong)
    assert not own.exists()


# ---- what systemd itself thinks of them ----


@needs_analyze
@pytest.mark.parametrize("system", [True, False], ids=["system", "user"])
def test_systemd_finds_nothing_wrong_with_the_units(home, system):
    options = ["--system", "--run-as", "expenses"] if system else []
    install("--root", str(home), "--credential", "/etc/expense-runner/key", *options, run=("--inbox", "/srv/inbox"))
    folder = next(home.rglob(SERVICE)).parent
    scope = [] if system else ["--user"]
    ended = subprocess.run(
        [str(ANALYZE), *scope, "verify", str(folder / SERVICE), str(folder / TIMER)],
        capture_output=True,
        text=True,
        check=False,
        env={"XDG_RUNTIME_DIR": str(home), "HOME": str(home), "PATH": "/usr/bin:/bin"},
    )
    if "Failed to initialize manager" in ended.stderr:
        pytest.skip(f"systemd-analyze verify does not work here: {ended.stderr.splitlines()[0]}")
    assert ended.returncode == 0
    assert [line for line in ended.stderr.splitlines() if "expense-runner" in line] == []


@needs_analyze
def test_the_exposure_of_a_system_unit_is_as_documented(home, monkeypatch):
    # A program below /tmp, such as a checkout there, could have no /tmp of its own.
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    install("--system", "--run-as", "expenses", "--root", str(home), run=("--inbox", "/srv/inbox"))
    unit = next(home.rglob(SERVICE))
    ended = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", str(unit)], capture_output=True, text=True, check=False
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", ended.stdout)
    if found is None:
        pytest.skip(f"systemd-analyze security does not work offline here: {ended.stderr.strip()}")
    page = (Path(__file__).parents[2] / "docs/scheduling.md").read_text(encoding="utf-8")
    documented = re.search(r"exposure level of ([0-9.]+)", page)
    assert documented is not None
    assert float(found[1]) <= float(documented[1])
