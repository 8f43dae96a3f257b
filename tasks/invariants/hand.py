"""I15 and I16: a person's value stands over the provider's, a repeated POST made one record."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sales import hand
from sales.models import REFERENCES

from .base import Check, Judged, Walk, unique

_AGAIN = "manage.py replay --help"
_TABLES = {"sale": "sales_sale", "refund": "sales_refund"} | {
    kind: f"sales_{kind}" for kind in REFERENCES
}
#: Lines of a sale are rows of their own, see I5.parts; "deleted" is derived, see I4.states.
_APART = {("sale", hand.LINES), *((kind, hand.DELETED) for kind in _TABLES)}


def _columns(kind: str) -> list[str]:
    return sorted({column for columns in hand.FIELDS[kind].values() for column in columns})


def _judge(kind: str) -> Callable[..., str | None]:
    """Return what is wrong with a row: a field that is not the person's, or whose base is lost."""
    names = _columns(kind)

    def judge(
        _: UUID, source: int, layer: Mapping[str, Any], base: Mapping[str, Any] | None, *values: Any
    ) -> str | None:
        now = dict(zip(names, values, strict=True))
        wrong = [
            name
            for name, entry in layer.items()
            if hand.is_set(entry)
            and (kind, name) not in _APART
            and (name not in (base or {}) or _differs(kind, name, entry["v"], now, source=source))
        ]
        return f" {', '.join(sorted(wrong))}" if wrong else None

    return judge


def _differs(kind: str, name: str, value: Any, now: Mapping[str, Any], *, source: int) -> bool:
    wanted = hand.columns_of(kind, name, value, source_id=source)
    return any(
        hand.canonical(now[column]) != hand.canonical(found) for column, found in wanted.items()
    )


def _edited(kind: str) -> Judged:
    return Judged(
        table=_TABLES[kind],
        columns=("source_id", "hand", "base", *_columns(kind)),
        judge=_judge(kind),
        only="hand <> '{}'",
    )


def _made(kinds: Sequence[str]) -> str:
    return " OR ".join(
        f"EXISTS (SELECT FROM {_TABLES[kind]} t WHERE t.id = b.object_id"
        " AND t.account_id = b.account_id)"
        for kind in kinds
    )


CHECKS = (
    Check(
        id="I15.hand",
        title="правка руками стоит над провайдером / what a person set stands over the provider's",
        advice=f"разберите доставки записи снова: {_AGAIN} / settle the record's deliveries again",
        parts=tuple(_edited(kind) for kind in _TABLES),
    ),
    Check(
        id="I16.keys",
        title="ключ повтора — одна запись / an Idempotency-Key made one record, which is there",
        advice="удалите ключ: повтор запроса создаст запись / delete the key, repeat the request",
        parts=(
            unique("accounts_idempotency_once"),
            Walk(
                table="accounts_idempotencykey",
                broken=f"""
                    SELECT 'accounts_idempotencykey ' || b.id AS what FROM batch b
                    WHERE NOT ({_made(tuple(_TABLES))})
                """,  # noqa: S608
            ),
        ),
    ),
)
