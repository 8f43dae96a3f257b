"""What a check is: a name, a walk over a table in small steps, and what it found.

A walk reads its table by key, a bounded number of rows a statement: no snapshot is held for long,
and a statement sees one moment, so that what is being settled meanwhile never looks broken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

#: Rows of one statement; deliveries carry bodies, so fewer of them.
BATCH = 5000
BODIES = 500
_SHOWN = 5


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One invariant: its id and title, what to do where it is broken, and how to look.

    A ``warning`` is shown and fails nothing.
    """

    id: str
    title: str
    advice: str
    run: Callable[[Cursor, Scope], Finding]
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A query over a table's rows in the order of its key.

    ``broken`` selects one text for each broken row ``b`` of ``batch``; ``only`` limits which rows
    are walked. Both are SQL of this package; parameters of theirs are named.
    """

    table: str
    broken: str
    key: Sequence[str] = ("id",)
    only: str = "true"
    account: str = "account_id"
    limit: int = BATCH

    def __call__(self, cursor: Cursor, scope: Scope) -> Finding:
        """Walk the whole table."""
        finding = Finding()
        for examined, failed, examples in self._steps(cursor, scope):
            finding.examined += examined
            finding.failed += failed
            finding.examples = [*finding.examples, *(examples or ())][:_SHOWN]
        return finding

    def _steps(self, cursor: Cursor, scope: Scope) -> Iterator[tuple[int, int, list[str] | None]]:
        after: Sequence[Any] | None = None
        while True:
            cursor.execute(self._statement(scope, after), self._parameters(scope, after))
            ((examined, failed, examples, *last),) = cursor.fetchall()
            yield examined, failed, examples
            if examined < self.limit:
                return
            after = last

    def _statement(self, scope: Scope, after: Sequence[Any] | None) -> str:
        where = [self.only]
        if scope.account is not None and self.account:
            where.append(f"{self.account} = %(account)s")
        if after is not None:
            marks = ", ".join(f"%(after{index})s" for index in range(len(self.key)))
            where.append(f"({', '.join(self.key)}) > ({marks})")
        order = ", ".join(self.key)
        last = ", ".join(f"(SELECT {name} FROM last)" for name in self.key)  # noqa: S608
        backwards = ", ".join(f"{name} DESC" for name in self.key)
        # Tables and columns are literals of this package.
        return f"""
            WITH batch AS MATERIALIZED (
              SELECT * FROM {self.table} WHERE {" AND ".join(where)}
              ORDER BY {order} LIMIT {self.limit}
            ), last AS (SELECT {order} FROM batch ORDER BY {backwards} LIMIT 1
            ), broken AS MATERIALIZED ({self.broken})
            SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM broken),
                   (SELECT array_agg(what) FROM (SELECT what FROM broken LIMIT {_SHOWN}) t), {last}
        """  # noqa: S608

    def _parameters(self, scope: Scope, after: Sequence[Any] | None) -> dict[str, Any]:
        keys = {f"after{index}": value for index, value in enumerate(after or ())}
        return {"account": scope.account, **keys}


def all_of(*parts: Callable[[Cursor, Scope], Finding]) -> Callable[[Cursor, Scope], Finding]:
    """Return a check that is several checks under one name."""

    def run(cursor: Cursor, scope: Scope) -> Finding:
        whole = Finding()
        for part in parts:
            found = part(cursor, scope)
            whole.examined += found.examined
            whole.failed += found.failed
            whole.examples = [*whole.examples, *found.examples][:_SHOWN]
        return whole

    return run
