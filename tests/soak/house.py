"""The whole product under test: servers of ours, proxies in front of them, the supervisor."""

import base64
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from backend_gjango import embedded
from tests import faults
from tests.stack import ROOT, Stack

from .model import Till
from .network import Network
from .sender import Address
from .servers import Servers
from .workload import TILLS

#: Nobody listens there.
_NO_REDIS = "redis://127.0.0.1:1/0"
_GIVEN = frozenset({"shopify", "square"})


class House:
    """One installation: what the faults strike and the senders tell."""

    def __init__(self, *, redis: bool, defects: Sequence[str] = ()) -> None:
        self.redis = redis
        self.servers = Servers(redis=redis)
        self._defects = defects
        self.addresses: dict[str, Address] = {}
        self.ids: dict[str, int] = {}
        self.tokens: dict[str, str] = {}

    def start(self) -> None:
        """Start everything and connect the tills."""
        self.servers.start()
        upstreams = {"postgres": str(self.servers.state.postgres_socket)}
        if self.redis:
            upstreams["valkey"] = str(self.servers.state.valkey_socket)
        self.network = Network(upstreams)
        self.stack = Stack(self._environment())
        self.stack.start()
        self._connect()

    def _environment(self) -> Mapping[str, str]:
        port = self.network.ports
        url = f"postgresql://{{}}@/{embedded.DATABASE}?host={quote('127.0.0.1')}&port={port['postgres']}"
        redis = f"redis://127.0.0.1:{port['valkey']}/0" if self.redis else _NO_REDIS
        return {
            "DATABASE_URL": url.format(embedded.APP_ROLE),
            "DATABASE_OWNER_URL": url.format(embedded.OWNER_ROLE),
            "REDIS_URL": redis,
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
            "GJANGO_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "GJANGO_LOG": "json",
            **(faults.environment(defects=self._defects) if self._defects else {}),
        }

    def _connect(self) -> None:
        secrets_given = {
            till.name: secrets.token_hex(16) for till in TILLS if till.provider in _GIVEN
        }
        accounts = sorted({till.account for till in TILLS})
        made = self._commands(
            [
                *(_add_source(till, secrets_given.get(till.name)) for till in TILLS),
                *(["token", "add", "--account", one, "--role", "editor"] for one in accounts),
            ]
        )
        for till, row in zip(TILLS, made, strict=False):
            secret = secrets_given.get(till.name) or row["secret"]
            self.addresses[till.name] = Address(row["url"], [secret])
            self.ids[till.name] = row["id"]
        for account, row in zip(accounts, made[len(TILLS) :], strict=True):
            self.tokens[account] = row["token"]

    def _commands(self, commands: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
        """Run commands of the product, all in one process."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.soak.connect", json.dumps(commands)],
            cwd=ROOT,
            env={"DJANGO_SETTINGS_MODULE": "backend_gjango.settings", **self.stack.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def rotate(self, name: str, overlap: str) -> str:
        """Give a source a new secret and return it; the old one holds for the overlap."""
        till = next(one for one in TILLS if one.name == name)
        given = ["--secret", secrets.token_hex(16)] if till.provider in _GIVEN else []
        command = ["source", "rotate", str(self.ids[name]), "--overlap", overlap, *given]
        return given[1] if given else str(self._commands([command])[0]["secret"])

    def pids(self, name: str) -> list[int]:
        """Return the processes of one part of the product, parents first."""
        marks = {
            f"GJANGO_SUPERVISED={self.stack.state}".encode(), f"GJANGO_PROCESS={name}".encode()
        }  # fmt: skip
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if marks <= set((entry / "environ").read_bytes().split(b"\0")):
                    found.append(int(entry.name))
        return sorted(found, key=lambda pid: (not _is_master(pid, found), pid))

    def strike(self, name: str, number: signal.Signals, *, children: bool = False) -> int:
        """Send a signal to a part, or to its children alone; return how many it reached."""
        pids = self.pids(name)
        wanted = [pid for pid in pids if children != _is_master(pid, pids)]
        if number is signal.SIGKILL and not children:
            wanted = pids
        for pid in wanted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(wanted)

    def stop(self) -> None:
        """End everything."""
        if hasattr(self, "stack"):
            with contextlib.suppress(Exception):
                self.stack.stop()
            self.stack.remove()
        if hasattr(self, "network"):
            self.network.close()
        self.servers.stop()


def _add_source(till: Till, secret: str | None) -> list[str]:
    return [
        *("source", "add", till.provider, "--account", till.account, "--title", till.name),
        *("--setting", f"currency={till.currency}", "--setting", f"timezone={till.zone}"),
        *(["--secret", secret] if secret else []),
    ]


def _is_master(pid: int, among: Sequence[int]) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).ppid() not in among
    return False


@contextlib.contextmanager
def running(*, redis: bool, defects: Sequence[str] = ()) -> Iterator[House]:
    """Run an installation for the length of a block."""
    house = House(redis=redis, defects=defects)
    try:
        house.start()
        yield house
    finally:
        house.stop()
