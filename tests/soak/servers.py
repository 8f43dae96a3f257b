"""PostgreSQL and Valkey of the soak: kept alive, and killed, by us instead of the supervisor."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg

from backend_gjango import embedded

Connection = psycopg.Connection[tuple[object, ...]]

#: Megabytes of the file system on which the database lies, where one can be mounted.
_ROOM = 4096
_TABLESPACE = "small_disk"


class Servers:
    """Both servers; ``tick`` starts again what died. Only the main thread may call it."""

    def __init__(self, *, redis: bool) -> None:
        self.state = embedded.State(Path(tempfile.mkdtemp(prefix="gjp-")))
        self.disk = self.state.root / "disk"
        self.has_disk = False
        self._spawn: dict[str, Callable[[], subprocess.Popen[bytes]]] = {
            "postgres": lambda: embedded.spawn_postgres(self.state)
        }
        if redis:
            self._spawn["valkey"] = lambda: embedded.spawn_valkey(self.state)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start both; the database lies on a small file system of its own, if we may mount one."""
        self.tick()
        self._wait()
        embedded.make_roles(self.state)
        with self.superuser("postgres") as connection:
            # When a row could be seen is asked of the database afterwards.
            connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
            self.has_disk = self._mount()
            if self.has_disk:
                connection.execute(f"CREATE TABLESPACE {_TABLESPACE} LOCATION '{self.disk}'")
                connection.execute(
                    f"ALTER DATABASE {embedded.DATABASE} SET TABLESPACE {_TABLESPACE}"
                )
        embedded.stop(self.processes["postgres"], signal.SIGINT)
        self.tick()
        self._wait()

    def _wait(self) -> None:
        process = self.processes["postgres"]
        embedded.wait_for(embedded.postgres_answers, self.state, process, "postgres.log")
        if "valkey" in self.processes:
            valkey = self.processes["valkey"]
            embedded.wait_for(embedded.valkey_answers, self.state, valkey, "valkey.log")

    def tick(self) -> None:
        """Start what does not run."""
        for name, spawn in self._spawn.items():
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                with contextlib.suppress(BlockingIOError):
                    self.processes[name] = spawn()

    def sockets(self) -> dict[str, str]:
        """Return where each server listens."""
        places = {"postgres": self.state.postgres_socket, "valkey": self.state.valkey_socket}
        return {name: str(places[name]) for name in self._spawn}

    def superuser(
        self, database: str = embedded.DATABASE, *, patience: float = 0.0
    ) -> Connection:  # fmt: skip
        """Connect past every proxy, policy and limit; try for so many seconds."""
        url = self.state.database_url(embedded.SUPERUSER, database)
        deadline = time.monotonic() + patience
        while True:
            try:
                return psycopg.connect(
                    url,
                    autocommit=True,
                    connect_timeout=5,
                    options="-c default_transaction_read_only=off",
                )
            except psycopg.OperationalError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(0.2)

    def kill(self, name: str) -> None:
        """SIGKILL a server and all its children at once: nothing is written after it."""
        process = self.processes[name]
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for one in (parent, *parent.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the master of a server."""
        with contextlib.suppress(ProcessLookupError):
            self.processes[name].send_signal(number)

    def _mount(self) -> bool:
        self.disk.mkdir(mode=0o700)
        mounted = self._mount_command("-t", "tmpfs", "-o", f"size={_ROOM}m", "tmpfs")
        if mounted:
            os.chown(self.disk, self.state.postgres_data.stat().st_uid, -1)
            self.disk.chmod(0o700)
        return mounted

    def _mount_command(self, *options: str) -> bool:
        command = ["mount", *options, str(self.disk)]
        with contextlib.suppress(OSError):
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        return False

    def fill_disk(self) -> None:
        """Leave no room on the file system of the database."""
        usage = shutil.disk_usage(self.disk)
        self._mount_command("-o", f"remount,size={usage.used // 1024 + 8}k")

    def free_disk(self) -> None:
        """Give the room back."""
        self._mount_command("-o", f"remount,size={_ROOM}m")

    def stop(self) -> None:
        """End both and forget their state."""
        for name, number in (("valkey", signal.SIGTERM), ("postgres", signal.SIGINT)):
            if name in self.processes:
                embedded.stop(self.processes[name], number)
        if self.has_disk:
            subprocess.run(["umount", str(self.disk)], capture_output=True, check=False)
        shutil.rmtree(self.state.root, ignore_errors=True)
