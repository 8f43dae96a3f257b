"""What a check is: a name, walks over tables in small steps, and what they found.

A walk reads its table by key, a bounded number of rows a statement: no snapshot is held for long,
and a statement sees one moment, so that what is being settled meanwhile never looks broken. Where
a step ended is all that the next one needs, so a walk can stop anywhere and go on later.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

#: Rows of one statement; deliveries carry bodies, so fewer of them.
BATCH = 5000
BODIES = 500
#: Rows of tables that are only added to become visible in about the order of their keys: after so
#: long, beyond any transaction of ours, none will appear before them any more.
LATEST = "15 min"
_SHOWN = 5

#: Where a walk stands: the key of the last row, as JSON can keep it.
Key = Sequence[str | int]


class Cursor(Protocol):
    """What a check needs of a cursor: Django's and psycopg's both have it."""

    def execute(self, query: str, params: Any = ..., /) -> Any: ...

    def fetchall(self) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look at: one account or, with None, all; ``role`` is the application's."""

    account: int | None = None
    role: str = ""


@dataclass(slots=True)
class Finding:
    """How many rows were looked at, how many break the invariant, and the first few of them."""

    examined: int = 0
    failed: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, what: str, count: int = 1) -> None:
        """Note one thing that breaks the invariant, or as many as ``count`` of its kind."""
        self.failed += count
        if len(self.examples) < _SHOWN:
            self.examples.append(what)

    def join(self, other: "Finding") -> None:
        """Take over what another step or part has found."""
        self.examined += other.examined
        self.failed += other.failed
        self.examples = [*self.examples, *other.examples][:_SHOWN]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found. ``last`` is where it ended, None at the end of the table.

    ``walked`` counts all rows it passed; ``final`` says that none of them need be seen again.
    """

    finding: Finding
    last: Key | None = None
    walked: int = 0
    final: bool = False


class Part(Protocol):
    """One walk of a check, or all of it."""

    @property
    def table(self) -> str:
        """The table that is walked, empty where a step is the whole."""

    def step(self, cursor: Cursor, scope: Scope, after: Key | None, /) -> Step:
        """Look at what follows this key."""


def whole(part: Part, cursor: Cursor, scope: Scope) -> Finding:
    """Walk all of a part."""
    finding, after = Finding(), None
    while True:
        step = part.step(cursor, scope, after)
        finding.join(step.finding)
        if step.last is None:
            return finding
        after = step.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One invariant: its id and title, what to do where it is broken, and how to look.

    A ``warning`` is shown and fails nothing.
    """

    id: str
    title: str
    advice: str
    parts: Sequence[Part]
    warning: bool = False

    def run(self, cursor: Cursor, scope: Scope) -> Finding:
        """Look at everything."""
        finding = Finding()
        for part in self.parts:
            finding.join(whole(part, cursor, scope))
        return finding


@dataclass(frozen=True, slots=True)
class Once:
    """A look at the catalogue: short, so that it is done as a whole."""

    look: Callable[[Cursor, Scope], Finding]
    table: str = ""

    def step(self, cursor: Cursor, scope: Scope, after: Key | None, /) -> Step:
        """Look."""
        return Step(self.look(cursor, scope))


def unique(name: str) -> Once:
    """Return the look whether a unique constraint is there and valid."""

    def look(cursor: Cursor, scope: Scope) -> Finding:
        cursor.execute(
            "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relname = %s AND indisunique AND indisvalid AND indisready",
            [name],
        )
        finding = Finding(examined=1)
        if cursor.fetchall() != [(1,)]:
            finding.add(name)
        return finding

    return Once(look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A query over a table's rows in the order of its key.

    ``broken`` selects one text for each broken row ``b`` of ``batch``; ``only`` limits which rows
    are judged. ``final`` is the condition on a row that can never break later: what lies before
    the first row without it is not walked again. ``sparse`` pages over those that ``only`` leaves:
    they have an index of their own. All are SQL of this package.
    """

    table: str
    broken: str
    key: Sequence[str] = ("id",)
    only: str = "true"
    final: str = "false"
    account: str = "account_id"
    sparse: bool = False
    limit: int = BATCH

    def __call__(self, cursor: Cursor, scope: Scope) -> Finding:
        """Walk the whole table."""
        return whole(self, cursor, scope)

    def step(self, cursor: Cursor, scope: Scope, after: Key | None, /) -> Step:
        """Walk over the next rows."""
        cursor.execute(self._statement(scope, after), self._parameters(scope, after))
        ((walked, examined, failed, examples, final, *last),) = cursor.fetchall()
        finding = Finding(examined, failed, list(examples or ()))
        return Step(
            finding,
            key_of(last) if walked == self.limit else None,
            walked,
            final=bool(final) and not failed,
        )

    def _statement(self, scope: Scope, after: Key | None) -> str:
        judged = [self.only]
        if scope.account is not None and self.account:
            judged.append(f"{self.account} = %(account)s")
        order = ", ".join(self.key)
        last = ", ".join(f"(SELECT {name} FROM last)" for name in self.key)  # noqa: S608
        backwards = ", ".join(f"{name} DESC" for name in self.key)
        # The page is cut before anything is judged: rare rows make no statement long. Tables and
        # columns are literals of this package.
        return f"""
            WITH page AS MATERIALIZED (
              SELECT * FROM {self.table} {_behind(self.key, after, self._paged)}
              ORDER BY {order} LIMIT {self.limit}
            ), last AS (SELECT {order} FROM page ORDER BY {backwards} LIMIT 1
            ), batch AS MATERIALIZED (SELECT * FROM page WHERE {" AND ".join(judged)}
            ), broken AS MATERIALIZED ({self.broken})
            SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM batch),
                   (SELECT count(*) FROM broken),
                   (SELECT array_agg(what) FROM (SELECT what FROM broken LIMIT {_SHOWN}) t),
                   (SELECT bool_and({self.final}) FROM page b), {last}
        """  # noqa: S608

    @property
    def _paged(self) -> str:
        return self.only if self.sparse else "true"

    def _parameters(self, scope: Scope, after: Key | None) -> dict[str, Any]:
        return {"account": scope.account, **_places(after)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Rows that Python judges: ``judge`` takes the columns and returns what is wrong, or None."""

    table: str
    columns: Sequence[str]
    judge: Callable[..., str | None]
    only: str = "true"
    limit: int = BATCH

    def step(self, cursor: Cursor, scope: Scope, after: Key | None, /) -> Step:
        """Judge the next rows."""
        behind, values = _behind(("id",), after), _places(after)
        cursor.execute(
            f"WITH page AS MATERIALIZED (SELECT id FROM {self.table} {behind}"  # noqa: S608
            f" ORDER BY id LIMIT {self.limit})"
            " SELECT count(*), (SELECT id FROM page ORDER BY id DESC LIMIT 1) FROM page",
            values,
        )
        ((walked, last),) = cursor.fetchall()
        if not walked:
            return Step(Finding())
        # Only what is to be judged leaves the server: of millions of sales a few were edited.
        cursor.execute(
            f"SELECT id, {', '.join(self.columns)} FROM {self.table}"  # noqa: S608
            f" {behind or 'WHERE true'} AND id <= %(last)s AND ({self.only})"
            " AND (%(account)s::bigint IS NULL OR account_id = %(account)s)",
            {**values, "last": last, "account": scope.account},
        )
        finding = Finding()
        for key, *columns in cursor.fetchall():
            finding.examined += 1
            wrong = self.judge(key, *columns)
            if wrong is not None:
                finding.add(f"{self.table} {key}{wrong}")
        return Step(finding, key_of([last]) if walked == self.limit else None, walked)


def old(column: str) -> str:
    """Return the condition that no row will appear before this one any more."""
    return f"b.{column} < now() - interval '{LATEST}'"


def key_of(values: Sequence[Any]) -> Key:
    """Return a row's key as JSON can keep it."""
    return [str(value) if isinstance(value, UUID) else int(value) for value in values]


def _behind(key: Sequence[str], after: Key | None, only: str = "true") -> str:
    if after is None:
        return "" if only == "true" else f"WHERE {only}"
    marks = ", ".join(f"%(after{index})s" for index in range(len(key)))
    more = "" if only == "true" else f" AND {only}"
    return f"WHERE ({', '.join(key)}) > ({marks}){more}"


def _places(after: Key | None) -> dict[str, Any]:
    return {f"after{index}": value for index, value in enumerate(after or ())}
