"""The environment, read once: ``.env`` in the root, then the process's own variables.

No Django in here, because the supervisor and the receiver read it too and must stay small.
"""

import base64
import os
import secrets
from pathlib import Path

import environ
from psycopg.conninfo import conninfo_to_dict

from .embedded import OWNER_ROLE, EmbeddedError, State

ROOT = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(str(ROOT / ".env"))

STATE = State(Path(env.str("GJANGO_STATE", default=str(ROOT / ".state"))).absolute())

#: True where PostgreSQL is ours: no DATABASE_URL is given.
EMBEDDED_DATABASE = not env.str("DATABASE_URL", default="")
EMBEDDED_REDIS = not env.str("REDIS_URL", default="")

DATABASE_URL = env.str("DATABASE_URL", default="") or STATE.database_url()
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default="") or (
    STATE.database_url(OWNER_ROLE) if EMBEDDED_DATABASE else ""
)
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="") or DATABASE_URL
REDIS_URL = env.str("REDIS_URL", default="") or STATE.redis_url

HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://{HOST}:{PORT}").rstrip("/")


class SettingMissing(Exception):
    """A setting is missing or unusable; the message names it and says what to do."""


def _keep(name: str, make: bytes) -> str:
    """Read a generated secret from the state directory, making it at the first use."""
    path = STATE.root / name
    try:
        STATE.prepare()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except EmbeddedError as error:
        raise SettingMissing(str(error)) from error
    with os.fdopen(handle, "wb") as file:
        file.write(make)
    return make.decode()


def _secret(name: str, file: str, make: bytes) -> str:
    given: str = env.str(name, default="")
    if given:
        return given
    if EMBEDDED_DATABASE:
        return _keep(file, make)
    raise SettingMissing(
        f"{name} is not set. With a database of your own it must be: see deploy/env.example. / "
        f"Не задан {name}: при своей базе данных он обязателен, см. deploy/env.example."
    )


def secret_key() -> str:
    """Return Django's secret key. Raises SettingMissing."""
    return _secret("DJANGO_SECRET_KEY", "secret_key", secrets.token_urlsafe(48).encode())


def encryption_keys() -> list[str]:
    """Return the Fernet keys, newest first: the first encrypts, all decrypt.

    Raises SettingMissing.
    """
    made = base64.urlsafe_b64encode(secrets.token_bytes(32))
    return [key.strip() for key in _secret("GJANGO_KEYS", "keys", made).split(",") if key.strip()]


def connection_parameters(url: str) -> dict[str, str]:
    """Split a libpq URL into its parameters. Raises SettingMissing where it is not one."""
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except Exception as error:
        raise SettingMissing(f"DATABASE_URL cannot be read: {error}") from error
