"""Where the API key is taken from, in which order, and what is refused."""

import os
import sys

import pytest

from runner.cli import _defaults, main
from runner.codat import key_sources
from runner.codat.credential import Credential
from runner.codat.key_sources import KeySources, environment_of_children, find_key
from runner.errors import ConfigurationWrong

KEYS = {name: f"Key-of-the-{name}-0123456789" for name in ("credential", "file", "command", "environment")}


def is_key(credential, name):
    return credential.header() == Credential(KEYS[name]).header()


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def printing(text, *, more=""):
    return f"{sys.executable} -c \"print('{text}'){more}\""


@pytest.fixture
def everywhere(tmp_path):
    """A key in each of the four places, each another one."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    write(folder / "codat-api-key", KEYS["credential"], 0o440)
    return {
        "environ": {
            "CREDENTIALS_DIRECTORY": str(folder),
            "CODAT_API_KEY_FILE": str(write(tmp_path / "key", KEYS["file"])),
            "CODAT_API_KEY": KEYS["environment"],
        },
        "command": printing(KEYS["command"]),
    }


async def test_the_places_are_looked_into_in_the_documented_order(everywhere):
    environ = everywhere["environ"]
    steps = [
        ("credential", "the systemd credential codat-api-key", lambda: environ.pop("CREDENTIALS_DIRECTORY")),
        ("file", "CODAT_API_KEY_FILE", lambda: environ.pop("CODAT_API_KEY_FILE")),
        ("command", "--api-key-command", lambda: everywhere.update(command=None)),
        ("environment", "CODAT_API_KEY", lambda: environ.pop("CODAT_API_KEY")),
    ]
    for name, said, take_away in steps:
        found = await find_key(KeySources(**everywhere))
        assert is_key(found, name)
        assert said in found.source
        assert not any(key in repr(found) + found.source for key in KEYS.values())
        take_away()
    with pytest.raises(ConfigurationWrong, match="No API key"):
        await find_key(KeySources(**everywhere))


async def test_only_the_first_place_is_looked_into(everywhere, tmp_path):
    touched = tmp_path / "touched"
    everywhere["command"] = f"touch {touched}"
    assert is_key(await find_key(KeySources(**everywhere)), "credential")
    assert not touched.exists()


async def refusal_of(path, **more):
    environ = {"CODAT_API_KEY_FILE": str(path), "CODAT_API_KEY": KEYS["environment"], **more}
    with pytest.raises(ConfigurationWrong) as caught:
        await find_key(KeySources(environ=environ))
    assert str(path) in caught.value.message
    assert caught.value.__cause__ is None
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o660])
async def test_a_file_that_others_can_read_or_change_is_refused_and_nothing_else_taken(tmp_path, mode):
    said = await refusal_of(write(tmp_path / "key", KEYS["file"], mode))
    assert f"mode {mode:04o}" in said
    assert "chmod 600" in said
    assert KEYS["file"] not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("x" * 5_000, "too long"),
        ("one\ntwo\n", "several lines"),
        ("schlüssel", "char"),
    ],
)
async def test_a_file_that_cannot_be_a_key_is_refused(tmp_path, text, words):
    assert words in await refusal_of(write(tmp_path / "key", text))


async def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "no regular file" in await refusal_of(tmp_path / "fifo")
    (tmp_path / "folder").mkdir(mode=0o700)
    assert "no regular file" in await refusal_of(tmp_path / "folder")
    assert "No such file" in await refusal_of(tmp_path / "absent")


async def test_the_rights_of_the_group_on_a_systemd_credential_are_its_access_list_but_others_have_none(tmp_path):
    file = write(tmp_path / "another-name", KEYS["file"], 0o440)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "CODAT_API_KEY_FILE": str(file)}
    assert is_key(await find_key(KeySources(environ=environ)), "file")
    file.chmod(0o444)
    assert "mode 0444" in await refusal_of(file, CREDENTIALS_DIRECTORY=str(tmp_path))


async def test_a_symbolic_link_to_a_safe_file_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(write(tmp_path / "key", KEYS["file"] + "\n"))
    environ = {"CODAT_API_KEY_FILE": str(tmp_path / "link")}
    assert is_key(await find_key(KeySources(environ=environ)), "file")


# ---- commands ----


async def command_refused(line):
    with pytest.raises(ConfigurationWrong) as caught:
        await find_key(KeySources(environ={"CODAT_API_KEY": KEYS["environment"]}, command=line))
    return f"{caught.value.message} {caught.value.hint}"


async def test_no_shell_reads_the_command(tmp_path):
    line = f"echo {KEYS['command']}; touch {tmp_path / 'owned'}"
    found = await find_key(KeySources(environ={}, command=line))
    assert found.header() == Credential(line.removeprefix("echo ")).header()
    assert not (tmp_path / "owned").exists()


@pytest.fixture
def input_waiting():
    """Something that could be read from standard input, such as a CSV file."""
    reading, writing = os.pipe()
    os.write(writing, b"company_id,type")
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    yield
    os.dup2(before, 0)
    os.close(before)
    os.close(reading)


async def test_the_command_gets_no_input_and_no_key(monkeypatch, input_waiting):
    monkeypatch.setenv("CODAT_API_KEY", KEYS["environment"])
    code = "import os, sys; print(sys.stdin.read() + os.environ.get('CODAT_API_KEY', 'no-key-in-the-environment'))"
    found = await find_key(KeySources(environ={}, command=f'{sys.executable} -c "{code}"'))
    assert found.header() == Credential("no-key-in-the-environment").header()
    assert "CODAT_API_KEY" not in environment_of_children(os.environ)


async def test_a_command_that_fails_is_refused_even_if_it_printed_something_and_its_words_are_shown_without_that():
    more = ";import sys;print('locked, not Key-of-the-command-0123456789', file=sys.stderr);sys.exit(3)"
    said = await command_refused(printing(KEYS["command"], more=more))
    assert "ended with 3" in said
    assert "locked, not ***" in said
    assert KEYS["command"] not in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pass 'show", "quot"),
        ("   ", "empty"),
        ("/no/such/program show", "cannot be started"),
        ("true", "printed nothing"),
        ("printf 'a\\nb'", "several lines"),
        ("head -c 9000 /dev/zero", "too long"),
    ],
)
async def test_a_command_that_gives_no_key_is_refused(line, words):
    assert words in await command_refused(line)


async def test_a_command_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(key_sources, "PATIENCE", 0.05)
    assert "did not end" in await command_refused("sleep 60")


# ---- the command line ----


@pytest.mark.parametrize("option", ["--api-key", "--api-key=the-Key-itself-0123456", "--codat-api-key", "--key"])
def test_the_key_as_an_option_is_refused_without_being_repeated(option, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", option, "the-Key-itself-0123456"])
    assert ended.value.code == 78
    said = capsys.readouterr()
    assert "never an argument" in said.err
    assert "the-Key-itself" not in said.err + said.out


def test_the_configuration_file_may_say_where_the_key_is_and_not_what_it_is():
    assert _defaults({"api-key-command": "pass show codat"})["run"] == {"api_key_command": "pass show codat"}
    assert _defaults({"verify": {"api_key_command": "vault"}})["verify"] == {"api_key_command": "vault"}
    for name in ("api-key", "codat_api_key", "key"):
        with pytest.raises(ConfigurationWrong, match="does not belong into a file"):
            _defaults({name: KEYS["file"]})
