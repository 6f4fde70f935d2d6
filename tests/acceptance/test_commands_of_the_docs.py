"""Every command in the README and in docs/ is given, as it stands there, in a folder of its own beside a simulator.

Each page is a scenario: its blocks are given in their order, each in a shell of its own that begins in the folder where
the last one ended. What a page names (its files, a journal, ids) is there beforehand. `SUBSTITUTED` is all that is
changed in a command, `SKIPPED` all that is not given, each with its reason, and `ENDS` every command that does not end
with 0.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.acceptance.forked import Forked
from tests.acceptance.simulated import ROOT, Simulator, clean_environment, end_with_parent

PAGES = {name: ROOT / name for name in ("README.md", "CONTRIBUTING.md")} | {
    f"docs/{page.name}": page for page in sorted((ROOT / "docs").glob("*.md"))
}

SKIPPED = {
    r"^\.ci/(run|every-python)$": "it is what runs this test",
    r"python -m (benchmarks|fuzz|pytest|tests)\b": "takes minutes; benchmarks and proofs are commands of their own",
    r"^\.venv/bin/(ruff|mypy) ": "the test command does so",
    r"^pip install": "needs a package index, and changes the environment that runs this",
    r"^useradd|^systemctl|^journalctl": "changes or asks the system",
    r"^sqlite3 ": "sqlite's own shell is not everywhere; test_docs.py asks the queries",
}
SUBSTITUTED = {
    r"^python3 -m venv .*\.venv/bin/expense-runner demo$": "expense-runner demo",  # it installs; this is installed
    r"^0 22.* expenses (?=CODAT)": "",  # what is before a command in a crontab
    r"whsec_…": "whsec_c2VjcmV0IG9mIGEgcmVoZWFyc2Fs",  # what the reader is to fill in
    r"=…|Bearer …": lambda found: found[0].replace("…", "rehearsal"),
    r"(?<![\w.])/(?=(var|srv|etc|backup)/)": "{root}/",  # the system's folders are below the page's
    r"-o expenses -g expenses ": "",  # the account does not exist here
    r"(expense-runner schedule \w+)": r"\1 --root {root}",  # and systemd is left alone
    r"(support-bundle .*)$": r"\1 --yes",  # nobody is there to agree
    r"(?<=127\.0\.0\.1:)8642": "{port}",  # ports that are free
    r"(?<=127\.0\.0\.1:)8080": "{hooks}",
    r"(?<=--port )\d+": "0",
    r"(expense-runner simulate)(?!.*--port)": r"\1 --port 0",
}
LONG = re.compile(r"^expense-runner (serve|simulate(?!.* list$))")
"""Commands that end with Ctrl-C: they go on until the end of their page, and must end with 0 then."""
ENDS = {
    **{(page, "expense-runner errors --out rejects.csv"): 3 for page in ("docs/rejects.md", "docs/reference.md")},
    **{(page, "expense-runner run rejects.csv"): 3 for page in ("docs/rejects.md", "docs/reference.md")},
    ("README.md", "expense-runner demo"): 3,  # some sample rows are wrong on purpose
    ("docs/direct-flow.md", "expense-runner run --journal rehearsal.db expenses/"): 78,  # as the page says
    # One row names a department that is in no table, as the page says.
    ("docs/mapping.md", "expense-runner map test cards.csv --map council.toml"): 3,
    ("docs/mapping.md", "expense-runner check cards.csv --map council.toml"): 3,
    ("docs/mapping.md", "expense-runner plan cards.csv --map council.toml"): 3,
    # Nothing is rejected or failed here.
    # What is posted there is in no doubt.
    **{
        ("docs/incident.md", f"expense-runner resolve {said}"): 6
        for said in (
            '83582bc9-3a95-4600-8782-acdeb5b330e2 --posted --note "looked up in Xero by Ann"',
            'bb9985dd-a310-5aa8-a676-b53afd76159f --absent --note "not in Xero on 3 March, Ann"',
        )
    },
    ("docs/operations.md", "expense-runner retry --rejected --code account_unknown"): 6,
    ("docs/operations.md", "expense-runner retry --code push_error --company a11ce000-1111-4a11-8a11-a11ce0000001"): 6,
    ("docs/operations.md", "expense-runner retry --rejected --id bb9985dd-a310-5aa8-a676-b53afd76159f"): 6,
}
A_JOURNAL = {
    "docs/incident.md",
    "docs/journal.md",
    "docs/operations.md",
    "docs/report.md",
    "docs/direct-flow.md",
    "docs/notices.md",
}
"""Pages that begin where a run with these files has been."""
A_WRONG_ROW = {"docs/rejects.md", "docs/reference.md"}
"""The same, and one row was wrong; nobody corrects it in between."""

CARDS = """\
company_id,id,type,issue_date,currency,net_amount,tax_amount,account_id,receipts
cafe0000-3333-4c33-8c33-cafe00000003,83582bc9-3a95-4600-8782-acdeb5b330e2,Payment,2024-03-09,EUR,100,19.90,405,
cafe0000-3333-4c33-8c33-cafe00000003,bb9985dd-a310-5aa8-a676-b53afd76159f,Payment,2024-03-11,EUR,35,,405,
"""
BANK = "Date,Supplier,Category,Amount\n2024-03-09,Taxi Mayer,Travel,22.37\n2024-03-10,Hotel Sonne,Travel,119.90\n"
PROFILE = """\
[fields.company_id]
constant = "a11ce000-1111-4a11-8a11-a11ce0000001"
[fields.type]
constant = "Payment"
[fields.issue_date]
column = "Date"
[fields.currency]
constant = "EUR"
[fields.account_id]
constant = "405"
[amounts]
gross = "Amount"
tax_rate = 0
"""
EDITOR = '#!/bin/sh\ncase "$1" in *.toml) cp "$HOME/decided" "$1" ;; *) echo rehearsal > "$1" ;; esac\n'
SETTINGS = {"POLL_INTERVAL": "0.02", "QUIESCENCE": "0", "INBOX_SETTLE": "0.05", "MAX_RPM": "0"}
_FENCE = re.compile(r"^ *```(?P<language>sh|cron|csv|toml)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PATIENCE = 30.0


def blocks(page: str, *languages: str) -> list[list[str]]:
    """Return the lines of a page's blocks of these languages, without comments, continued lines being one."""
    text = PAGES[page].read_text(encoding="utf-8")
    found = [match["text"] for match in _FENCE.finditer(text) if match["language"] in languages]
    joined = [re.sub(r"\\\n\s*", "", each).splitlines() for each in found]
    return [[line.strip() for line in lines if line.strip()] for lines in joined]


def reason_to_skip(command: str) -> str | None:
    return next((pattern for pattern in SKIPPED if re.search(pattern, command)), None)


COMMANDS = [(page, line) for page in PAGES for lines in blocks(page, "sh", "cron") for line in lines]
WITH_COMMANDS = sorted({page for page, line in COMMANDS if not reason_to_skip(line)})


@dataclass
class Scenario:
    """One page's folder, and what is going on in it."""

    page: str
    folder: Path
    simulator: Simulator
    bin: Path
    port: str = ""
    hooks: str = ""
    where: Path = ROOT
    going_on: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        own = {f"EXPENSE_RUNNER_{name}": value for name, value in SETTINGS.items()}
        account = {"CODAT_API_KEY": "rehearsal", "CODAT_BASE_URL": self.simulator.url}
        home = {"HOME": str(self.folder), "EDITOR": str(self.folder / "editor"), "PATH": f"{self.bin}:{os.defpath}"}
        return clean_environment(**own, **account, **home)

    def prepare(self) -> None:
        """Put there what the page speaks of."""
        self.port = self.simulator.url.rpartition(":")[2]
        self.hooks, self.where = str(free_port()), self.folder
        shutil.copytree(ROOT / "docs" / "examples", self.folder / "docs" / "examples")
        (minimal,) = blocks("README.md", "csv")
        for folder in ("expenses", "srv/expenses/failed"):
            self.write(f"{folder}/cards.csv", CARDS)
            self.write(f"{folder}/taxis.csv", "\n".join([*minimal, ""]))
            self.write(f"{folder}/taxi.pdf", "%PDF-1.4\n")
        self.write("srv/expenses/taxi.pdf", "%PDF-1.4\n")
        self.write("pilot.csv", "".join(CARDS.splitlines(keepends=True)[:2]))
        self.write("cards.csv", BANK)
        self.write("decided", PROFILE)
        self.write("editor", EDITOR)
        self.write(".config/expense-runner/key", "rehearsal\n")
        self.write("etc/expense-runner/key", "rehearsal\n")
        for name in ("var/lib/expense-runner", "var/lib/prometheus/node-exporter", "var/log", "backup"):
            (self.folder / name).mkdir(parents=True)
        scenarios = ["\n".join(lines) for lines in blocks(self.page, "toml") if lines[0] == "[behaviour]"]
        quick = "[behaviour]\nsync_seconds = [0.01, 0.05]\n"
        for name in ("scenario.toml", "direct.toml"):
            text = re.sub(r"^sync_seconds.*$", "", scenarios[0] if scenarios else "", flags=re.MULTILINE)
            self.write(name, quick + text.replace("[behaviour]", "", 1))
        if self.page == "docs/notices.md":
            self.write("expense-runner.toml", '[notify]\nfile = "notices.jsonl"\n')
        if self.page in A_WRONG_ROW:
            self.write("expenses/wrong.csv", CARDS.replace("83582bc9", "aaaaaaaa").replace("2024-03-09", "2024-13-09"))
            assert self.codes(["expense-runner run expenses/"]) == [3]
        if self.page in A_JOURNAL:
            assert self.codes(["expense-runner run expenses/"]) == [0]
        if self.page == "docs/nightly.md":
            night = "expense-runner run --journal /var/lib/expense-runner/expense-runner.db expenses/"
            assert self.codes([night]) == [0]

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o700 if name == "editor" else 0o600)

    def given(self, command: str) -> str:
        """Return a command as it is given here."""
        for pattern, instead in SUBSTITUTED.items():
            command = re.sub(pattern, instead, command)
        for name, value in (("root", str(self.folder)), ("port", self.port), ("hooks", self.hooks)):
            command = command.replace(f"{{{name}}}", value)
        return command

    def codes(self, lines: list[str]) -> list[int]:
        """Give the lines in one shell; return how each ended."""
        given = [f"{self.given(line)}\necho $? >> $HOME/codes" for line in lines]
        script = "\n".join([*given, "pwd > $HOME/where"])
        (self.folder / "codes").unlink(missing_ok=True)
        self.ended = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=self.where,
            env=self.environment,
            input="rehearsal\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        self.where = Path((self.folder / "where").read_text().strip())
        return [int(code) for code in (self.folder / "codes").read_text().split()]

    def start(self, command: str) -> None:
        """Start what goes on until Ctrl-C; a simulator is the one that is spoken to from now on."""
        python = f"exec {sys.executable} -m runner"
        process = subprocess.Popen(
            ["/bin/sh", "-c", self.given(command).replace("expense-runner", python, 1)],
            cwd=self.folder,
            env=self.environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, looked up beforehand
        )
        self.going_on.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", first)
        assert found is not None, (command, first)
        if "simulate" in command:
            self.port = found[1]

    def end(self) -> list[int]:
        """End what goes on with Ctrl-C; return how each ended."""
        for process in self.going_on:
            process.send_signal(signal.SIGINT)
        try:
            return [process.wait(_PATIENCE) for process in self.going_on]
        finally:
            for process in self.going_on:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    with Forked(tmp_path_factory.mktemp("forked")) as running:
        yield running


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_the_page_does_what_it_is_said_to_do(
    page: str, tmp_path: Path, simulator: Simulator, forked: Forked
) -> None:
    urllib.request.urlopen(f"{simulator.url}/_simulator/reset", data=b"", timeout=_PATIENCE).close()
    scenario = Scenario(page, tmp_path, simulator, forked.bin)
    scenario.prepare()
    try:
        for lines in blocks(page, "sh", "cron"):
            _give(scenario, [line for line in lines if not reason_to_skip(line)])
    finally:
        ended = scenario.end()
    assert set(ended) <= {0}


def _give(scenario: Scenario, lines: list[str]) -> None:
    now = [line for line in lines if not LONG.match(line)]
    # What the shell is told before, such as a secret, is for what goes on as well.
    told = "".join(f"{line}; " for line in now if line.startswith("export "))
    for line in lines:
        if LONG.match(line):
            scenario.start(told + line)
    if now:
        expected = [ENDS.get((scenario.page, scenario.given(line)), 0) for line in now]
        ended = scenario.codes(now)
        assert ended == expected, f"{now}\n{scenario.ended.stdout}\n{scenario.ended.stderr}"
        assert "Traceback" not in scenario.ended.stderr


def test_only_a_few_commands_are_skipped_and_each_for_a_reason_that_is_needed() -> None:
    skipped = [line for _, line in COMMANDS if reason_to_skip(line)]
    assert len(skipped) <= 20, skipped
    assert len(skipped) * 6 < len(COMMANDS)
    assert {reason_to_skip(line) for line in skipped} == set(SKIPPED)
    for pattern in SUBSTITUTED:
        assert any(re.search(pattern, line) for _, line in COMMANDS), pattern


def test_modules_that_are_not_run_here_are_there() -> None:
    for _, line in COMMANDS:
        for module in re.findall(r"python -m ((?:benchmarks|tests)[.\w]*)", line):
            file = ROOT / Path(*module.split("."))
            assert file.with_suffix(".py").exists() or (file / "__main__.py").exists(), line
