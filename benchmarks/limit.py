"""The SQL limit: the bulk upserts of the same rows, and nothing else.

It takes what settling has written, empties a copy of the tables and writes it again by the same
form of statement (binary arrays, ``unnest``, ``ON CONFLICT``), 200 deliveries to a transaction.
"""

import time
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from .places import Place

#: Table → the columns of its key, in the order settling writes them.
TABLES = {
    "tasks_event": ("account_id", "source_id", "key", "sha256"),
    "sales_sale": ("id",),
    "sales_saleline": ("sale_id", "pos"),
    "sales_payment": ("id",),
    "tasks_attempt": (),
}
#: By what a row belongs to its delivery, so that a batch is the same 200 sales in every table.
OWNER = {
    "tasks_event": "delivery_id",
    "sales_sale": "deliveries[1]",
    "sales_saleline": "(SELECT deliveries[1] FROM sales_sale s WHERE s.id = sale_id)",
    "sales_payment": "(SELECT deliveries[1] FROM sales_sale s WHERE s.id = sale_id)",
    "tasks_attempt": "delivery_id",
}


def _columns(connection: psycopg.Connection[Any], table: str) -> list[tuple[str, str]]:
    """Return name and type of what is written: no generated, identity or array columns."""
    return connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' AND attidentity = '' AND atttypid NOT IN"
        " (SELECT oid FROM pg_type WHERE typcategory = 'A')",
        [table],
    ).fetchall()


def _statement(table: str, columns: list[tuple[str, str]]) -> sql.Composed:
    key = TABLES[table]
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    arrays = sql.SQL(", ").join(sql.SQL("%b::" + kind + "[]") for _, kind in columns)  # type: ignore[arg-type]
    sets = [
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
        for name, _ in columns
        if name not in key
    ]
    conflict = sql.SQL("")
    if key:
        conflict = sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(
            sql.SQL(", ").join(map(sql.Identifier, key)), sql.SQL(", ").join(sets)
        )
    return (
        sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
            sql.Identifier(table), names, arrays
        )
        + conflict
    )


def _arrays(rows: list[tuple[Any, ...]], columns: list[tuple[str, str]]) -> list[list[Any]]:
    """Turn rows into one list a column, as ``unnest`` takes them."""
    return [
        [Jsonb(value) if kind == "jsonb" and value is not None else value for value in values]
        for values, (_, kind) in zip(zip(*rows, strict=True), columns, strict=False)
    ]


def _batches(
    connection: psycopg.Connection[Any], deliveries: list[Any], columns: dict[str, Any]
) -> list[dict[str, list[list[Any]]]]:
    """Return per batch and table the columns' values, read before anything is measured."""
    made = []
    for start in range(0, len(deliveries), 200):
        batch = deliveries[start : start + 200]
        rows = {
            table: connection.execute(
                sql.SQL("SELECT {} FROM {} WHERE {} = ANY(%s)").format(
                    sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns[table]),
                    sql.Identifier(table),
                    sql.SQL(OWNER[table]),
                ),
                [batch],
            ).fetchall()
            for table in TABLES
        }
        made.append({table: _arrays(got, columns[table]) for table, got in rows.items()})
    return made


def rate(place: Place, most: int = 4000) -> float:
    """Return deliveries per second whose rows can be written by bulk upserts alone."""
    url = place.state.database_url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        deliveries = [
            row[0]
            for row in connection.execute(
                "SELECT deliveries[1] FROM sales_sale ORDER BY id LIMIT %s", [most]
            )
        ]
        columns = {table: _columns(connection, table) for table in TABLES}
        batches = _batches(connection, deliveries, columns)
        statements = {table: _statement(table, columns[table]) for table in TABLES}
        connection.execute("TRUNCATE " + ", ".join(TABLES))  # type: ignore[arg-type]
        begun = time.perf_counter()
        for batch in batches:
            with connection.transaction():
                for table, values in batch.items():
                    if values:
                        connection.execute(statements[table], values, binary=True)
        return len(deliveries) / (time.perf_counter() - begun)
