"""How a provider checks that an address is ours: a request that carries no event."""

from integrations.contract import Delivery, Provider

#: A question if we are here is short; what is longer is a delivery and has to prove itself.
_LONGEST = 512

#: Why a question is kept beside what was refused: a person has to copy its code.
HANDSHAKE = "handshake"

#: Methods without a body of events. A provider that declares one of them probes with it, unless
#: its events stand in the query.
PROBES = frozenset({"GET", "HEAD", "OPTIONS"})


def is_probe(provider: Provider, method: str) -> bool:
    """Say whether this is the provider's probe: answered 200, never staged, proves nothing."""
    brings_events = provider.reads_query and method == "GET"
    return method in PROBES and method in provider.methods and not brings_events


def is_handshake(provider: Provider, delivery: Delivery) -> bool:
    """Say whether this is the question if we are here that a sender asks without proof: answered,
    never staged. What carries any proof is verified instead, unless it is asked with a signature
    that nobody can verify yet."""
    if provider.handshake is None or len(delivery.body) > _LONGEST:
        return False
    is_bare = provider.scheme.headers.isdisjoint(delivery.headers)
    return (is_bare or provider.handshake_signed) and provider.handshake(delivery)
