"""The resources of the API as one table: their names, rows, filters and orders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from .. import hand, models, selectors
from ..models.base import Entity
from . import filters, items
from .filters import Filter
from .pages import CODE, NEWEST, UPDATED, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of record: ``name`` is its primary address, ``alias`` the one in ASCII."""

    kind: str
    name: str
    alias: str
    model: type[Entity]
    rows: Callable[[selectors.Accounts], QuerySet[Any]]
    describe: Callable[[Any, selectors.Accounts], list[items.Item]]
    filters: Mapping[str, Filter]
    order: Order


RESOURCES = (
    Resource(
        kind="sale",
        name="продажи",
        alias="sales",
        model=models.Sale,
        rows=selectors.sales,
        describe=items.sale_items,
        filters=filters.SALES,
        order=NEWEST,
    ),
    Resource(
        kind="refund",
        name="возвраты",
        alias="refunds",
        model=models.Refund,
        rows=selectors.refunds,
        describe=items.refund_items,
        filters=filters.REFUNDS,
        order=NEWEST,
    ),
    Resource(
        kind="product",
        name="товары",
        alias="products",
        model=models.Product,
        rows=selectors.products,
        describe=items.product_items,
        filters=filters.REFERENCES,
        order=CODE,
    ),
    Resource(
        kind="customer",
        name="клиенты",
        alias="customers",
        model=models.Customer,
        rows=selectors.customers,
        describe=items.customer_items,
        filters=filters.REFERENCES,
        order=CODE,
    ),
    Resource(
        kind="location",
        name="точки",
        alias="locations",
        model=models.Location,
        rows=selectors.locations,
        describe=items.location_items,
        filters=filters.REFERENCES,
        order=CODE,
    ),
)


def order_of(resource: Resource, given: Mapping[str, str]) -> Order:
    """Return the order of a list: who asks for what changed reads it oldest change first."""
    return UPDATED if "updated_after" in given else resource.order


_IDENTITY = ("external_id", "id")
_TARGETS = ("sale_id", "sale_external_id", "payment_id", "payment_external_id")
_PARTS: Mapping[str, tuple[str, ...]] = {
    "sale": ("lines", "payments", "fiscal"),
    "refund": (*_TARGETS, "fiscal"),
}
#: kind → what the body of a POST may say: the standard schema's names.
CREATED: Mapping[str, frozenset[str]] = {
    resource.kind: frozenset(hand.FIELDS[resource.kind]) - {"same_as", "sale"}
    | {*_IDENTITY, *_PARTS.get(resource.kind, ())}
    for resource in RESOURCES
}
