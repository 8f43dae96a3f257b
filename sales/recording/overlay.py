"""The layer of the hand, laid over the provider's columns: rare, so that it may be plain Python.

It runs under the row's lock, after the provider's values were written. ``base`` then holds the
provider's value of exactly the fields that are set, and the columns hold the person's.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from .. import hand
from . import rows
from .arrays import Cursor, encode, ordered
from .fold import HandEdit
from .tables import LINE, Table

#: The mark of lines that a person set: they follow no stamp of the provider.
HAND = b"hand"
EMPTY = "''"


@dataclass(slots=True)
class Layer:
    """What lies over one row. ``values`` is column → the provider's value."""

    id: UUID
    account_id: int
    source_id: int
    stated: list[bool]
    hand: dict[str, hand.Entry]
    base: dict[str, Any]
    values: dict[str, Any]


def _columns(kind: str) -> list[str]:
    return sorted({name for columns in hand.FIELDS[kind].values() for name in columns})


def _read(cursor: Cursor, table: Table, ids: Iterable[UUID]) -> list[Layer]:
    names = _columns(table.kind)
    json_columns = {name for name, kind in _typed(table) if kind == "jsonb"}
    columns = ", ".join(f"{name}::text" if name in json_columns else name for name in names)
    stated = f"ARRAY[{', '.join(f'{facet.stamp} <> {EMPTY}' for facet in table.facets)}]"
    found = cursor.rows(
        f"SELECT id, account_id, source_id, {stated}, hand::text,"
        f" COALESCE(base, '{{}}')::text, {columns} FROM {table.name} WHERE id = ANY(%b)",
        ordered(ids),
    )
    layers = []
    for row in found:
        values = dict(zip(names, row[6:], strict=True))
        values |= {name: json.loads(values[name]) for name in json_columns & values.keys()}
        key, account, source, stated_facets, hands, base = row[:6]
        layers.append(
            Layer(key, account, source, stated_facets, json.loads(hands), json.loads(base), values)
        )
    return layers


def _typed(table: Table) -> Iterable[tuple[str, str]]:
    return (column for facet in table.facets for column in facet.columns)


def _unstated(table: Table, layer: Layer) -> dict[str, Any]:
    """Return the columns of facets that the provider has not stated, as they then are."""
    return {
        name: json.loads(str(value)) if kind == "jsonb" else value
        for facet, stated in zip(table.facets, layer.stated, strict=True)
        if not stated
        for (name, kind), value in zip(facet.columns, facet.blank, strict=True)
        if name in layer.values
    }


def _join(layer: Layer, edits: Iterable[HandEdit]) -> set[int]:
    """Let the last edit of each field stand; return the statements that won one."""
    won: dict[str, int] = {}
    for edit in edits:
        for name, entry in edit.entries.items():
            old = layer.hand.get(name)
            if old is None or hand.order(entry) > hand.order(old):
                layer.hand[name] = entry
                won[name] = edit.index
    return set(won.values())


def _lift(table: Table, layer: Layer) -> None:
    """Bring the provider's values back from under the hand.

    What else nobody has stated stays: deriving put it there, from the payments of a sale that is
    known by them alone, and would only do so again.
    """
    unstated = _unstated(table, layer)
    for name, value in layer.base.items():
        if name != hand.LINES or table.kind != "sale":
            found = hand.restored(table.kind, name, value, source_id=layer.source_id)
            layer.values |= {key: unstated.get(key, old) for key, old in found.items()}


def _lay(table: Table, layer: Layer) -> None:
    """Put the person's values over the provider's, and keep these in ``base``."""
    fields, unstated = hand.FIELDS[table.kind], _unstated(table, layer)
    kept = {name: layer.base[name] for name in (hand.LINES,) if name in layer.base}
    layer.base = {} if table.kind != "sale" else kept
    for name, entry in layer.hand.items():
        if name in fields and hand.is_set(entry):
            mine = hand.columns_of(table.kind, name, entry["v"], source_id=layer.source_id)
            theirs = {key: unstated.get(key, layer.values[key]) for key in mine}
            layer.base[name] = hand.under(name, theirs)
            layer.values |= mine


def _write(cursor: Cursor, table: Table, layers: Sequence[Layer]) -> set[UUID]:
    names = [*_columns(table.kind), "hand", "base"]
    records = [
        {name: hand.canonical(value) for name, value in layer.values.items()}
        | {"id": str(layer.id), "hand": layer.hand, "base": layer.base or None}
        for layer in layers
    ]
    if table.buries:
        names.append("deleted")
        for record, layer in zip(records, layers, strict=True):
            entry = layer.hand.get(hand.DELETED)
            record["deleted"] = entry["v"] if entry is not None and hand.is_set(entry) else None
    sets = ", ".join(f"{name} = r.{name}" for name in names)
    theirs = ", ".join(f"r.{name}" for name in names)
    mine = ", ".join(f"t.{name}" for name in names)
    if table.buries:
        gone = (
            "COALESCE(r.deleted, t.gone_stamp <> ''"
            " AND substring(t.gone_stamp FOR 17) >= substring(t.content_stamp FOR 17))"
        )
        sets, theirs = sets.replace("r.deleted", gone), theirs.replace("r.deleted", gone)
    found = cursor.rows(
        f"UPDATE {table.name} t SET {sets}, updated_at = clock_timestamp()"
        f" FROM jsonb_populate_recordset(NULL::{table.name}, %b::text::jsonb) r"
        f" WHERE t.id = r.id AND ({mine}) IS DISTINCT FROM ({theirs}) RETURNING t.id",
        json.dumps(records, ensure_ascii=False),
    )
    return {row[0] for row in found}


def overlay(
    cursor: Cursor, table: Table, ids: Iterable[UUID], edits: Mapping[UUID, Sequence[HandEdit]]
) -> tuple[set[UUID], set[int]]:
    """Join edits into rows and lay the hand over them.

    Returns the ids of rows that changed, and the statements that won a field.
    """
    wanted = {*ids, *edits}
    if not wanted:
        return set(), set()
    layers = _read(cursor, table, wanted)
    won = {index for layer in layers for index in _join(layer, edits.get(layer.id, ()))}
    for layer in layers:
        _lift(table, layer)
    if table.kind == "sale":
        _overlay_lines(cursor, layers)
    for layer in layers:
        _lay(table, layer)
    return _write(cursor, table, layers), won


_DROP = "DELETE FROM sales_saleline WHERE sale_id = ANY(%b)"
_TAKE = """SELECT sale_id, (to_jsonb(l) - '{sale_id,account_id,stamp}'::text[])::text
FROM sales_saleline l WHERE sale_id = ANY(%b) AND stamp <> 'hand' ORDER BY sale_id, pos"""
_NAMES = [name for name, _ in LINE.columns if name not in ("sale_id", "account_id", "stamp")]
_RESTORE = f"""
INSERT INTO sales_saleline (sale_id, account_id, stamp, {", ".join(_NAMES)})
SELECT s.id, s.account_id, s.lines_stamp, {", ".join(f"l.{name}" for name in _NAMES)}
FROM unnest(%b, %b) AS e(id, lines) JOIN sales_sale s ON s.id = e.id
CROSS JOIN LATERAL jsonb_populate_recordset(NULL::sales_saleline, e.lines::jsonb) l
"""


def _overlay_lines(cursor: Cursor, layers: Sequence[Layer]) -> None:
    """Swap the rows of lines: the hand's in, the provider's into ``base``, or back."""
    concerned = [x for x in layers if hand.LINES in x.base or hand.is_set(x.hand.get(hand.LINES))]
    fresh = [layer.id for layer in concerned if hand.LINES not in layer.base]
    taken: dict[UUID, list[Any]] = {}
    if fresh:
        for sale, line in cursor.rows(_TAKE, ordered(fresh)):
            taken.setdefault(sale, []).append(hand.amounts_as_text(line))
    for layer in concerned:
        layer.base.setdefault(hand.LINES, taken.get(layer.id, []))
    if concerned:
        cursor.rows(_DROP, ordered(layer.id for layer in concerned))
    _restore(cursor, [x for x in concerned if not hand.is_set(x.hand.get(hand.LINES))])
    _set(cursor, [x for x in concerned if hand.is_set(x.hand.get(hand.LINES))])


def _restore(cursor: Cursor, layers: Sequence[Layer]) -> None:
    if layers:
        texts = [json.dumps(layer.base.pop(hand.LINES)) for layer in layers]
        cursor.rows(
            _RESTORE, *encode(("uuid", "jsonb"), list(zip(_ids(layers), texts, strict=True)))
        )


def _ids(layers: Sequence[Layer]) -> list[UUID]:
    return [layer.id for layer in layers]


def _set(cursor: Cursor, layers: Sequence[Layer]) -> None:
    found = [
        (layer.id, position, layer.account_id, HAND, *rows.line(layer.source_id, line))
        for layer in layers
        for position, line in enumerate(hand.lines(layer.hand[hand.LINES]["v"]))
    ]
    if found:
        cursor.rows(LINE.insert, *encode(LINE.types, found))
