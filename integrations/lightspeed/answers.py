"""Sales as the API of 2026-07 has them: other names than a webhook's, and the same numbers.

``_metadata.version`` is the version that a webhook names (x-series-api.lightspeedhq.com, read
2026-11).
"""

from collections.abc import Sequence

from integrations.answers import answers_of
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from sales.drafts import Payment, Rank, Version

from . import told

_STATES = {"closed": "completed", "voided": "voided", "parked": "open", "pending": "open"}
_VOIDED = "VOIDED"


def listed(event: Event, context: Context, /) -> Sequence[Statement] | None:
    """Ask for every sale of a page: what a search shows of one is not documented."""
    return [
        Read("sale", one["id"].id()) for page in answers_of(event) for one in page.items("data")
    ] or None


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a sale, or a return, as of its version; at equal versions, by the time of reading."""
    sale = answers_of(event)[0]["data"]
    source, back, totals = sale.get("source"), sale.get("return"), sale["totals"]
    author = None if source is None else source.get("author")
    currency = context.currency
    return told.stated(
        told.Told(
            place=sale,
            name=sale["id"].id(),
            version=_version(sale, context),
            status=_state(sale),
            number=sale.maybe("invoice_number", Reader.label),
            occurred_at=sale["date"].time("UTC"),
            created_at=sale.maybe("created_at", Reader.time, "UTC"),
            price=totals["price"].amount(currency),
            tax=totals["tax"].amount(currency),
            items=tuple(_item(one) for one in sale["line_items"] if not _is_void(one)),
            payments=tuple(_payment(one, context) for one in sale["payments"] if not _is_gone(one)),
            paid=sale["payments"],
            device=None if source is None else source.maybe("register_id", Reader.label),
            employee=None if author is None else author.maybe("id", Reader.label),
            customer=sale.maybe("customer_id", Reader.label),
            original=None if back is None else back.maybe("original_sale_id", Reader.label),
            is_return=back is not None and bool(back.maybe("is_return", Reader.boolean)),
        ),
        context,
    )


def _version(sale: Reader, context: Context) -> Version:
    seq = context.answered.sent if context.answered else 0
    return Version(Rank.FULL, int(sale["_metadata"]["version"].number()), seq)


def _state(sale: Reader) -> str:
    return "voided" if _is_gone(sale) else _STATES[sale["state"].one_of(frozenset(_STATES))]


def _is_gone(entity: Reader) -> bool:
    return entity.maybe("deleted_at", Reader.label) is not None


def _is_void(line: Reader) -> bool:
    return line.maybe("status", Reader.text) == _VOIDED


def _item(line: Reader) -> told.Item:
    pricing, tax = line["pricing"], line.get("tax")
    return told.item(
        line,
        line["product"]["id"],
        pricing["price"],
        pricing.get("discount"),
        None if tax is None else tax.get("amount"),
    )


def _payment(payment: Reader, context: Context) -> Payment:
    kind = payment.get("type")
    name = None if kind is None else kind.maybe("name", Reader.label)
    return told.payment(payment, name, "date", context)
