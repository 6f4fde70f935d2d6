"""Names and addresses of machines, as far as it matters who can reach them. No look-up is made."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Say whether a name or an address, without brackets, is this machine's own and reached by nobody else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
