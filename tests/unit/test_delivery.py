"""Notices leave: by a command without a shell, by POST, into a file; what fails says so and leaves nothing behind."""

import contextlib
import json
import os
import re
import select
import shlex
import socket
import stat
import threading
import time
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from runner.cli import _defaults, cli
from runner.cli.notice_options import AUTHORIZATION, read_notices
from runner.delivery.command import SUMMARY, TEXT, ByCommand
from runner.delivery.file import ToFile
from runner.delivery.message import Message, NotDelivered
from runner.delivery.webhook import ToWebhook, checked_url
from runner.errors import ConfigurationWrong, RefusedToStart

MESSAGE = Message("1 company held", "1 company held: why\n  c-1\n", b'{"notice": 1}')
BIG = Message("s", "t", json.dumps({"x": "y" * 300_000}).encode())


def by_command(*words, timeout=20.0):
    return ByCommand(words=words, environ=dict(os.environ), timeout=timeout)


# ---- command ----


def test_a_command_gets_the_json_on_its_input_and_the_words_in_its_environment(tmp_path):
    out = tmp_path / "out"
    by_command("sh", "-c", f'cat > "$0"; printf "%s|%s" "${SUMMARY}" "${TEXT}" >> "$0"', str(out)).deliver(MESSAGE)
    assert out.read_text() == '{"notice": 1}\n1 company held|1 company held: why\n  c-1\n'


def test_a_command_that_reads_nothing_is_no_trouble_however_long_the_notice():
    by_command("true").deliver(BIG)


def test_a_failing_command_is_quoted_without_control_characters():
    with pytest.raises(NotDelivered, match=r"It ended with 3. It said: 'no  \[31mroute'.") as caught:
        by_command("sh", "-c", "printf 'no \\033[31mroute\\n' >&2; exit 3").deliver(MESSAGE)
    assert "\033" not in caught.value.message


def test_a_command_that_hangs_is_killed_with_all_that_it_started(tmp_path):
    began = time.monotonic()
    os.mkfifo(tmp_path / "alive")
    end = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(NotDelivered, match="did not end within"):
            by_command("sh", "-c", f"sleep 300 > {tmp_path}/alive & wait", timeout=0.3).deliver(MESSAGE)
        # The pipe ends with the last process that has it open.
        assert select.select([end], [], [], 20.0)[0]
    finally:
        os.close(end)
    assert time.monotonic() - began < 20


def test_a_child_that_outlives_the_command_keeps_nobody_waiting():
    began = time.monotonic()
    by_command("sh", "-c", "sleep 10 & exit 0").deliver(MESSAGE)
    assert time.monotonic() - began < 5


def test_a_command_that_cannot_be_started_says_so(tmp_path):
    (tmp_path / "not").write_text("")
    with pytest.raises(NotDelivered, match="could not be started: Permission denied"):
        by_command(str(tmp_path / "not")).deliver(MESSAGE)


# ---- file ----


def test_a_file_grows_by_a_line_for_each_notice_and_is_its_owner_s(tmp_path):
    path = tmp_path / "n.jsonl"
    before = os.umask(0)
    try:
        for _ in range(2):
            ToFile(path).deliver(MESSAGE)
    finally:
        os.umask(before)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"notice": 1}] * 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_half_a_line_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "n.jsonl"
    ToFile(path).deliver(MESSAGE)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))
    with pytest.raises(NotDelivered, match="disk is full"):
        ToFile(path).deliver(MESSAGE)
    assert path.read_bytes() == MESSAGE.json + b"\n"


def test_what_is_no_regular_file_is_not_written(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("pipe", "link", "no/folder"):
        with pytest.raises(NotDelivered):
            ToFile(tmp_path / name).deliver(MESSAGE)
    assert not (tmp_path / "elsewhere").exists()


# ---- webhook ----


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, body, self.headers))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.got, server.answers = [], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def hook(server, **how):
    url = f"http://127.0.0.1:{server.server_port}/services/SECRET"
    return ToWebhook(url=url, timeout=5.0, pause=0.0, **how)


def test_a_webhook_gets_the_json_and_what_authorizes_it(receiver):
    hook(receiver, authorization="Bearer abc").deliver(MESSAGE)
    ((path, body, headers),) = receiver.got
    assert (path, body) == ("/services/SECRET", MESSAGE.json)
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("answers", "tries", "fails"),
    [([503], 2, False), ([503, 503], 2, True), ([429], 2, False), ([400], 1, True), ([302], 1, True)],
)
def test_a_webhook_is_tried_once_more_where_that_may_help_and_never_follows(receiver, answers, tries, fails):
    receiver.answers = list(answers)
    with pytest.raises(NotDelivered) if fails else contextlib.nullcontext() as caught:
        hook(receiver).deliver(MESSAGE)
    assert [path for path, *_ in receiver.got] == ["/services/SECRET"] * tries
    if fails:
        assert caught.value.message == f"It answered {answers[-1]}."


def test_a_receiver_that_is_not_there_or_never_answers_gives_nothing_away():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = ToWebhook(url=f"http://127.0.0.1:{silent.getsockname()[1]}/SECRET", timeout=0.1, pause=0.0)
        with pytest.raises(NotDelivered, match="did not answer within") as hung:
            slow.deliver(MESSAGE)
    with pytest.raises(NotDelivered, match="could not be reached") as gone:
        slow.deliver(MESSAGE)
    assert "SECRET" not in hung.value.message + gone.value.message + slow.shown + repr(slow)


@pytest.mark.parametrize(
    "url", ["https://hooks.example/x?y=1", "http://127.0.0.1:9/x", "http://[::1]/", "http://localhost"]
)
def test_https_and_loopback_are_places_for_notices(url):
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/SECRET",
        "https://me:SECRET@hooks.example",
        "ftp://SECRET",
        "SECRET",
        "https://",
        "http://[SECRET",
    ],
)
def test_other_places_are_refused_without_being_repeated(url):
    with pytest.raises(ConfigurationWrong) as caught:
        checked_url(url)
    assert "SECRET" not in caught.value.message


# ---- options ----


def test_the_tables_in_the_guide_set_the_options_of_every_command_that_tells():
    guide = (Path(__file__).resolve().parents[2] / "docs/notices.md").read_text(encoding="utf-8")
    tables = re.findall(r"^```toml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert len(tables) == 2
    for table in tables:
        values = tomllib.loads(table)
        set_ = _defaults(values)
        expected = {f"notify_{key.replace('-', '_')}": value for key, value in values["notify"].items()}
        assert set_["run"] == set_["notify"]["check"] == expected
        assert set_["notify"]["test"].items() <= expected.items()
        assert "sh" not in values["notify"]["command"] or shlex.split(values["notify"]["command"])[:2] == ["sh", "-c"]


@pytest.mark.parametrize("table", [{"comand": "x"}, {"webhook-key": "x"}, {"test": {"command": "x"}}])
def test_what_no_option_of_notices_is_called_is_a_wrong_setting(table):
    with pytest.raises(ConfigurationWrong):
        _defaults({"notify": table})


def options(**given):
    empty = {"notify_command": None, "notify_webhook": None, "notify_file": None, "notify_timeout": 30.0}
    return {**empty, **given, "other": 1}


def test_without_a_way_out_there_are_no_notices(tmp_path):
    given = options()
    assert read_notices(given, journal=tmp_path / "j.db") is None
    assert given == {"other": 1}


def test_the_command_gets_no_secret(tmp_path, monkeypatch):
    for name in ("CODAT_API_KEY", "CODAT_WEBHOOK_SECRET", AUTHORIZATION, "EXPENSE_RUNNER_NOTIFY_WEBHOOK"):
        monkeypatch.setenv(name, "SECRET")
    found = read_notices(options(notify_command="sh -c 'exit 0'"), journal=tmp_path / "j.db")
    (channel,) = found.channels
    assert channel.words == ("sh", "-c", "exit 0")
    assert "SECRET" not in channel.environ.values()
    assert "exit 0" not in channel.shown


@pytest.mark.parametrize("line", ["no-such-program-here", "sh 'open", " "])
def test_a_command_that_cannot_be_one_is_a_wrong_setting(line, tmp_path):
    with pytest.raises(ConfigurationWrong, match="command for notices"):
        read_notices(options(notify_command=line), journal=tmp_path / "j.db")


def test_a_journal_is_no_file_for_notices(tmp_path):
    (tmp_path / "j.db").write_bytes(b"SQLite format 3\0...")
    with pytest.raises(RefusedToStart, match="is a database"):
        read_notices(options(notify_file=tmp_path / "j.db"), journal=tmp_path / "j.db")


def test_without_a_way_out_there_is_nothing_to_try(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationWrong, match="no way out"):
        cli.main(["notify", "test"], standalone_mode=False)
