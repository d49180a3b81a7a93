"""Names of ports and addresses, as this machine's files and name servers tell them (%P and %I: PF33, PF34)."""

from __future__ import annotations

import socket
from functools import cache


@cache
def service(port: int) -> str:
    """The service at a port, whatever the protocol; its number if there is none."""
    try:
        return socket.getservbyport(port)
    except OSError:
        return str(port)


@cache
def host(address: str) -> str:
    """The host that has an address, IPv4 or IPv6; what is no address, or nobody's, stays as it is."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, address)
            return socket.gethostbyaddr(address)[0]
        except OSError:
            continue
    return address
