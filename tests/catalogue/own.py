"""A PostgreSQL of a test's own, to be stopped, crashed, filled up and starved of connections.

Its data and its log lie on two small disks in memory where mounting is possible, else beside
other temporary files, and then nothing can fill them up.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from backend_gjango import embedded
from backend_gjango.embedded import postgres
from backend_gjango.embedded.state import APP_ROLE, DATABASE, SUPERUSER

#: Sizes in megabytes: an empty database with all tables takes 60 and two segments of log.
DATA_DISK, LOG_DISK = 200, 80
_SMALL = {"max_wal_size": "32MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}


@dataclass(slots=True)
class Own:
    """A cluster with the product's schema. ``disks`` are its two mounts, if it has any."""

    state: embedded.State
    disks: tuple[Path, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.process = embedded.spawn_postgres(self.state)
        embedded.wait_for(embedded.postgres_answers, self.state, self.process, "postgres.log")

    def stop(self) -> None:
        """Stop it as an administrator does (fast)."""
        if self.process is not None:
            embedded.stop(self.process, signal.SIGINT)

    def crash(self) -> None:
        """Kill every process of it at once, as a power cut does."""
        assert self.process is not None
        postmaster = psutil.Process(self.process.pid)
        # Each has a session of its own.
        family = [postmaster, *postmaster.children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()
        psutil.wait_procs(family, 10)

    def died(self, seconds: float = 20) -> bool:
        """Say whether the server ends by itself in time."""
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is not None

    @contextlib.contextmanager
    def superuser(self) -> Iterator[psycopg.Connection[Any]]:
        """Open an autocommit connection that may do everything."""
        url = self.state.database_url(SUPERUSER, DATABASE)
        with psycopg.connect(url, autocommit=True) as own:
            yield own

    def free(self, disk: int) -> int:
        """Return the free bytes of a disk."""
        return shutil.disk_usage(self.disks[disk]).free

    def fill(self, disk: int, left: int) -> Path:
        """Leave so many bytes of a disk, and return the file that takes the rest."""
        ballast = self.disks[disk] / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.free(disk) - left)
        return ballast


@contextlib.contextmanager
def on(own: Own) -> Iterator[None]:
    """Let Django, and processes that take its database, use this cluster."""
    kept = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(
        {"HOST": str(own.state.sockets), "NAME": DATABASE, "USER": APP_ROLE, "PORT": ""}
    )
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(kept)


def _mount(folder: Path, megabytes: int) -> bool:
    folder.mkdir(mode=0o755)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    return (
        os.getuid() == 0
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


def _move_log(own: Own, to: Path) -> None:
    """Put the server's log on its own disk, as a link that PostgreSQL follows."""
    place = own.state.postgres_data / "pg_wal"
    moved = to / "pg_wal"
    shutil.copytree(place, moved)
    for one in (moved, *moved.rglob("*")):
        shutil.chown(one, place.owner(), place.group())
        one.chmod(0o700 if one.is_dir() else 0o600)
    shutil.rmtree(place)
    place.symlink_to(moved)
    os.chown(to, moved.stat().st_uid, -1)


@contextlib.contextmanager
def own_postgres() -> Iterator[Own]:
    """Run a cluster with the product's schema until the block ends."""
    root = Path(tempfile.mkdtemp(prefix="gjo-"))
    root.chmod(0o755)
    places = ((root / "d", DATA_DISK), (root / "w", LOG_DISK))
    mounted = [folder for folder, size in places if _mount(folder, size)]
    own = Own(embedded.State(root / "d"), tuple(mounted) if len(mounted) == 2 else ())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _SMALL.items():
            patch.setitem(postgres.SETTINGS, name, value)
        try:
            postgres.init_postgres(own.state)
            if own.disks:
                _move_log(own, own.disks[1])
            own.start()
            embedded.make_roles(own.state)
            with on(own):
                call_command("migrate", verbosity=0)
            yield own
        finally:
            own.stop()
            for folder in mounted:
                subprocess.run(["umount", "-l", str(folder)], check=False)
            shutil.rmtree(root, ignore_errors=True)


def unused_slug() -> str:
    """Return the name of an account that the cluster, which nobody empties, does not have."""
    return f"shop-{secrets.token_hex(4)}-{time.monotonic_ns()}"
