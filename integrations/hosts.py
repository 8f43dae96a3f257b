"""Names of hosts as a person writes them into a setting."""

import re

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
