"""Where requests go and where they come from: what is allowed, and what this machine has."""

import socket

from runner.codat.texts import cleaned
from runner.domain.hosts import is_loopback
from runner.errors import ConfigurationWrong

BASE_URL = "https://api.codat.io"


def checked_address(base_url: str) -> str:
    """Return the base URL without a slash at its end.

    Raises `ConfigurationWrong` where it is not https (http is allowed to this machine itself), or carries more
    than a host and a path.
    """
    # Here, because the command line needs no more than the default for its help.
    from yarl import URL  # noqa: PLC0415

    hint = f"Use something like {BASE_URL}; http only to this machine itself."
    try:
        url = URL(base_url)
    except ValueError:
        raise ConfigurationWrong("The base URL cannot be read.", hint=hint) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationWrong("The base URL must begin with https:// and name a host.", hint=hint)
    if url.user is not None or url.password is not None or url.raw_query_string or url.raw_fragment:
        raise ConfigurationWrong("The base URL must not carry a user, a password, a query or a fragment.", hint=hint)
    if url.scheme == "http" and not is_loopback(url.host):
        raise ConfigurationWrong(
            f"The base URL must be https: the key would go unencrypted to {cleaned(url.host, limit=100)}.",
            hint=hint,
        )
    return str(url).rstrip("/")


def checked_source(source: str) -> socket.AddressFamily:
    """Return the family of an address of this machine; raise `ConfigurationWrong` where the machine has it not."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((source, 0))
    except OSError as error:
        raise ConfigurationWrong(
            f"Requests cannot be sent from {source}: {error.strerror or error}.",
            hint="--source-ip takes addresses that this machine has; see: ip address",
        ) from error
    return family
