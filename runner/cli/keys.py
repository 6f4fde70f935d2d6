"""The API key of a command: found in one place, named, and hidden from everything that is written."""

import asyncio
import os
import sys

import click

from runner.cli.options import KEY_COMMAND
from runner.codat.credential import Credential
from runner.codat.key_sources import KeySources, find_key
from runner.errors import ConfigurationWrong
from runner.logs import get_log, hide_with


def key_sources() -> KeySources:
    """Return what the command's options and the environment say of where the key is."""
    context = click.get_current_context(silent=True)
    meta = {} if context is None else context.meta
    return KeySources(environ=os.environ, command=meta.get(KEY_COMMAND))


def read_credential() -> Credential:
    """Return the API key from the first place that was named; raise `ConfigurationWrong` where it cannot be used."""
    credential = asyncio.run(find_key(key_sources()))
    keep_secret(credential)
    get_log().info("key_found", source=credential.source)
    return credential


def keep_secret(credential: Credential) -> None:
    """Hide the key from all that is written from now on; raise `ConfigurationWrong` where it is an argument."""
    hide_with(credential.hidden)
    if any(credential.hidden(each) != each for each in sys.argv[1:]):
        raise ConfigurationWrong(
            "The API key stands among the arguments, where every user of this machine can read it.",
            hint="Take it out of there, and make a new key in Codat's portal: this one may be known by now.",
        )
