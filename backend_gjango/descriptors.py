"""How many connections a process may hold: the usual soft limit of 1024 is a sender's prank."""

import resource

#: As in deploy/systemd/gjango-receiver.service.
WANTED = 65_536


def raise_limit() -> int:
    """Let this process open as many files as it is allowed to, up to 65 536; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
