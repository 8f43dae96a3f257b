"""Named queries: what of an account may be seen. Row-level security stands behind each of them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Model, Q, QuerySet

from .models import (
    Category,
    Customer,
    Fiscal,
    Location,
    Payment,
    Product,
    Refund,
    Sale,
    SaleLine,
)
from .models.base import Entity

Row = TypeVar("Row", bound=Model)
Accounts = Collection[int]

#: What the list of sales needs of the rows it joins.
_JOINED = tuple(
    f"{link}__{column}"
    for link in ("location", "device", "employee")
    for column in ("external_id", "name")
)
_SOURCE = ("source__provider", "source__title", "source__is_app", "source__parent")
_STAMPS = ("header_stamp", "lines_stamp", "money_stamp", "customer_stamp", "gone_stamp")
_UNSHOWN = frozenset(
    {*_STAMPS, "content_stamp", "stated_status", "stated_date", "stated_total", "stated_anomalies"}
    | {
        "ties",
        "tied",
        "stated_test",
        "role",
        "visible",
        "money_gap",
        "link_sale_id",
        "link_payment_id",
    }
)


def owned(rows: QuerySet[Row], accounts: Accounts) -> QuerySet[Row]:
    """Keep the rows of these accounts: the first wall."""
    # Equality, not IN: it lets one index scan give the order of a list.
    if len(accounts) == 1:
        return rows.filter(account_id=next(iter(accounts)))
    return rows.filter(account_id__in=accounts)


def _shown(model: type[Entity]) -> list[str]:
    names = (field.attname for field in model._meta.concrete_fields)
    return [name for name in names if name not in _UNSHOWN]


def sales(accounts: Accounts) -> QuerySet[Sale]:
    """Return the sales that lists and sums show: no stub, nothing deleted, no return."""
    rows = owned(Sale.objects.all(), accounts).filter(visible=True)
    customer = ("customer__external_id", "customer__name")
    return rows.select_related("source", "location", "device", "employee", "customer").only(
        *_shown(Sale), *_SOURCE, *_JOINED, *customer
    )


#: Of its own merit a refund counts that was carried out, and of one fiscal receipt one of them;
#: beyond that it goes with its sale. One whose sale is not known yet stands for itself.
_COUNTS = Q(visible=True, status="completed", is_test=False, mirror_of=None) & (
    Q(sale=None) | Q(sale__counts=True) | Q(sale__known="stub") | ~Q(sale__role="sale")
)


def refunds(accounts: Accounts) -> QuerySet[Refund]:
    """Return the refunds that lists and sums show, with ``counts``.

    That is not kept in the row: it changes with the sale, whose ``updated_at`` tells of it.
    """
    rows = owned(Refund.objects.all(), accounts).filter(visible=True)
    rows = rows.annotate(counts=ExpressionWrapper(_COUNTS, BooleanField()))
    return rows.select_related("source", "location", "device", "employee").only(
        *_shown(Refund), *_SOURCE, *_JOINED
    )


def _references(model: type[Any], *joined: str) -> Callable[[Accounts], QuerySet[Any]]:
    columns = [f"{link}__{column}" for link in joined for column in ("external_id", "name")]

    def rows(accounts: Accounts) -> QuerySet[Any]:
        kept = owned(model.objects.all(), accounts).filter(deleted=False)
        return kept.select_related("source", *joined).only(*_shown(model), *_SOURCE, *columns)

    return rows


products = _references(Product, "category")
customers = _references(Customer)
locations = _references(Location)


def same_places(location: UUID) -> QuerySet[Any, UUID]:
    """Return the ids of a location and of all that a person called the same shop."""
    rows = Location.objects.filter(Q(id=location) | Q(same_as=location))
    return rows.values_list("id", flat=True)


def _grouped(rows: Iterable[Any], owner: str) -> Mapping[UUID, list[Any]]:
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, owner)].append(row)
    return groups


LINE_COLUMNS = (
    *("sale_id", "key", "parent_key", "kind", "product_id", "product_external_id", "name", "sku"),
    *("barcode", "category", "unit", "quantity", "unit_price", "gross", "discount", "total"),
    *("tax_code", "tax_rate", "tax_amount", "tax_included", "unit_cost", "cost"),
    *("settlement_method", "subject", "marking"),
)


def lines_of(accounts: Accounts, sale_ids: Sequence[UUID]) -> Mapping[UUID, list[Any]]:
    """Return the lines of each sale as named tuples: rows of models cost twice as much."""
    rows = owned(SaleLine.objects.all(), accounts).filter(sale_id__in=sale_ids)
    found = rows.order_by("sale_id", "pos").values_list(*LINE_COLUMNS, named=True)
    return _grouped(found, "sale_id")


def payments_of(accounts: Accounts, sale_ids: Sequence[UUID]) -> Mapping[UUID, list[Payment]]:
    """Return the payments of each sale that were stated and live."""
    rows = owned(Payment.objects.all(), accounts).filter(
        sale_id__in=sale_ids, deleted=False, amount__isnull=False
    )
    return _grouped(rows.order_by("pos", "paid_at", "id").only(*_shown(Payment)), "sale_id")


def refunds_of(accounts: Accounts, sale_ids: Sequence[UUID]) -> Mapping[UUID, list[Refund]]:
    """Return the refunds of each sale, oldest first."""
    rows = refunds(accounts).filter(sale_id__in=sale_ids)
    return _grouped(rows.order_by("occurred_at", "pos", "id"), "sale_id")


def fiscal_of(accounts: Accounts, owner_ids: Sequence[UUID]) -> Mapping[UUID, list[Fiscal]]:
    """Return the printed receipts of each sale or refund."""
    rows = owned(Fiscal.objects.all(), accounts).filter(owner_id__in=owner_ids)
    return _grouped(rows.order_by("owner_id", "pos").defer("stamp"), "owner_id")


def categories(accounts: Accounts) -> QuerySet[Category]:
    """Return the categories of products."""
    return owned(Category.objects.all(), accounts).filter(deleted=False)
