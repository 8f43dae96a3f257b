"""What understanding costs: verify, split and normalise, per provider.

Its recorded samples and the recorded answers of its API, in milliseconds of processor time per
20 KB, beside what the standard library takes to parse the same bytes in the same run:
``python -m benchmarks.understanding``. The best of many rounds counts, so that a busy machine
changes little; the ratio changes least.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from integrations import answers, samples
from integrations.cases import context_of
from integrations.catalogue import heard
from integrations.contract import (
    Delivery,
    Event,
    EventUnsupported,
    PayloadUnrecognised,
    PersonNeeded,
    Provider,
)
from integrations.registry import PROVIDERS
from integrations.samples import TEST_SECRET

#: What the figures are told per, in bytes; and what they are not to exceed, in milliseconds.
BYTES, MOST = 20 * 1024, 2.0
_NOW = 1_789_408_800

Split = Callable[[Delivery], list[Event]]


@dataclass(frozen=True, slots=True)
class Work:
    """Deliveries of one kind and how they are split; ``proven`` ones are verified as well."""

    name: str
    provider: Provider
    deliveries: Sequence[Delivery]
    split: Split
    proven: bool

    @property
    def bytes(self) -> int:
        return sum(len(one.body) for one in self.deliveries)


@dataclass(slots=True)
class Cost:
    """The best seconds of one pass over the deliveries: ours, and the standard library's."""

    ours: float = float("inf")
    parsing: float = float("inf")


def work() -> Iterator[Work]:
    """Return what there is to understand of every provider."""
    for one in map(samples.configured, heard(PROVIDERS.values())):
        signed = [
            samples.signed(it, one, now=_NOW)
            for it in samples.load(one.slug).values()
            if not samples.is_unsigned_question(one, it)
        ]
        yield Work(one.slug, one, signed, one.split, True)
        answered = [samples.answered(body) for body in samples.load_answers(one.slug).values()]
        if answered:
            yield Work(f"{one.slug}, answers", one, answered, answers.split, False)


def understand(item: Work) -> int:
    """Verify, split and normalise each delivery; return how many events had a normaliser."""
    provider, count = item.provider, 0
    bare = context_of(provider)
    for delivery in item.deliveries:
        if item.proven:
            provider.scheme.verify(delivery, (TEST_SECRET,), _NOW)
        context = replace(bare, answered=delivery.answered) if delivery.answered else bare
        try:
            for event in item.split(delivery):
                if normalise := provider.normalisers.get(event.type):
                    count += 1
                    normalise(event, context)
        except (EventUnsupported, PayloadUnrecognised, PersonNeeded):
            # Some samples are not to be understood, or not by us.
            continue
    return count


def parse(item: Work) -> int:
    """Parse each body as the standard library does; return how many it could."""
    count = 0
    for delivery in item.deliveries:
        if "form" in delivery.headers.get("content-type", ""):
            count += bool(parse_qsl(delivery.body.decode("latin-1")))
            continue
        try:
            json.loads(delivery.body)
        except ValueError:
            continue
        count += 1
    return count


def measure(rounds: int) -> list[tuple[Work, Cost]]:
    """Go over all of it in turn, so often, and keep the best of each."""
    found = [(item, Cost()) for item in work()]
    for _ in range(rounds):
        for item, cost in found:
            cost.ours = min(cost.ours, _took(understand, item))
            cost.parsing = min(cost.parsing, _took(parse, item))
    return found


def _took(call: Callable[[Work], int], item: Work) -> float:
    started = time.thread_time()
    call(item)
    return time.thread_time() - started


def main() -> int:
    """Print a row for each; 1 where one costs more than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.understanding", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="the best of so many counts (50)")
    options = parser.parse_args()
    print("| provider | deliveries | bytes | ms / 20 KB | × parsing |\n|---|---|---|---|---|")
    late = 0
    for item, cost in measure(options.rounds):
        taken = cost.ours * 1000 * BYTES / item.bytes
        late += taken > MOST
        print(
            f"| {item.name} | {len(item.deliveries)} | {item.bytes:,} | {taken:.2f} |"
            f" {cost.ours / cost.parsing:.1f} |"
        )
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
