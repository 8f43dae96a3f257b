"""Derive every sale again from staging, beside the live tables: compare, and copy over on demand.

One account after the other, so that nothing grows with the number of accounts. Live sales go on
being settled; only what differs is looked at once more, in short moments without settlers.
"""

from sales import beside

from ..understanding import Providers
from .meanwhile import Meanwhile, SettingsChanged
from .reading import Reader, Tell
from .report import Report
from .session import Busy, NotAllowed, session
from .walking import Walk, in_scope

__all__ = [
    "Busy",
    "NotAllowed",
    "Report",
    "SettingsChanged",
    "Tell",
    "Walk",
    "prepare",
    "session",
]


def prepare(
    account: int,
    slug: str,
    *,
    providers: Providers | None = None,
    source: int | None = None,
    tell: Tell = lambda phase, done: None,
) -> Walk:
    """Derive an account's sales anew beside the live ones; return the way through both.

    Needs the session of ``session()``. With ``source`` only that source's rows are compared and
    copied, though all are derived: sales of two sources may be one. Raises database errors.
    """
    reader = Reader(account, providers or registered(), tell)
    meanwhile = Meanwhile(reader)
    in_scope(account, lambda: beside.make(account))
    reader.begin()
    meanwhile.begin()
    for one in in_scope(account, meanwhile.sources):
        reader.read(one)
    in_scope(account, beside.settle_seeds)
    beside.analyse()
    return Walk(meanwhile, slug, source)


def registered() -> Providers:
    """Return the providers of this installation."""
    from integrations.registry import PROVIDERS

    return PROVIDERS
