"""How a provider checks that an address is ours: a request that carries no event."""

from integrations.contract import Provider

#: Methods without a body of events. A provider that declares one of them probes with it.
PROBES = frozenset({"GET", "HEAD", "OPTIONS"})


def is_probe(provider: Provider, method: str) -> bool:
    """Say whether this is the provider's probe: answered 200, never staged, proves nothing."""
    return method in PROBES and method in provider.methods
