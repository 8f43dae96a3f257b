"""To which addresses we connect: those of the internet, checked and connected to in one go.

A name is resolved once, every address of it is checked, and the socket goes to a checked one: a
name that answers differently the next time gains nothing.
"""

import ipaddress
import socket
import time
from collections.abc import Sequence

#: Networks in IPv6 that carry an IPv4 address within: (network, bits behind it).
_CARRIERS = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)


class AddressRefused(OSError):
    """A host is known under an address that is not of the internet."""


def is_public(text: str) -> bool:
    """Say whether an address is one of the internet, whatever it is wrapped in."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or _carried(address)
        if inner is not None:
            return is_public(str(inner))
        if int(address) < 2**32:  # ::1, ::, and the deprecated ::a.b.c.d
            return False
    return address.is_global and not address.is_multicast


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    for network, behind in _CARRIERS:
        if address in network:
            return ipaddress.IPv4Address((int(address) >> behind) & 0xFFFFFFFF)
    return None


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host. Raises AddressRefused, and OSError where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    refused = [one for one in addresses if not is_public(one)]
    if refused or not addresses:
        raise AddressRefused(f"{host}: not an address of the internet")
    return addresses


def connect(addresses: Sequence[str], port: int, seconds: float) -> socket.socket:
    """Connect to the first address that answers, within so many seconds in all. Raises OSError."""
    deadline = time.monotonic() + seconds
    last: OSError = TimeoutError("no time left to connect")
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=left)
        except OSError as error:
            last = error
    raise last
