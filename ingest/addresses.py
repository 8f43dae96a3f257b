"""Whose address a request came from, which ones a source takes, and how often one may fail."""

import ipaddress
import time
from collections.abc import Collection, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from .limits import Limits

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks_of(listed: Sequence[str]) -> tuple[Network, ...]:
    """Read addresses and networks (``203.0.113.7``, ``2001:db8::/32``). Raises ValueError."""
    return tuple(ipaddress.ip_network(one.strip(), strict=False) for one in listed)


def heard_networks(listed: Any) -> tuple[Network, ...] | None:
    """Return the networks of a source's setting, None where it hears all.

    One that nobody can read lets nobody in.
    """
    try:
        return None if listed is None else networks_of(listed)
    except (ValueError, TypeError, AttributeError):
        return ()


def is_within(address: str, networks: Collection[Network]) -> bool:
    """Say whether an address lies in one of the networks; what is no address lies in none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in network for network in networks)


def peer_of(scope: MutableMapping[str, Any]) -> str:
    """Return the address of whoever opened the connection; empty for a Unix socket."""
    client = scope.get("client")
    return client[0] if client else ""


class TrustedProxies:
    """The proxies (addresses or networks) whose X-Forwarded-For is believed."""

    def __init__(self, listed: Sequence[str]) -> None:
        """Take addresses and networks. Raises ValueError for anything else."""
        self._networks = networks_of(listed)
        self.trusts = lru_cache(maxsize=1024)(self._trusts)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            # A Unix socket has no address; whoever may open it is on this machine.
            return not address
        return any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded: str) -> str:
        """Return the last address of the chain that is not one of our proxies.

        ``forwarded`` is the value of X-Forwarded-For; a client can write what it likes into its
        left end, so it is read from the right, and only behind a trusted peer.
        """
        address = peer
        for hop in reversed(forwarded.split(",") if forwarded else []):
            if not self.trusts(address):
                break
            address = hop.strip()[:64]
        return address


class Buckets:
    """A token bucket per key, in a bounded table."""

    def __init__(self, per_minute: int, rows: int) -> None:
        self._capacity = float(per_minute)
        self._rows = rows
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> float:
        """Count one; return 0, or after how many seconds there is room for the next one."""
        now = time.monotonic()
        left, at = self._buckets.pop(key, (self._capacity, now))
        left = min(self._capacity, left + (now - at) * self._capacity / 60)
        while len(self._buckets) >= self._rows:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = (max(left - 1, 0.0), now)
        return 0.0 if left >= 1 else (1 - left) * 60 / self._capacity


class Refusals(Buckets):
    """How many refusals one address may draw."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits.refusals_per_minute, limits.refusal_addresses)
