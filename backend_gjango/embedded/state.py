"""Where one installation lives on disk, and whose it is."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

from ..start import StartError

OWNER_ROLE = "gjango_owner"
APP_ROLE = "gjango_app"
DATABASE = "gjango"
SUPERUSER = "postgres"

#: Linux and most BSDs refuse a longer socket path, in bytes.
SOCKET_PATH_LIMIT = 100


class EmbeddedError(StartError):
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
    def metrics(self) -> Path:
        """The files of prometheus_client, one per process and kind."""
        return self.root / "metrics"

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
    def postgres_socket(self) -> Path:
        return self.sockets / ".s.PGSQL.5432"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def api_socket(self) -> Path:
        return self.sockets / "api.sock"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.valkey_socket))}"

    def database_url(self, role: str = APP_ROLE, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}"

    @property
    def address(self) -> Path:
        """Where the `make run` at work listens: HOST and PORT."""
        return self.root / "address"

    def listening(self) -> tuple[str, int] | None:
        """Return where the `make run` on this state listens; None where none is at work."""
        try:
            with (self.root / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(OSError, ValueError):
                host, port = self.address.read_text().split()
                return host, int(port)
        except OSError:
            pass
        return None

    def prepare(self) -> None:
        """Make the directories, private to this user.

        Raises EmbeddedError where a directory cannot be made or belongs to somebody else.
        """
        for folder in (self.root, self.logs, self.valkey_data, self.sockets):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                uid = folder.stat().st_uid
            except OSError as error:
                raise EmbeddedError(
                    f"Каталог {folder} не создать ({error.strerror}): задайте в GJANGO_STATE свой. "
                    f"/ {folder} cannot be made ({error.strerror}): set GJANGO_STATE to a "
                    "directory of your own."
                ) from error
            if uid not in (os.getuid(), server_uid()):
                refuse_foreign(folder, uid)
        # Traversal for PostgreSQL's own user is granted again by init_postgres where needed.
        if os.getuid() != 0:
            self.root.chmod(0o700)
            self.sockets.chmod(0o700)


def refuse_foreign(folder: Path, uid: int) -> None:
    """Raise EmbeddedError: the directory is another user's."""
    owner = user_name(uid)
    raise EmbeddedError(
        f"{folder} принадлежит пользователю {owner}: запустите от его имени или задайте в "
        f"GJANGO_STATE свой каталог. / {folder} belongs to {owner}: run as {owner}, or set "
        "GJANGO_STATE to a directory of your own."
    )


def user_name(uid: int) -> str:
    """Return the user's name, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class Identity(TypedDict, total=False):
    """The arguments of subprocess that change whom a child runs as."""

    user: int
    group: int
    extra_groups: list[int]


def server_user() -> pwd.struct_passwd | None:
    """Return whom PostgreSQL runs as: None is ourselves; as root it needs another user."""
    if os.getuid() != 0:
        return None
    for name in (os.environ.get("GJANGO_PG_USER", ""), "postgres", "gjango", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError(
        "PostgreSQL не работает от root, а другого пользователя нет: `useradd --system gjango` "
        "или GJANGO_PG_USER. / PostgreSQL refuses to run as root and no other user was found: "
        "`useradd --system gjango`, or set GJANGO_PG_USER."
    )


def server_uid() -> int:
    """Return the user id that owns PostgreSQL's files."""
    user = server_user()
    return os.getuid() if user is None else user.pw_uid


def server_identity() -> Identity:
    """Return whom PostgreSQL's programs run as, in the words of subprocess."""
    # The group as well: with root's group the private directories would still be shut.
    user = server_user()
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
