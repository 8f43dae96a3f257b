"""Names of hosts as a person writes them into a setting."""

import re
from collections.abc import Sequence

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")


def read_host(text: str) -> str:
    """Return a host, from its name or its https address. Raises ValueError.

    An IP address, a port, a user or a path is no name; what is not ASCII is written as IDNA.
    """
    bare = text.strip().lower().removeprefix("https://").removesuffix("/")
    try:
        host = bare if bare.isascii() else bare.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(text) from error
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise ValueError(text)
    return host


def read_account(text: str, domains: Sequence[str]) -> str:
    """Return the host of an account at one of these domains (``.retailcrm.ru``): from its own part
    of the name (then at the first of them), the whole name, or the address. Raises ValueError.
    """
    bare = text.strip().lower()
    host = read_host(bare if "." in bare else f"{bare}{domains[0]}")
    own = [host.removesuffix(domain) for domain in domains if host.endswith(domain)]
    if not own or not own[0] or "." in own[0]:
        raise ValueError(text)
    return host
