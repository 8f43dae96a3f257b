"""Hypothesis strategies: a day of a provider, and the network that brings it to us."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from integrations.contract import Delivery
from integrations.registry import PROVIDERS
from integrations.samples import TEST_URL
from sales.statements import Stated

from .arrivals import Arrival, Site, flat, stated
from .shops import OPENING, SHOPS, Move, Sent, Shop

#: The first thing is received after the last has happened.
RECEIVED = OPENING + timedelta(days=1)
SLUGS = sorted(SHOPS)
moves = st.lists(
    st.builds(Move, st.integers(0, 9), st.integers(0, 2), st.integers(0, 5), st.integers(0, 2)),
    min_size=2,
    max_size=12,
)
#: Everything random beside the moves; a number shrinks badly, but a test of it costs no draws.
seeds = st.integers(0, 10_000)
quick = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
)
thorough = settings(quick, max_examples=200)


@dataclass(frozen=True, slots=True)
class History:
    """A day of a shop as it arrived, in the order of receipt."""

    shop: Shop
    arrivals: Sequence[Arrival]
    chance: random.Random

    @property
    def told(self) -> list[list[Stated]]:
        """What each delivery states."""
        return stated(self.arrivals)

    @property
    def items(self) -> list[Stated]:
        """All statements."""
        return flat(self.told)


def site_of(slug: str, account_id: int, source_id: int) -> Site:
    """Return a source of a simulated provider."""
    return Site(account_id, source_id, PROVIDERS[slug], SHOPS[slug].currency)


def request(sent: Sent) -> Delivery:
    """Return what was sent as a provider's functions take it."""
    return Delivery(
        sent.method, sent.path, sent.query, sent.headers, sent.body, TEST_URL, sent.answered
    )


def on_the_way(sent: Sequence[Sent], chance: random.Random) -> list[Sent]:
    """Bring requests late, out of order and more than once; nothing is lost for good."""
    reach = chance.choice([0, 3, 1000])
    again = [one for one in range(len(sent)) if chance.random() < 0.3]
    late = [(index + chance.random() * reach, index) for index in [*range(len(sent)), *again]]
    return [sent[index] for _, index in sorted(late)]


def _moment(count: int, chance: random.Random) -> datetime:
    # One commit stages several at the same time.
    return RECEIVED + timedelta(seconds=count - count % chance.choice([1, 2, 4]))


def received(site: Site, requests: Sequence[Sent], chance: random.Random) -> list[Arrival]:
    """Stage requests in their order."""
    times = sorted(_moment(count, chance) for count in range(len(requests)))
    return [
        Arrival(UUID(int=(count + 1) << 64 | chance.getrandbits(8)), site, moment, request(one))
        for count, (moment, one) in enumerate(zip(times, requests, strict=True))
    ]


def resent(arrivals: Sequence[Arrival], chance: random.Random) -> list[Arrival]:
    """Return later deliveries of requests that were received before, byte for byte."""
    later = max(arrival.received for arrival in arrivals) if arrivals else RECEIVED
    return [
        replace(old, id=UUID(int=1 << 100 | count), received=later + timedelta(hours=count + 1))
        for count, old in enumerate(chance.choices(arrivals, k=5) if arrivals else ())
    ]


def history(site: Site, played: Sequence[Move], seed: int, *, exact: bool = False) -> History:
    """Let a day happen at a site, and bring it here."""
    chance = random.Random(seed)
    shop = SHOPS[site.provider.slug](exact)
    shop.play(played)
    return History(shop, received(site, on_the_way(shop.sent, chance), chance), chance)
