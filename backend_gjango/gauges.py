"""What Prometheus reads: the files of all processes added up, and the database as it is now."""

import glob
import os
import shutil
from collections.abc import Iterator
from typing import Any

from django.db import Error
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from tasks import sql
from tasks.metrics import (
    dead_letters_open,
    inbox_state,
    invariants_state,
    reads,
    silences,
    unrouted,
)

from . import env

#: Sessions of other roles hide their age from us, unless pg_read_all_stats was granted.
_DATABASE = """
SELECT coalesce(max(age(backend_xmin)), 0),
       coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8,
       (SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = 'ingest_inbox'::regclass),
       pg_relation_size('ingest_delivery_default'::regclass)
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TEXTS = {
    "gjango_inbox_size": "Deliveries that are not settled",
    "gjango_inbox_held": "Of them, held by a paused source",
    "gjango_inbox_oldest_seconds": "For how long something has been due that nobody took",
    "gjango_inbox_dead_rows": "Rows of the inbox that wait for VACUUM",
    "gjango_dead_letters_open": "Dead letters nobody closed",
    "gjango_unrouted": "Parts of apps' deliveries whose merchant is not connected",
    "gjango_default_partition_bytes": "Staged without a partition of its month; 0 is right",
    "gjango_snapshot_age_transactions": "Transactions since the oldest snapshot in use",
    "gjango_transaction_age_seconds": "Age of the oldest transaction",
    "gjango_invariants_broken": "Invariants that verify found broken",
    "gjango_invariants_age_seconds": "Since the last full pass of verify over every invariant",
    "gjango_disk_used_ratio": "Of the disk that holds the embedded database",
}


def registry() -> CollectorRegistry:
    """Return a registry for one answer."""
    one = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        Everybody(one)
    else:
        one.register(_Ours())
    one.register(Now())
    return one


class Everybody(MultiProcessCollector):
    """The files of the shared directory and of the directories in it: containers have the same
    process numbers, so each service writes into one of its own."""

    def __init__(self, registry: CollectorRegistry, path: str | None = None) -> None:
        super().__init__(registry, path)  # type: ignore[no-untyped-call]

    def collect(self) -> Any:
        """Add the files of all processes up."""
        files = glob.glob(f"{glob.escape(self._path)}/**/*.db", recursive=True)
        return self.merge(files, accumulate=True)  # type: ignore[no-untyped-call]


class _Ours(Collector):
    """The metrics of this process alone, where nobody gave a directory to share."""

    def collect(self) -> Iterator[Metric]:
        yield from (one for one in REGISTRY.collect() if one.name.startswith("gjango_"))


class Now(Collector):
    """Gauges asked for when somebody looks; those of the database are left out while it is away."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the gauges."""
        for name, value in _values():
            yield GaugeMetricFamily(name, _TEXTS[name], value=value)
        yield from _sources()
        yield from _reads()


def _values() -> Iterator[tuple[str, float]]:
    if env.EMBEDDED_DATABASE:
        disk = shutil.disk_usage(env.STATE.root)
        yield "gjango_disk_used_ratio", disk.used / disk.total
    try:
        state = inbox_state()
        yield "gjango_inbox_size", state.size
        yield "gjango_inbox_held", state.held
        yield "gjango_inbox_oldest_seconds", state.oldest
        yield "gjango_dead_letters_open", dead_letters_open()
        yield "gjango_unrouted", unrouted()
        snapshot, transaction, dead, strays = sql.rows(_DATABASE)[0]
        yield "gjango_snapshot_age_transactions", snapshot
        yield "gjango_transaction_age_seconds", transaction
        yield "gjango_inbox_dead_rows", dead or 0
        yield "gjango_default_partition_bytes", strays
        broken, age = invariants_state()
        yield "gjango_invariants_broken", broken
        if age is not None:
            yield "gjango_invariants_age_seconds", age
    except Error:
        return


def _sources() -> Iterator[GaugeMetricFamily]:
    """Return how long sources have been silent. One label more than a source would be too many."""
    names = ["source", "provider"]
    silent = GaugeMetricFamily(
        "gjango_source_silent_seconds", "Since the last delivery of an active source", labels=names
    )
    usual = GaugeMetricFamily(
        "gjango_source_usual_gap_seconds", "Longest pause among its last 20", labels=names
    )
    try:
        for one in silences():
            silent.add_metric([str(one.source), one.provider], one.seconds)
            usual.add_metric([str(one.source), one.provider], one.usual)
    except Error:
        return
    yield silent
    yield usual


def _reads() -> Iterator[GaugeMetricFamily]:
    """Return what waits to be asked of each provider."""
    names = ["provider"]
    pending = GaugeMetricFamily(
        "gjango_fetch_pending", "Objects that wait to be asked for", labels=names
    )
    failing = GaugeMetricFamily(
        "gjango_fetch_failing", "Of them, those that failed again and again", labels=names
    )
    oldest = GaugeMetricFamily(
        "gjango_fetch_oldest_seconds", "Since the oldest of them was asked for", labels=names
    )
    try:
        for one in reads():
            pending.add_metric([one.provider], one.pending)
            failing.add_metric([one.provider], one.failing)
            oldest.add_metric([one.provider], one.oldest)
    except Error:
        return
    yield pending
    yield failing
    yield oldest
