"""`--webhooks`: where Codat's webhooks are received, and what tells them from others'."""

import asyncio
import os
from pathlib import Path
from typing import Any

import click

from runner.cli.options import F
from runner.codat.key_sources import InFile
from runner.codat.listening import Address, Reception
from runner.codat.webhooks import Inbound

SECRET = "CODAT_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
AUTHORIZATION = "CODAT_WEBHOOK_AUTHORIZATION"
CREDENTIALS = {SECRET: "codat-webhook-secret", AUTHORIZATION: "codat-webhook-authorization"}
"""The files in systemd's folder of credentials."""


class AddressType(click.ParamType[Address]):
    """`HOST:PORT`, with brackets around an IPv6 address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:  # noqa: ANN401 - click's own signature
        """Return host and port."""
        if isinstance(value, Address):
            return value
        host, colon, port = str(value).strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (colon and host and port.isdecimal() and int(port) <= 65_535):
            self.fail(f"{value!r} is no address: write HOST:PORT, such as 127.0.0.1:8080.", param, ctx)
        return Address(host, int(port))


def webhook_option(command: F) -> F:
    """Add `--webhooks`."""
    return click.option(
        "--webhooks",
        type=AddressType(),
        default=None,
        metavar="HOST:PORT",
        envvar="EXPENSE_RUNNER_WEBHOOKS",
        help=f"Receive Codat's webhooks here and ask less often; {SECRET} or {AUTHORIZATION} verifies them.",
    )(command)


def read_reception(address: Address | None) -> Reception | None:
    """Return where and how webhooks are received; None without an address.

    Each secret is that of a systemd credential, else of the file that the variable with `_FILE` names, else of the
    variable. Raises `ConfigurationWrong` where nothing is known that verifies them, or a file cannot be used.
    """
    if address is None:
        return None
    return Reception(address, Inbound(_secret(SECRET).split(), _secret(AUTHORIZATION) or None))


def _secret(variable: str) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, CREDENTIALS[variable]) if folder else None
    if credential is not None and credential.exists():
        return _read(f"the systemd credential {credential.name}", credential, kept_by_systemd=True)
    if named := os.environ.get(f"{variable}_FILE"):
        kept = folder is not None and Path(named).is_relative_to(folder)
        return _read(f"the file {named} ({variable}_FILE)", Path(named), kept_by_systemd=kept)
    return os.environ.get(variable, "")


def _read(name: str, path: Path, *, kept_by_systemd: bool) -> str:
    return asyncio.run(InFile(name, path, kept_by_systemd=kept_by_systemd, what="webhook secret").read()).strip()
