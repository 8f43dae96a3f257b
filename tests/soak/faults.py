"""What goes wrong: a table of faults, and a plan of them that a seed decides."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import psycopg

from backend_gjango import embedded
from tests.chaos import Mode

from .house import House, Who
from .sender import Sender
from .servers import Connection
from .workload import TILLS

#: Seconds that a state of the surroundings lasts.
_LASTS, _LOCK, _PIN, _CLOCK = 6.0, 8.0, 60.0, 5.0
_OVERLAP = 20.0
#: A receiver hears of a change within two seconds.
_HEARD = 2.5
#: How long a fault waits for what it is to strike: another one may have struck it just now.
_PATIENCE = 30.0
_APP = embedded.APP_ROLE


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault may touch, and its own chance."""

    house: House
    sender: Sender
    chance: Random


@dataclass(frozen=True, slots=True)
class Fault:
    """Strikes, and returns when its cause is gone. ``needs``: redis or disk, else everybody."""

    name: str
    strike: Callable[[Scene], None]
    needs: str = ""


def _kill(part: str, who: Who = Who.ALL) -> Callable[[Scene], None]:
    return lambda scene: _strike(scene, part, signal.SIGKILL, who=who)


def _strike(scene: Scene, part: str, number: signal.Signals, *, who: Who) -> None:
    # A part that has just died is struck as soon as it lives again.
    deadline = time.monotonic() + _PATIENCE
    while not scene.house.strike(part, number, who):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{part} does not run")
        time.sleep(0.1)


def _server(name: str) -> Callable[[Scene], None]:
    return lambda scene: scene.house.servers.kill(name)


def _immediate(scene: Scene) -> None:
    scene.house.servers.send("postgres", signal.SIGQUIT)


def _stopped(scene: Scene) -> None:
    """Stop PostgreSQL as its administrator does."""
    scene.house.servers.send("postgres", signal.SIGINT)


def _flush(scene: Scene) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(scene.house.servers.state.valkey_socket))
        client.sendall(b"FLUSHALL\r\n")
        client.recv(64)


def _silent(name: str) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        scene.house.network.set(name, Mode.BLACKHOLE)
        time.sleep(_LASTS)
        scene.house.network.set(name, Mode.PASS)

    return strike


def _reset(scene: Scene) -> None:
    """Reset every connection to the database once."""
    scene.house.network.set("postgres", Mode.RESET)
    scene.house.network.set("postgres", Mode.PASS)


def _terminated(scene: Scene) -> None:
    with scene.house.servers.superuser(patience=_PATIENCE) as connection:
        _terminate(connection)


def _terminate(connection: Connection) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [_APP]
    )


def _locked(scene: Scene) -> None:
    """Lock staging and the inbox away from everybody."""
    # In the order in which a delivery is staged. Whoever reads in another order may deadlock
    # with us: then it was us who gave way, and we ask again.
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with (
                scene.house.servers.superuser(patience=_PATIENCE) as connection,
                connection.transaction(),
            ):
                connection.execute("LOCK TABLE ingest_delivery IN ACCESS EXCLUSIVE MODE")
                connection.execute("LOCK TABLE ingest_inbox IN ACCESS EXCLUSIVE MODE")
                time.sleep(_LOCK)
                return
        except psycopg.errors.DeadlockDetected:
            if time.monotonic() > deadline:
                raise


def _read_only(scene: Scene) -> None:
    with scene.house.servers.superuser(patience=_PATIENCE) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(_LASTS)
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")


def _full(scene: Scene) -> None:
    scene.house.servers.fill_disk()
    time.sleep(_LASTS)
    scene.house.servers.free_disk()


def _crowded(scene: Scene) -> None:
    with scene.house.servers.superuser(patience=_PATIENCE) as connection:
        connection.execute(f"ALTER ROLE {_APP} CONNECTION LIMIT 2")
        _terminate(connection)
        time.sleep(_LASTS)
        connection.execute(f"ALTER ROLE {_APP} CONNECTION LIMIT -1")


def _pinned(scene: Scene) -> None:
    """Hold an old snapshot for a minute, while everything else goes on."""

    def hold() -> None:
        with (
            contextlib.suppress(psycopg.Error),
            scene.house.servers.superuser(patience=_PATIENCE) as connection,
            connection.transaction(),
        ):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute("SELECT count(*) FROM ingest_inbox")
            time.sleep(_PIN)

    threading.Thread(target=hold, name="pinned", daemon=True).start()


def _rolling(scene: Scene) -> None:
    for part in ("receiver", "api", "worker", "clock"):
        before = set(scene.house.pids(part))
        _strike(scene, part, signal.SIGTERM, who=Who.MASTER)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not set(scene.house.pids(part)) - before:
            time.sleep(0.2)


def _rotated(scene: Scene) -> None:
    """Change a secret: both sign for a while, then the new one alone; the old one dies later."""
    name = scene.chance.choice([till.name for till in TILLS])
    address = scene.sender.addresses[name]
    new = scene.house.rotate(name, f"00:00:{_OVERLAP:02.0f}")
    time.sleep(_HEARD)
    old = address.secrets[0]
    address.secrets[:] = [new, old]
    # Whatever is signed with the old one has to arrive before it ends.
    time.sleep(_OVERLAP / 3)
    address.secrets[:] = [new]
    revoked = threading.Timer(_OVERLAP, setattr, (address, "revoked", old))
    revoked.daemon = True
    revoked.start()


def _wrong_clock(scene: Scene) -> None:
    """Let the clock of those who sign a time be ten minutes wrong: they are refused, and repeat."""
    scene.sender.skew = scene.chance.choice((-600.0, 600.0))
    time.sleep(_CLOCK)
    scene.sender.skew = 0.0


FAULTS = (
    Fault("kill -9 receiver", _kill("receiver")),
    Fault("kill -9 receiver child", _kill("receiver", Who.CHILDREN)),
    Fault("kill -9 worker master", _kill("worker", Who.MASTER)),
    Fault("kill -9 worker child", _kill("worker", Who.CHILDREN)),
    Fault("kill -9 clock", _kill("clock")),
    Fault("kill -9 api", _kill("api")),
    Fault("kill -9 PostgreSQL", _server("postgres")),
    Fault("PostgreSQL immediate restart", _immediate),
    Fault("PostgreSQL fast restart", _stopped),
    Fault("PostgreSQL backends terminated", _terminated),
    Fault("PostgreSQL connections reset", _reset),
    Fault("PostgreSQL staging locked 8 s", _locked),
    Fault("PostgreSQL read-only", _read_only),
    Fault("PostgreSQL black hole", _silent("postgres")),
    Fault("PostgreSQL connection limit", _crowded),
    Fault("PostgreSQL old snapshot", _pinned),
    Fault("PostgreSQL disk full", _full, "disk"),
    Fault("kill -9 Valkey", _server("valkey"), "redis"),
    Fault("Valkey FLUSHALL", _flush, "redis"),
    Fault("Valkey black hole", _silent("valkey"), "redis"),
    Fault("rolling restart", _rolling),
    Fault("secret rotated", _rotated),
    Fault("sender's clock 10 min wrong", _wrong_clock),
)
#: What a run of a minute has time for, in this order of importance.
_FIRST = (
    "kill -9 PostgreSQL", "kill -9 receiver", "kill -9 worker child", "Valkey FLUSHALL",
    "PostgreSQL backends terminated", "PostgreSQL black hole", "kill -9 clock", "kill -9 Valkey",
)  # fmt: skip
#: Seconds between two faults: in a long run each has time to be recovered from.
SPACING, _SHORT_SPACING, _SHORT = 20.0, 7.0, 200.0


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault to come, so many seconds after the start."""

    at: float
    fault: Fault


def plan(
    seed: int, seconds: float, able: Sequence[str], only: Sequence[str] = ()
) -> list[Strike]:  # fmt: skip
    """Return when which fault strikes; ``able`` are the needs that this run can meet."""
    chance = Random(f"faults-{seed}")
    usable = [one for one in FAULTS if not one.needs or one.needs in able]
    if only:
        usable = [one for one in usable if one.name in only]
    elif seconds <= _SHORT:
        usable = [one for one in usable if one.name in _FIRST]
    spacing = _SHORT_SPACING if seconds <= _SHORT else SPACING
    count = int((seconds - spacing / 2) / spacing) if usable else 0
    order: list[Fault] = []
    while len(order) < count:
        order += chance.sample(usable, len(usable))
    return [
        Strike(spacing * (index + chance.uniform(0.3, 0.7)), one)
        for index, one in enumerate(order[:count])
    ]
