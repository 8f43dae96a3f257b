"""The environment, read once: ``.env`` in the root, then the process's own variables.

No Django in here, because the supervisor and the receiver read it too and must stay small.
"""

import base64
import contextlib
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import environ

from .embedded.state import OWNER_ROLE, EmbeddedError, State
from .start import StartError, without_password


class SettingMissing(StartError):
    """A setting is missing or unusable; the message names it and says what to do."""


ROOT = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(str(ROOT / ".env"))


def number(name: str, default: int, *, least: int = 1, most: int = 65535) -> int:
    """Return a whole number of the environment. Raises SettingMissing where it is none."""
    text = env.str(name, default="") or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingMissing(
            f"{name}={text}: нужно целое число от {least} до {most}. / "
            f"{name}={text}: a whole number from {least} to {most} is needed."
        )
    return int(text)


STATE = State(Path(env.str("GJANGO_STATE", default="") or ROOT / ".state").absolute())

#: True where PostgreSQL is ours: no DATABASE_URL is given.
EMBEDDED_DATABASE = not env.str("DATABASE_URL", default="")
EMBEDDED_REDIS = not env.str("REDIS_URL", default="")

DATABASE_URL = env.str("DATABASE_URL", default="") or STATE.database_url()
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default="") or (
    STATE.database_url(OWNER_ROLE) if EMBEDDED_DATABASE else ""
)
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="") or DATABASE_URL
REDIS_URL = env.str("REDIS_URL", default="") or STATE.redis_url

#: A command in another window says the address of the `make run` that it was not told of.
_host, _port = STATE.listening() or ("127.0.0.1", 8000)
HOST = env.str("HOST", default="") or _host
PORT = number("PORT", _port)


def _public_url() -> str:
    # An address of "any interface" is no address to give to a till.
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(HOST, HOST)  # noqa: S104
    given: str = env.str("PUBLIC_URL", default="").rstrip("/")
    return given or f"http://{f'[{host}]' if ':' in host and host[0] != '[' else host}:{PORT}"


PUBLIC_URL = _public_url()
#: True where people and tills reach us by TLS, ended by the proxy in front.
IS_HTTPS = urlsplit(PUBLIC_URL).scheme == "https"


def plays_demo() -> bool:
    """Say whether the demonstration belongs to this run: with our own database only."""
    off = env.str("DEMO", default="1").strip().lower() in {"0", "false", "no", "off"}
    return EMBEDDED_DATABASE and not off


def played_port() -> int:
    """Return where the demonstration's providers are played. Raises SettingMissing where a
    database is given: there are real tills then."""
    if not EMBEDDED_DATABASE:
        raise SettingMissing(
            "settings_demo: настройки демонстрации работают только со встроенной базой, уберите "
            "DJANGO_SETTINGS_MODULE. / settings_demo: the settings of the demonstration work with "
            "the embedded database only, unset DJANGO_SETTINGS_MODULE."
        )
    return number("GJANGO_PLAYED_PORT", 0)


def _keep(name: str, make: bytes) -> str:
    """Read a generated secret from the state directory, making it at the first use."""
    path = STATE.root / name
    try:
        STATE.prepare()
    except EmbeddedError as error:
        raise SettingMissing(str(error)) from error
    if not path.exists():
        # Whole or not at all: a crash half-way must not leave an empty key for ever.
        draft = path.with_name(f"{name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(make)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def _secret(name: str, file: str, make: bytes) -> str:
    given: str = env.str(name, default="")
    if given:
        return given
    if EMBEDDED_DATABASE:
        return _keep(file, make)
    raise SettingMissing(
        f"Не задан {name}: при своей базе данных он обязателен, см. deploy/env.example. / "
        f"{name} is not set. With a database of your own it must be: see deploy/env.example."
    )


def secret_key() -> str:
    """Return Django's secret key. Raises SettingMissing."""
    return _secret("DJANGO_SECRET_KEY", "secret_key", secrets.token_urlsafe(48).encode())


def encryption_keys() -> list[str]:
    """Return the Fernet keys, newest first: the first encrypts, all decrypt.

    Raises SettingMissing where there is none, or one is no Fernet key.
    """
    made = base64.urlsafe_b64encode(secrets.token_bytes(32))
    keys = [key.strip() for key in _secret("GJANGO_KEYS", "keys", made).split(",") if key.strip()]
    if not keys or not all(map(_is_fernet_key, keys)):
        raise SettingMissing(
            "GJANGO_KEYS: нужны ключи Fernet (32 байта, base64) через запятую; новый: / "
            "Fernet keys (32 bytes, base64) are needed, separated by commas; a new one: "
            "python -c 'import base64, os; "
            "print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        )
    return keys


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("ascii"), altchars=b"-_", validate=True)) == 32
    except ValueError:
        return False


def connection_parameters(url: str, name: str = "DATABASE_URL") -> dict[str, str]:
    """Split a libpq URL into its parameters. Raises SettingMissing where it is not one."""
    # Here, not above: psycopg would cost the supervisor 20 MB.
    from psycopg.conninfo import conninfo_to_dict

    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except Exception as error:
        said = without_password(" ".join(str(error).split()))
        raise SettingMissing(
            f"{name} не читается: нужен postgresql://user:password@host:5432/name. / "
            f"{name} cannot be read as postgresql://user:password@host:5432/name. ({said})"
        ) from error
