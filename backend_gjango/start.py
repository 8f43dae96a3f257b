"""What stops a start, told in one sentence instead of a traceback.

No Django in here: the supervisor and the receiver start through it too.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Of PostgreSQL: ends, crashed, cannot connect now.
_BUSY = {"57P01", "57P02", "57P03"}
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]*(@)|(password=)\S+", re.IGNORECASE)


class StartError(Exception):
    """A process cannot start; the message names the setting and what to do next."""


def without_password(text: str) -> str:
    """Return a URL, or words around one, with passwords replaced by ``…``."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[3]}…{found[2] or ''}", text)


def sentence(error: BaseException) -> str | None:
    """Return what to tell a person about this error, None where it is a bug and not a setting."""
    if isinstance(error, StartError):
        return str(error)
    if _is_unreachable_database(error):
        return _unreachable(error)
    return None


def _is_unreachable_database(error: BaseException) -> bool:
    # By name: importing Django or psycopg only to ask would cost every small process 20 MB.
    if type(error).__name__ != "OperationalError":
        return False
    told = error if hasattr(error, "sqlstate") else error.__cause__
    code = getattr(told, "sqlstate", None)
    # No code: no server. Else it was reached and refused: password, database, starting or ending.
    return hasattr(told, "sqlstate") and (code is None or code[:2] in {"28", "3D"} or code in _BUSY)


def _unreachable(error: BaseException) -> str:
    from . import env

    said = without_password(" ".join(str(error).split()))
    if env.EMBEDDED_DATABASE:
        log = env.STATE.logs / "postgres.log"
        return (
            f"Встроенный PostgreSQL не отвечает, его журнал: {log}. / "
            f"The embedded PostgreSQL does not answer, see {log}. ({said})"
        )
    url = without_password(env.DATABASE_URL)
    return (
        f"База данных из DATABASE_URL ({url}) недоступна: проверьте адрес, пароль и что сервер "
        f"запущен. / The database of DATABASE_URL cannot be reached: check the address, the "
        f"password and that the server runs. ({said})"
    )


@contextmanager
def one_sentence(*also: type[Exception]) -> Iterator[None]:
    """Turn what stops a start into one sentence on stderr and exit code 1.

    ``also`` are errors of others whose text is such a sentence.
    """
    try:
        yield
    except Exception as error:
        text = str(error) if isinstance(error, also) else sentence(error)
        if text is None:
            raise
        print(text, file=sys.stderr)
        raise SystemExit(1) from None
