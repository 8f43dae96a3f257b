"""How a provider checks that an address is ours: a request that carries no event."""

from integrations.contract import Provider

#: Methods without a body of events. A provider that declares one of them probes with it, unless
#: its events stand in the query.
PROBES = frozenset({"GET", "HEAD", "OPTIONS"})


def is_probe(provider: Provider, method: str) -> bool:
    """Say whether this is the provider's probe: answered 200, never staged, proves nothing."""
    brings_events = provider.reads_query and method == "GET"
    return method in PROBES and method in provider.methods and not brings_events
