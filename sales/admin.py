"""Sales and what they point to. All of it follows from deliveries: nothing is written here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.adminutil import OneAccount, Shown, table

from . import selectors
from .api.formats import fine, money, price
from .models import (
    Category,
    Customer,
    Device,
    Employee,
    Location,
    Payment,
    Product,
    Refund,
    Sale,
)

_STAMPS = (
    *("header_stamp", "lines_stamp", "money_stamp", "customer_stamp"),
    *("content_stamp", "gone_stamp", "ties"),
)
_SEARCH = ("id__exact", "external_id__exact")


def _column(name: str, title: str) -> Any:
    """Return a list's column that shows an amount."""

    @admin.display(description=title, empty_value="—")
    def column(row: Any) -> str | None:
        return money(getattr(row, name), row.currency)

    return column


class _Entity(Shown):
    hidden = _STAMPS
    search_fields = _SEARCH

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out what no page shows."""
        columns = {field.name for field in self.opts.concrete_fields}
        return super().get_queryset(request).defer(*(columns & {*self.hidden}))


@admin.register(Sale)
class SaleAdmin(_Entity):
    """A sale with its parts as tables."""

    list_display = (
        *("number", "occurred_at", _column("total", "итого"), "currency", "status", "kind"),
        *("source", "location", "known", "counts", "updated_at"),
    )
    list_filter = (OneAccount, "status", "kind", "known", "counts")
    list_select_related = ("source", "location")
    ordering = ("-updated_at", "-id")
    readonly_fields = ("lines", "payments", "refunds", "fiscal")

    @admin.display(description="позиции")
    def lines(self, row: Sale) -> SafeString:
        """Return the lines as a table."""
        heads = ("№", "название", "артикул", "кол-во", "цена", "до скидок", "скидка", "итого")
        found = selectors.lines_of([row.account_id], [row.id]).get(row.id, ())
        return table(
            heads,
            found,
            lambda x: (
                *(x.key, x.name, x.sku, fine(x.quantity), price(x.unit_price, row.currency)),
                *(money(amount, row.currency) for amount in (x.gross, x.discount, x.total)),
            ),
        )

    @admin.display(description="оплаты")
    def payments(self, row: Sale) -> SafeString:
        """Return the payments as a table."""
        found = selectors.payments_of([row.account_id], [row.id]).get(row.id, ())
        heads = ("способ", "состояние", "сумма", "валюта", "оплачено", "внешний код")
        return table(
            heads,
            found,
            lambda x: (
                *(x.method, x.status, money(x.amount, x.currency), x.currency),
                *(x.paid_at, x.external_id),
            ),
        )

    @admin.display(description="возвраты")
    def refunds(self, row: Sale) -> SafeString:
        """Return the refunds as a table."""
        found = selectors.refunds_of([row.account_id], [row.id]).get(row.id, ())
        heads = ("номер", "вид", "состояние", "сумма", "время", "внешний код")
        return table(
            heads,
            found,
            lambda x: (
                *(x.number, x.kind, x.status, money(x.total, x.currency)),
                *(x.occurred_at, x.external_id),
            ),
        )

    @admin.display(description="фискальные чеки")
    def fiscal(self, row: Sale | Refund) -> SafeString:
        """Return the printed receipts as a table."""
        found = selectors.fiscal_of([row.account_id], [row.id]).get(row.id, ())
        heads = ("ФН", "ФД", "ФП", "напечатан", "операция", "сумма")
        return table(
            heads,
            found,
            lambda x: (
                *(x.fn, x.fd, x.fp, x.printed_at, x.operation, money(x.total, row.currency)),
            ),
        )


@admin.register(Refund)
class RefundAdmin(_Entity):
    """A refund with its printed receipts."""

    list_display = (
        *("number", "occurred_at", _column("total", "итого"), "currency", "status", "kind"),
        *("source", "sale_external_id", "updated_at"),
    )
    list_filter = (OneAccount, "kind", "status")
    list_select_related = ("source",)
    ordering = ("-updated_at", "-id")
    readonly_fields = ("receipts",)

    @admin.display(description="фискальные чеки")
    def receipts(self, row: Refund) -> SafeString:
        """Return the printed receipts as a table."""
        return SaleAdmin.fiscal(SaleAdmin(Sale, self.admin_site), row)


@admin.register(Payment)
class PaymentAdmin(_Entity):
    list_display = (
        *("id", "method", "status", _column("amount", "сумма"), "currency", "paid_at", "source"),
    )
    list_filter = (OneAccount, "method", "status")
    list_select_related = ("source",)
    ordering = ("-id",)


@admin.register(Category, Customer, Device, Employee, Location, Product)
class ReferenceAdmin(_Entity):
    list_display = ("external_id", "name", "source", "deleted", "updated_at")
    list_select_related = ("source",)
    ordering = ("source_id", "external_id")
