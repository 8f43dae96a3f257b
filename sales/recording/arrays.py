"""Columns as binary arrays, encoded by hand: psycopg's own dump costs three times as much.

Four types are enough: everything that is no id, stamp or integer goes as text and is cast by the
statement, because PostgreSQL parses a number faster than Python can pack one.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from struct import Struct
from typing import Any, ClassVar, LiteralString
from uuid import UUID

import psycopg
from django.db import connection
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = Struct(">iiIii")
_LENGTH = Struct(">i").pack
_LENGTHS = [_LENGTH(size) for size in range(512)]
_NULL = _LENGTH(-1)
#: How ids are sorted: comparing two UUIDs is a call in Python, two integers is none.
BY_ID = attrgetter("int")
_INT8 = Struct(">iq").pack


class _Array(bytes):
    """The wire form of an array."""


class UuidArray(_Array):
    pass


class TextArray(_Array):
    pass


class BytesArray(_Array):
    pass


class IntArray(_Array):
    pass


def _pack(parts: Iterable[bytes], size: int, element: int) -> bytes:
    if not size:
        return _HEAD.pack(0, 0, element, 0, 0)[:12]
    return _HEAD.pack(1, 1, element, size, 1) + b"".join(parts)


def _sized(value: bytes) -> bytes:
    size = len(value)
    return (_LENGTHS[size] if size < 512 else _LENGTH(size)) + value


class _Texts(dict[Any, bytes]):
    """Value → its wire form: most values of a column occur again and again."""

    def __missing__(self, value: Any) -> bytes:
        found = self[value] = _sized(str(value).encode())
        return found


def _uuid_part(value: UUID | None) -> bytes:
    return _NULL if value is None else _LENGTHS[16] + value.bytes


def texts(values: Sequence[Any]) -> TextArray:
    """Return ``text[]``; what is no text goes by its ``str``."""
    known = _Texts({None: _NULL})
    return TextArray(_pack(map(known.__getitem__, values), len(values), 25))


def ordered(values: Iterable[UUID]) -> UuidArray:
    """Return ``uuid[]`` in the order in which rows are locked."""
    return uuids(sorted(values, key=BY_ID))


def uuids(values: Sequence[UUID | None]) -> UuidArray:
    """Return ``uuid[]``."""
    return UuidArray(_pack(map(_uuid_part, values), len(values), 2950))


def blobs(values: Sequence[bytes]) -> BytesArray:
    """Return ``bytea[]``."""
    return BytesArray(_pack(map(_sized, values), len(values), 17))


def integers(values: Sequence[int]) -> IntArray:
    """Return ``int8[]``."""
    return IntArray(_pack((_INT8(8, value) for value in values), len(values), 20))


#: SQL type of a column → how it is sent; everything else goes as text.
_ENCODERS: dict[str, Callable[[Sequence[Any]], _Array]] = {
    "uuid": uuids,
    "bytea": blobs,
    "int8": integers,
}


def encode(types: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[_Array]:
    """Turn rows into one array per column."""
    columns = zip(*rows, strict=True)
    return [_ENCODERS.get(kind, texts)(column) for kind, column in zip(types, columns, strict=True)]


def cast(name: str, kind: str) -> str:
    """Return the SQL that makes a column of its type again."""
    return name if kind in _ENCODERS or kind == "text" else f"{name}::{kind}"


def literal(values: Iterable[str]) -> str:
    """Return the text form of a text array: ``unnest`` would flatten arrays of arrays."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return obj  # type: ignore[no-any-return]


class _UuidsDumper(_ArrayDumper):
    oid = 2951


class _TextsDumper(_ArrayDumper):
    oid = 1009


class _BlobsDumper(_ArrayDumper):
    oid = 1001


class _IntegersDumper(_ArrayDumper):
    oid = 1016


class Cursor:
    """Django's connection, spoken to in binary: its own cursor binds on the client, as text."""

    _DUMPERS: ClassVar = {
        UuidArray: _UuidsDumper,
        TextArray: _TextsDumper,
        BytesArray: _BlobsDumper,
        IntArray: _IntegersDumper,
    }

    def __init__(self) -> None:
        connection.ensure_connection()
        self._cursor = psycopg.Cursor(connection.connection)
        for kind, dumper in self._DUMPERS.items():
            self._cursor.adapters.register_dumper(kind, dumper)

    def rows(self, statement: str | LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows. Raises Django's database errors."""
        with connection.wrap_database_errors:
            self._cursor.execute(statement, parameters, binary=True)
            return self._cursor.fetchall() if self._cursor.description else []
