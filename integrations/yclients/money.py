"""Operations of a till (``finances_operation``): money that was paid for something sold.

They add nothing to what was sold: a payment belongs to the visit whose service it pays for. For
goods no document says what ``sold_item_id`` counts, so a payment for goods names no sale: a wrong
name would be a second sale of the same money.
"""

from collections.abc import Sequence

from integrations.contract import Context, EventUnsupported
from integrations.reading import Reader
from sales.drafts import Payment, PaymentDraft

from . import visits, words

KIND = "finances_operation"
_SERVICE = "service"
#: What an operation pays for; all others move money for other reasons (top-ups, wages, cash).
_SOLD = frozenset({_SERVICE, "goods_transaction"})


def stated(
    data: Reader, company: str, context: Context, *, gone: bool
) -> Sequence[PaymentDraft] | None:
    """State a payment; None for an operation that pays for nothing that was sold."""
    sold = data.maybe("sold_item_type", Reader.text)
    if sold not in _SOLD:
        return None
    amount = data["amount"].amount(context.currency)
    if amount < 0:
        # A refund, as users tell; no document says so, nor of which payment.
        raise EventUnsupported(f"{KIND} with a negative amount")
    record = words.number(data, "record_id") if sold == _SERVICE else None
    draft = PaymentDraft(
        external_id=f"{KIND}:{data['id'].number()}",
        version=words.as_of(data, context, gone=gone),
        sale_external_id=None if record is None else f"{visits.KIND}:{record}",
        content=Payment(
            method=_method(data),
            amount=amount,
            currency=context.currency,
            provider_method=_account(data),
            paid_at=data.maybe("date", words.time, context),
            location=words.location(company, context),
            employee=words.mention(data, "master"),
            customer=words.mention(data, "client"),
            is_test=context.is_test,
        ),
        gone=gone,
    )
    return [draft]


def _method(data: Reader) -> str:
    """Return cash where the till says so; what is not may be a card, a transfer or СБП."""
    till = data.get("account")
    if till is None or till.value == []:
        return "other"
    return "cash" if till.maybe("is_cash", words.flag) else "other"


def _account(data: Reader) -> str | None:
    till = words.mention(data, "account")
    return None if till is None else till.name
