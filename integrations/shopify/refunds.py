"""Refunds: inside an order, and as an event of their own. What came back is their transactions."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from integrations.clocks import is_plausible, version
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from integrations.sums import added
from sales.drafts import Payment, Rank, Refund, RefundDraft, RefundLine

from . import words

STATUSES = {
    "error": "failed",
    "failure": "failed",
    "pending": "pending",
    "success": "completed",
}
_RESTOCKED = {"cancel": True, "legacy_restock": True, "no_restock": False, "return": True}


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a refund's own event."""
    return of(Reader(event.payload), context)


def of(refund: Reader, context: Context) -> Sequence[Statement]:
    """Read a refund that stands alone."""
    return [_draft(refund, refund["order_id"].id(), Rank.FULL, context)]


def nested(refund: Reader, order_id: str, context: Context) -> RefundDraft:
    """Read a refund inside its order, a poorer view; ``context`` has the order's currency."""
    return _draft(refund, order_id, Rank.PARTIAL, context)


def _draft(refund: Reader, order_id: str, rank: Rank, context: Context) -> RefundDraft:
    transactions = [one for one in refund["transactions"] if one["kind"].text() == "refund"]
    payments = tuple(_payment(one, context) for one in transactions)
    currency = _currency(refund, transactions, payments) or context.currency
    tested = any(one.maybe("test", Reader.boolean) for one in transactions)
    occurred_at, created_at = words.time_of(refund), refund["created_at"].time()
    status, total = _outcome(refund, payments)
    lines = (*_lines(refund, currency), *_adjustments(refund, currency))
    return RefundDraft(
        external_id=refund["id"].id(),
        # A refund has one time; what grows while it stands is how many payments are decided.
        version=version(
            rank, created_at, context, seq=sum(one.status != "pending" for one in payments)
        ),
        content=Refund(
            status=status,
            total=total,
            currency=currency,
            occurred_at=occurred_at,
            provider_at=created_at,
            sale_external_id=order_id,
            # Where no money came back, no tax did: the line was edited away unpaid.
            tax_total=added(refund, (line.tax or Decimal(0) for line in lines if total)),
            lines=lines,
            payments=payments,
            location=next((one.location for one in payments if one.location), None),
            device=next((one.device for one in payments if one.device), None),
            employee=words.mention(refund, "user_id"),
            reason=refund.maybe("note", Reader.label),
            is_test=tested or context.is_test,
            anomalies=() if is_plausible(occurred_at, context) else ("clock",),
        ),
    )


def status_of(transaction: Reader) -> str:
    """Return our status of a transaction; raises for a word that Shopify does not document."""
    return STATUSES[transaction["status"].one_of(frozenset(STATUSES))]


def _payment(transaction: Reader, context: Context) -> Payment:
    amount, currency = words.shop_money(transaction, context)
    return Payment(
        status=status_of(transaction),
        amount=amount,
        currency=currency,
        external_id=transaction["id"].id(),
        paid_at=words.time_of(transaction),
        is_test=transaction.maybe("test", Reader.boolean) or context.is_test,
        **words.method_of(transaction),
        **words.place(transaction, context),
    )


def _currency(
    refund: Reader, transactions: Sequence[Reader], payments: Sequence[Payment]
) -> str | None:
    """Return the currency of a refund, if it says one; raises where its payments are of several."""
    if not payments:
        lines = (item.get("subtotal_set") for item in refund.items("refund_line_items"))
        return next((words.shop_currency(both) for both in lines if both is not None), None)
    currency = payments[0].currency
    for transaction, payment in zip(transactions, payments, strict=True):
        if payment.currency != currency:
            raise transaction.refuse("a refund in several currencies")
    return currency


def _outcome(refund: Reader, payments: Sequence[Payment]) -> tuple[str, Decimal]:
    """Return the status and the total: what came back, with what is still on its way."""
    alive = [one for one in payments if one.status != "failed"]
    total = added(refund, (one.amount for one in alive or payments))
    if payments and not alive:
        return "failed", total
    pending = any(one.status == "pending" for one in alive)
    return ("pending" if pending else "completed"), total


def _lines(refund: Reader, currency: str) -> Iterator[RefundLine]:
    for item in refund.items("refund_line_items"):
        sold = item.get("line_item")
        name = None if sold is None else sold.maybe("title", Reader.label)
        yield RefundLine(
            sale_line_key=item["line_item_id"].id(),
            product=None if sold is None else words.mention(sold, "product_id", name),
            name=name,
            quantity=item["quantity"].fine(),
            total=item["subtotal"].positive(currency),
            tax=item["total_tax"].positive(currency),
            restocked=_RESTOCKED.get(item.maybe("restock_type", Reader.text) or ""),
        )


def _adjustments(refund: Reader, currency: str) -> Iterator[RefundLine]:
    """Read what was given back besides lines: delivery, or a difference that somebody entered.

    Shopify writes money to the customer negative here; a line of ours is positive then.
    """
    for item in refund.items("order_adjustments"):
        tax = item.maybe("tax_amount", Reader.amount, currency)
        yield RefundLine(
            name=item.maybe("reason", Reader.label) or item.maybe("kind", Reader.label),
            total=0 - item["amount"].amount(currency),
            tax=None if tax is None else 0 - tax,
        )
