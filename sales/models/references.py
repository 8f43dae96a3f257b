"""Locations, devices, employees, categories, products, customers: what sales point to."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from .base import Entity, link, stamp


class Reference(Entity):
    """Something that sales point to. ``same_as`` says that two sources mean the same thing."""

    name = models.TextField("название", null=True)
    content_stamp = stamp()
    same_as = models.UUIDField("то же, что", null=True, blank=True)

    class Meta:
        abstract = True
        constraints = (
            models.UniqueConstraint(
                fields=["account", "source", "external_id"], name="%(app_label)s_%(class)s_once"
            ),
        )

    def __str__(self) -> str:
        return self.name or self.external_id


def _updated(table: str) -> models.Index:
    """What changed since, oldest change first: the order of ``updated_after`` in the API."""
    return models.Index(fields=["account", "updated_at", "id"], name=f"sales_{table}_updated")


class Location(Reference):
    """A shop. Its zone, cut-off and currency are settings of a person, not statements."""

    address = models.TextField("адрес", null=True)
    timezone = models.TextField("часовой пояс", default="", db_default="", blank=True)
    #: The hour at which the business day begins: a bar that closes at 4 sets 5.
    day_cutoff = models.SmallIntegerField(
        "начало дня, час",
        default=0,
        db_default=0,
        validators=[MinValueValidator(0), MaxValueValidator(23)],
    )
    currency = models.CharField("валюта", max_length=3, default="", db_default="", blank=True)

    class Meta(Reference.Meta):
        verbose_name = "точка"
        verbose_name_plural = "точки"
        indexes = (_updated("location"),)


class Device(Reference):
    class Meta(Reference.Meta):
        verbose_name = "касса"
        verbose_name_plural = "кассы"


class Employee(Reference):
    class Meta(Reference.Meta):
        verbose_name = "сотрудник"
        verbose_name_plural = "сотрудники"


class Category(Reference):
    class Meta(Reference.Meta):
        verbose_name = "категория"
        verbose_name_plural = "категории"


class Product(Reference):
    sku = models.TextField("артикул", null=True)
    barcode = models.TextField("штрихкод", null=True)
    unit = models.TextField("единица", null=True)
    category: Any = link("sales.Category", "категория")

    class Meta(Reference.Meta):
        verbose_name = "товар"
        verbose_name_plural = "товары"
        indexes = (_updated("product"),)


class Customer(Reference):
    """The only place for personal data."""

    phone = models.TextField("телефон", null=True)
    email = models.TextField("почта", null=True)

    class Meta(Reference.Meta):
        verbose_name = "клиент"
        verbose_name_plural = "клиенты"
        indexes = (_updated("customer"),)


#: kind of ``drafts.ReferenceKind`` → its table.
REFERENCES: dict[str, type[Reference]] = {
    "location": Location,
    "device": Device,
    "employee": Employee,
    "category": Category,
    "product": Product,
    "customer": Customer,
}
