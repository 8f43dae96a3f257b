"""What all entities share: identity, stamps, the layer of the hand."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models.functions import Now

from accounts.models import Account, Source

#: Amounts beyond this are no sale of a small business. NaN sorts above all numbers, so that an
#: upper bound refuses it; infinity does not fit the column.
AMOUNT_LIMIT = 10**13


def money(label: str, *, null: bool = True) -> Any:
    """An amount at the currency's scale, at most 4 decimals."""
    return models.DecimalField(label, max_digits=19, decimal_places=4, null=null)


def fine(label: str) -> Any:
    """A quantity or a unit price: up to 6 decimals."""
    return models.DecimalField(label, max_digits=24, decimal_places=6, null=True)


def stamp() -> Any:
    """The 27 bytes of ``merge.md``; empty where nothing was stated."""
    return models.BinaryField(max_length=27, default=b"", db_default=b"")


def link(target: str, label: str) -> Any:
    """A link by a computed id: no constraint, because its target may arrive later or never."""
    return models.ForeignKey(
        target,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=label,
    )


def bounded(table: str, names: Iterable[str]) -> models.CheckConstraint:
    """All these amounts lie within the limits; NaN and infinity do not."""
    condition = models.Q()
    for name in names:
        inside = models.Q(**{f"{name}__gt": -AMOUNT_LIMIT, f"{name}__lt": AMOUNT_LIMIT})
        condition &= inside | models.Q(**{f"{name}__isnull": True})
    return models.CheckConstraint(condition=condition, name=f"{table}_amounts")


class Entity(models.Model):
    """A row whose id is computed from its source, kind and external id."""

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(
        Account,
        models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name="аккаунт",
    )
    source = models.ForeignKey(
        Source,
        models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name="источник",
    )
    external_id = models.TextField("внешний код")
    gone_stamp = stamp()
    #: One bit per facet whose winner met another content of the very same version.
    ties = models.SmallIntegerField(db_default=0)
    tied = models.GeneratedField(
        expression=models.Case(
            models.When(ties=0, then=models.Value(False)), default=models.Value(True)
        ),
        output_field=models.BooleanField("спорная версия"),
        db_persist=True,
    )
    deleted = models.BooleanField("удалено", db_default=False)
    #: Set by a person: field → {"t": micros, "d": delivery id, "v": value or the mark of CLEAR}.
    hand = models.JSONField("правки", db_default={})
    #: Column → the provider's value under the hand, only for what a person has set now.
    base = models.JSONField("значения источника", null=True)
    received_at = models.DateTimeField("получено", db_default=Now())
    updated_at = models.DateTimeField("обновлено", db_default=Now())

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.external_id
