"""For how long a request may take before whoever sent it has given up.

What the provider documents (``integrations/senders.py``) less the way there and back. An answer
that comes later is one nobody hears: the sender counts an error and comes again, or never.
"""

from collections.abc import Iterable

from integrations.contract import Provider

from .limits import Limits


def patience_of(provider: Provider, limits: Limits) -> float | None:
    """Return for how many seconds after a request came its sender can still be answered.

    None where our own bounds, of a lookup and of a commit, end sooner anyway.
    """
    within = provider.sender.within
    if within is None:
        return None
    # Never less than half: a way that takes longer than that is a wrong setting.
    left = max(within - limits.travel_seconds, within / 2)
    return left if left < _lookup(limits) + limits.answer_seconds else None


def patience_of_all(providers: Iterable[Provider], limits: Limits) -> float:
    """Return for how many seconds to look up whose request it is: as long as nobody gave up."""
    known = (patience_of(one, limits) for one in providers)
    return min([_lookup(limits), *(one for one in known if one is not None)])


def _lookup(limits: Limits) -> float:
    # Half of it: the commit may take the whole, and an answer is due within 5 s.
    return limits.answer_seconds / 2
