"""Secrets given to a command: an argument is seen by everybody who may list the processes."""

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.commandline import fail

#: More than any secret: a wrong path is not read to its end.
_LONGEST = 4096


def add_secret_options(parser: CommandParser) -> None:
    """Add ``--secret`` and ``--secret-file``, of which one may be given."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--secret",
        help="секрет; «-» — строка со stdin, с терминала без эха / the secret; - reads one line "
        "of stdin, unseen on a terminal; иначе выдаём сами, где это можно / else ours is made",
    )
    either.add_argument(
        "--secret-file", metavar="ФАЙЛ", type=Path, help="файл с секретом / a file that holds it"
    )


def given_secret(options: Mapping[str, Any]) -> str | None:
    """Return the secret that was given, None where none was. Raises CommandError."""
    if options["secret_file"] is not None:
        return _of_file(options["secret_file"])
    return _of_stdin() if options["secret"] == "-" else options["secret"]  # noqa: S105


def _of_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise fail(
            f"--secret-file: не прочесть {path}: {reason}",
            f"--secret-file: cannot read {path}: {reason}",
        ) from error
    return _filled(text, "--secret-file")


def _of_stdin() -> str:
    if sys.stdin.isatty():
        return _filled(getpass.getpass("Секрет (не виден) / secret (unseen): "), "--secret -")
    return _filled(sys.stdin.readline(_LONGEST), "--secret -")


def _filled(text: str, option: str) -> str:
    if not text.strip():
        raise fail(f"{option}: секрет пуст", f"{option}: the secret is empty")
    return text.strip()
