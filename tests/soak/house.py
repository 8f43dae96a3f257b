"""The whole product under test: servers of ours, proxies in front of them, its supervisor."""

import base64
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

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


class Who(StrEnum):
    """Whom of a part's processes a signal is for."""

    ALL = "all"
    MASTER = "master"
    CHILDREN = "children"


class House:
    """One installation: what the faults strike and the senders tell."""

    def __init__(self, servers: Servers, network: Network, stack: Stack) -> None:
        self.servers, self.network, self.stack = servers, network, stack
        self.addresses: dict[str, Address] = {}
        self.ids: dict[str, int] = {}
        self.tokens: dict[str, str] = {}

    def connect(self) -> None:
        """Connect the tills, and give each account a token."""
        given = {till.name: secrets.token_hex(16) for till in TILLS if till.provider in _GIVEN}
        accounts = sorted({till.account for till in TILLS})
        made = self._commands(
            [
                *(_add_source(till, given.get(till.name)) for till in TILLS),
                *(["token", "add", "--account", one, "--role", "editor"] for one in accounts),
            ]
        )
        for till, row in zip(TILLS, made, strict=False):
            secret = given.get(till.name) or row["secret"]
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
        made = self._commands([command])[0]
        return given[1] if given else str(made["secret"])

    def pids(self, part: str) -> list[int]:
        """Return the processes of one part of the product."""
        state = f"GJANGO_SUPERVISED={self.stack.state}".encode()
        marks = {state, f"GJANGO_PROCESS={part}".encode()}
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if marks <= set((entry / "environ").read_bytes().split(b"\0")):
                    found.append(int(entry.name))
        return found

    def strike(self, part: str, number: signal.Signals, who: Who = Who.ALL) -> int:
        """Send a signal to the processes of a part; return how many it reached."""
        pids = self.pids(part)
        masters = [pid for pid in pids if _parent(pid) not in pids]
        wanted = {
            Who.ALL: pids,
            Who.MASTER: masters,
            Who.CHILDREN: [pid for pid in pids if pid not in masters],
        }[who]
        for pid in wanted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(wanted)


def _add_source(till: Till, secret: str | None) -> list[str]:
    return [
        *("source", "add", till.provider, "--account", till.account, "--title", till.name),
        *("--setting", f"currency={till.currency}", "--setting", f"timezone={till.zone}"),
        *(["--secret", secret] if secret else []),
    ]


def _parent(pid: int) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(psutil.Process(pid).ppid())
    return 0


def _environment(ports: Mapping[str, int], defects: Sequence[str]) -> dict[str, str]:
    place = f"@/{embedded.DATABASE}?host=127.0.0.1&port={ports['postgres']}"
    redis = f"redis://127.0.0.1:{ports['valkey']}/0" if "valkey" in ports else _NO_REDIS
    return {
        "DATABASE_URL": f"postgresql://{embedded.APP_ROLE}{place}",
        "DATABASE_OWNER_URL": f"postgresql://{embedded.OWNER_ROLE}{place}",
        "REDIS_URL": redis,
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "GJANGO_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "GJANGO_LOG": "json",
        **(faults.environment(defects=defects) if defects else {}),
    }


def _end(product: Stack) -> None:
    """Stop the product; a judgement already made is not lost to a slow goodbye."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        product.stop()


@contextlib.contextmanager
def running(*, redis: bool, defects: Sequence[str] = ()) -> Iterator[House]:
    """Run an installation for the length of a block: servers, proxies before them, the product."""
    with contextlib.ExitStack() as stack:
        servers = Servers(redis=redis)
        stack.callback(servers.stop)
        servers.start()
        network = Network(servers.sockets())
        stack.callback(network.close)
        product = Stack(_environment(network.ports, defects))
        stack.callback(product.remove)
        stack.callback(_end, product)
        product.start()
        house = House(servers, network, product)
        house.connect()
        yield house
