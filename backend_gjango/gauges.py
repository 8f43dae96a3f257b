"""What Prometheus reads: the files of all processes added up, and the inbox as it is now."""

import os
from collections.abc import Iterator

from django.db import Error
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from tasks.metrics import dead_letters_open, inbox_state, invariants_state


def registry() -> CollectorRegistry:
    """Return a registry for one answer."""
    one = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(one)  # type: ignore[no-untyped-call]
    else:
        one.register(_Ours())
    one.register(Inbox())
    return one


class _Ours(Collector):
    """The metrics of this process alone, where nobody gave a directory to share."""

    def collect(self) -> Iterator[Metric]:
        yield from (one for one in REGISTRY.collect() if one.name.startswith("gjango_"))


class Inbox(Collector):
    """Gauges asked of the database when somebody looks; left out while it is away."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the gauges."""
        for name, text, value in _values():
            yield GaugeMetricFamily(name, text, value=value)


def _values() -> Iterator[tuple[str, str, float]]:
    try:
        state = inbox_state()
        yield "gjango_inbox_size", "Deliveries that are not settled", state.size
        yield "gjango_inbox_held", "Of them, held by a paused source", state.held
        yield "gjango_inbox_oldest_seconds", "Age of the oldest that is due", state.oldest
        yield "gjango_dead_letters_open", "Dead letters nobody closed", dead_letters_open()
        broken, age = invariants_state()
        yield "gjango_invariants_broken", "Invariants that verify found broken", broken
        if age is not None:
            text = "Seconds since the last full pass of verify over every invariant"
            yield "gjango_invariants_age_seconds", text, age
    except Error:
        return
