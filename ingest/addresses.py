"""Whose address a request came from, and how many refusals one address may draw."""

import ipaddress
import time
from collections.abc import Sequence
from functools import lru_cache

from .limits import Limits

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """The proxies (addresses or networks) whose X-Forwarded-For is believed."""

    def __init__(self, listed: Sequence[str]) -> None:
        """Take addresses and networks. Raises ValueError for anything else."""
        self._networks: list[Network] = [ipaddress.ip_network(one, strict=False) for one in listed]
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


class Refusals:
    """A token bucket per address, in a bounded table."""

    def __init__(self, limits: Limits) -> None:
        self._capacity = float(limits.refusals_per_minute)
        self._rows = limits.refusal_addresses
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, address: str) -> float:
        """Count one refusal; return 0, or after how many seconds the next one is answered."""
        now = time.monotonic()
        left, at = self._buckets.pop(address, (self._capacity, now))
        left = min(self._capacity, left + (now - at) * self._capacity / 60)
        while len(self._buckets) >= self._rows:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[address] = (max(left - 1, 0.0), now)
        return 0.0 if left >= 1 else (1 - left) * 60 / self._capacity
