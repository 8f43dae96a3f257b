"""Request headers as they are kept: a raw block, without what must not be kept."""

from collections.abc import Collection, Iterable
from functools import lru_cache

from integrations.contract import MERCHANT

#: Never stored as sent: credentials, what proxies add, and a name that only we may give.
DENIED = frozenset(
    f"{MERCHANT} authorization proxy-authorization cookie connection keep-alive transfer-encoding "
    "te forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port "
    "x-forwarded-server x-real-ip via".split()
)
LIMIT = 8192

Pairs = Iterable[tuple[bytes, bytes]]


def encode(pairs: Pairs, *, hidden: Collection[str] = (), limit: int = LIMIT) -> bytes:
    """Return the block ``name: value\\r\\n``, in the order received.

    Denied and ``hidden`` names (lower case) are left out; so is whatever goes beyond the limit
    (bytes), the longest header first, because the short ones are what normalisers read.
    """
    denied = _denied(frozenset(hidden))
    out = [name + b": " + value + b"\r\n" for name, value in pairs if name.lower() not in denied]
    block = b"".join(out)
    while len(block) > limit:
        out.remove(max(out, key=len))
        block = b"".join(out)
    return block


@lru_cache(maxsize=64)
def _denied(hidden: frozenset[str]) -> frozenset[bytes]:
    return frozenset(name.encode("latin-1") for name in DENIED | hidden)


def decode(block: bytes) -> dict[str, str]:
    """Return a stored block as lower-case names and text of one character per byte."""
    lines = bytes(block).split(b"\r\n")
    return joined(line.split(b": ", 1) for line in lines if line)  # type: ignore[misc]


def joined(pairs: Pairs) -> dict[str, str]:
    """Return headers as a mapping; the values of a repeated header are joined by ``", "``."""
    result: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        result[key] = f"{result[key]}, {text}" if key in result else text
    return result
