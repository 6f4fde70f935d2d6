"""Where the API key comes from: one of four places, in a fixed order, and never an argument."""

import asyncio
import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.codat.credential import Credential
from runner.codat.texts import cleaned
from runner.errors import ConfigurationWrong

CREDENTIAL_NAME: Final = "codat-api-key"
"""The file in systemd's folder of credentials."""
LONGEST: Final = 4_096
"""Bytes of a key; Codat's have 40."""
_SECRETS: Final = frozenset({"CODAT_API_KEY", "CODAT_WEBHOOK_SECRET", "CODAT_WEBHOOK_AUTHORIZATION"})
PATIENCE: Final = 60.0
"""Seconds for a command: a person may have to unlock something."""

_NO_KEY = (
    "Put the key from Codat's portal (Developers > API keys) into a file that only you can read, and name it in "
    "CODAT_API_KEY_FILE; or set CODAT_API_KEY, or --api-key-command."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySources:
    """What was said of where the key is; nothing of it is the key but what `environ` may hold."""

    environ: Mapping[str, str] = field(repr=False)
    command: str | None = field(default=None, repr=False)
    """A command line that prints the key; no shell reads it."""

    def given(self) -> "list[Source]":
        """Return the places that were named, the one that counts first."""
        found: list[Source] = []
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        credential = Path(folder, CREDENTIAL_NAME) if folder else None
        if credential is not None and _stands_there(credential):
            found.append(InFile(f"the systemd credential {CREDENTIAL_NAME}", credential, kept_by_systemd=True))
        if named := self.environ.get("CODAT_API_KEY_FILE"):
            file = Path(named)
            kept = folder is not None and file.is_relative_to(folder)
            found.append(InFile(f"the file {file} (CODAT_API_KEY_FILE)", file, kept_by_systemd=kept))
        if self.command:
            found.append(FromCommand("the command of --api-key-command", self.command))
        if text := self.environ.get("CODAT_API_KEY"):
            found.append(FromEnvironment("CODAT_API_KEY", text))
        return found


@dataclass(frozen=True, slots=True)
class InFile:
    """A file that holds the key."""

    name: str
    path: Path
    kept_by_systemd: bool = False
    what: str = "API key"
    """What it holds, for the error messages."""

    async def read(self) -> str:
        """Return the key; raise `ConfigurationWrong` where the file is not one that only its owner can read."""
        return _read_file(self)


@dataclass(frozen=True, slots=True)
class FromCommand:
    """A command that prints the key, such as `pass show codat` or `keyring get codat key`."""

    name: str
    line: str = field(repr=False)

    async def read(self) -> str:
        """Return the key; raise `ConfigurationWrong` where the command fails or prints something else."""
        return await _asked(self.line)


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """A variable of the environment, which nobody can change from outside while the process lives."""

    name: str
    text: str = field(repr=False)

    async def read(self) -> str:
        """Return the key."""
        return self.text


Source = InFile | FromCommand | FromEnvironment


async def find_key(sources: KeySources) -> Credential:
    """Return the key of the first place that was named.

    A place that was named and cannot be used is an error, even if the next one could be: another account's key may
    stand there. Raises `ConfigurationWrong`, also where no place was named.
    """
    given = sources.given()
    if not given:
        raise ConfigurationWrong("No API key: nothing says where it is.", hint=_NO_KEY)
    return await _read_source(given[0])


async def _read_source(source: Source) -> Credential:
    """Return the key of one place; every error names the place. Raises `ConfigurationWrong`."""
    text = await source.read()
    try:
        return Credential(text, source=source.name)
    except ConfigurationWrong as error:
        message = error.message
    # Not chained: what is raised here shall not carry the text along.
    raise ConfigurationWrong(
        f"{message} It comes from {source.name}.", hint="Copy it again from Codat's portal, as one line."
    )


def _stands_there(path: Path) -> bool:
    """Say whether there is a file; one that cannot be looked at is there, so that nothing else is taken instead."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def environment_of_children(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for other programs: without the key, and without what verifies webhooks."""
    return {name: value for name, value in environ.items() if name not in _SECRETS}


# ---- files ----


def _read_file(source: InFile) -> str:
    try:
        # Not blocking: a FIFO without a writer would wait for ever.
        descriptor = os.open(source.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationWrong(
            f"The {source.what} cannot be read from {source.name}: {error.strerror}.",
            hint="Name a file that this user can read.",
        ) from None
    try:
        facts = os.fstat(descriptor)
        for problem in _unsafe(source, facts):
            raise problem
        content = os.read(descriptor, LONGEST + 1)
    finally:
        os.close(descriptor)
    return _one_line(content, source.name)


def _unsafe(source: InFile, facts: os.stat_result) -> Iterator[ConfigurationWrong]:
    """Yield what forbids to take a key from this file."""
    if not stat.S_ISREG(facts.st_mode):
        yield ConfigurationWrong(
            f"The {source.what} is not read from {source.name}: it is no regular file.",
            hint="Use --api-key-command for a program that prints the key.",
        )
    # systemd gives a service's user access by an ACL, whose mask stands where the group's rights do.
    forbidden = 0o007 if source.kept_by_systemd else 0o077
    mode = stat.S_IMODE(facts.st_mode)
    if mode & forbidden:
        yield ConfigurationWrong(
            f"The {source.what} is not read from {source.name}: other users can read or change it (mode {mode:04o}).",
            hint=f"Take it away from them with: chmod 600 {shlex.quote(str(source.path))} - and if others have been on "
            "this machine, make a new key in Codat's portal.",
        )


def _one_line(content: bytes, name: str) -> str:
    """Return the only line of what should be a key."""
    if len(content) > LONGEST:
        raise ConfigurationWrong(f"What {name} holds is too long for an API key.", hint=_NO_KEY)
    if len(content.strip().splitlines()) > 1:
        raise ConfigurationWrong(
            f"What {name} holds has several lines: an API key is one.", hint="Leave nothing there but the key."
        )
    # What is no ASCII is refused with the key's other characters.
    return content.decode("ascii", errors="replace")


# ---- commands ----


async def _asked(line: str) -> str:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ConfigurationWrong(
            f"The command that prints the API key cannot be read: {error}.", hint="Look at the quotes."
        ) from None
    if not words:
        raise ConfigurationWrong("The command that prints the API key is empty.", hint="Check --api-key-command.")
    try:
        code, out, said = await _output(words)
    except TimeoutError:
        raise ConfigurationWrong(
            f"The command that prints the API key did not end within {PATIENCE:.0f} seconds: {words[0]}.",
            hint="Try it by itself. It gets no input; what it asks a person must go another way.",
        ) from None
    except OSError as error:
        raise ConfigurationWrong(
            f"The command that prints the API key cannot be started: {words[0]}: {error.strerror}.",
            hint="It is started as it stands, without a shell: a pipe needs sh -c '…'.",
        ) from None
    if code != 0:
        words_of_it = _said(said, out)
        raise ConfigurationWrong(
            f"The command that prints the API key ended with {code}: {words[0]}.{words_of_it}",
            hint="Try it by itself.",
        )
    if not out.strip():
        raise ConfigurationWrong(f"The command that prints the API key printed nothing: {words[0]}.")
    return _one_line(out, f"the output of {words[0]}")


async def _output(words: list[str]) -> tuple[int, bytes, bytes]:
    """Run the command without a shell and without input; return its exit code and the beginnings of both streams."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    environ = environment_of_children(os.environ)
    process = await asyncio.create_subprocess_exec(*words, stdin=nothing, stdout=pipe, stderr=pipe, env=environ)
    try:
        async with asyncio.timeout(PATIENCE):
            out, said = await asyncio.gather(_beginning(process.stdout), _beginning(process.stderr))
            return await process.wait(), out, said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _beginning(stream: asyncio.StreamReader | None) -> bytes:
    """Read to the end and keep the beginning: a command that waits to be read would never end."""
    kept = b""
    while stream is not None and (read := await stream.read(65_536)):
        kept = (kept + read)[: LONGEST + 1]
    return kept


def _said(errors: bytes, out: bytes) -> str:
    """Return what the command said, without anything that it printed."""
    text = errors.decode("utf-8", errors="replace")
    for secret in sorted({*out.decode("utf-8", errors="replace").split()}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return f" It said: {cleaned(text, limit=300)}" if text.strip() else ""
