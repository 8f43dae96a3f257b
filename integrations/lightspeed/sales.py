"""Sales as a webhook has them: of API 1.0. Times without an offset are of UTC."""

from collections.abc import Sequence

from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import Payment

from . import told
from .customers import version_of

_VOIDED, _CLOSED = "VOIDED", "CLOSED"


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a sale, or a return, as of its version."""
    sale = Reader(event.payload)
    original = sale.maybe("return_for", Reader.label)
    currency = context.currency
    return told.stated(
        told.Told(
            place=sale,
            name=sale["id"].id(),
            version=version_of(sale),
            status=_state(sale),
            number=sale.maybe("invoice_number", Reader.label),
            occurred_at=sale["sale_date"].time("UTC"),
            created_at=sale.maybe("created_at", Reader.time, "UTC"),
            price=sale["total_price"].amount(currency),
            tax=sale["total_tax"].amount(currency),
            items=tuple(_item(one) for one in sale["register_sale_products"] if not _is_void(one)),
            payments=tuple(_payment(one, context) for one in sale.items("register_sale_payments")),
            paid=sale.get("register_sale_payments") or sale,
            device=sale.maybe("register_id", Reader.label),
            employee=sale.maybe("user_id", Reader.label),
            customer=sale.maybe("customer_id", Reader.label),
            original=original,
            is_return=original is not None,
        ),
        context,
    )


def _state(sale: Reader) -> str:
    """Return the state: laybys and sales on account are open until they are closed as well."""
    status = sale["status"].text(50)
    if status == _VOIDED:
        return "voided"
    return "completed" if status == _CLOSED or status.endswith(f"_{_CLOSED}") else "open"


def _is_void(line: Reader) -> bool:
    return line.maybe("status", Reader.text) == _VOIDED


def _item(line: Reader) -> told.Item:
    return told.item(line, line["product_id"], line["price"], line.get("discount"), line.get("tax"))


def _payment(payment: Reader, context: Context) -> Payment:
    name = payment.maybe("name", Reader.label)
    return told.payment(payment, name, "payment_date", context)
