"""What processes have counted: read as /metrics reads it, from the files that they share."""

import time
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector


@dataclass(frozen=True, slots=True)
class Counted:
    """A directory of counters (``PROMETHEUS_MULTIPROC_DIR``)."""

    folder: Path

    def value(self, name: str, **labels: str) -> float:
        """Return a counter or gauge now; 0 where nobody has counted yet."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self.folder))  # type: ignore[no-untyped-call]
        return registry.get_sample_value(name, labels) or 0.0

    def reaches(self, least: float, name: str, *, seconds: float = 10.0, **labels: str) -> bool:
        """Say whether a value gets so high in time."""
        deadline = time.monotonic() + seconds
        while self.value(name, **labels) < least:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True
