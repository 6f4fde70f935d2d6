"""Whether Codat can be reached at all, and if not, what is in the way: name, network, or certificate."""

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from runner.codat.address import checked_address
from runner.doctor.findings import Finding, problem, well
from runner.errors import ExitCode

PATIENCE: Final = 10.0
"""Seconds."""


async def reached(base_url: str) -> Sequence[Finding]:
    """Connect as a request would, and send nothing. Raises `ConfigurationWrong` for an address that no run takes."""
    url = urlsplit(checked_address(base_url))
    secure = url.scheme == "https"
    port = url.port or (443 if secure else 80)
    host = url.hostname or ""
    where = f"{host}, port {port}"
    try:
        async with asyncio.timeout(PATIENCE):
            context = ssl.create_default_context() if secure else None
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except socket.gaierror:
        return [_in_the_way(f"The name {host} cannot be resolved (DNS).", "Look at the network and its name servers.")]
    except ssl.SSLCertVerificationError as error:
        return [
            _in_the_way(
                f"The certificate of {where} is not trusted (TLS): {error.verify_message}.",
                "Something between may open encrypted connections. If that is your company's, name its certificates "
                "in SSL_CERT_FILE; else do not send your key through it.",
            )
        ]
    except ssl.SSLError as error:
        return [_in_the_way(f"No encryption can be agreed on with {where} (TLS): {error.args[-1]}.", _FIREWALL)]
    except TimeoutError:
        return [_in_the_way(f"{where} does not answer within {PATIENCE:.0f} seconds.", _FIREWALL)]
    except OSError as error:
        return [
            _in_the_way(
                f"{where} cannot be connected to: {os.strerror(error.errno) if error.errno else error}.", _FIREWALL
            )
        ]
    writer.transport.abort()
    return [well("api", f"{base_url} can be reached.")]


_FIREWALL: Final = "Let this machine connect there directly: look at firewalls between."


def _in_the_way(message: str, fix: str) -> Finding:
    if any(name.lower() in {"https_proxy", "http_proxy", "all_proxy"} and os.environ[name] for name in os.environ):
        fix += " A proxy is set in the environment: this program does not use it."
    # A run would leave its companies to a later one.
    return problem("api", message, fix, ExitCode.WORK_REMAINS)
