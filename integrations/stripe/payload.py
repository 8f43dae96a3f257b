"""From an event of Stripe to what it states.

The clock is the event's ``created``, whole seconds: the objects carry no time of their change.
What happens to an object within one second is ordered by what can only go forward: the captured
and the refunded amount of a charge, the type of the event for the others.

An event of the list is the very object that a webhook brings, so one table reads both: a reading
is given the place of the event, which is the whole body or an item of a page.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from integrations.answers import answers_of
from integrations.clocks import is_plausible, version
from integrations.contract import Context, Delivery, Event, Normaliser
from integrations.reading import Reader, parse_json
from sales.drafts import (
    Draft,
    Mention,
    Payment,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    ReferenceKind,
    Refund,
    RefundDraft,
    Version,
)
from sales.money import is_currency

#: What a charge already says, and what is about no sale.
IGNORED = frozenset(
    {
        "account.updated",
        "balance.available",
        "payment_intent.canceled",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "payout.paid",
        "terminal.reader.action_failed",
        "terminal.reader.action_succeeded",
    }
)
_REFUND_STATUS = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "failed",
}
_CHARGE_STATUS = {"succeeded": "completed", "pending": "pending", "failed": "failed"}
#: ``payment_method_details.type`` → method; the text itself is kept as the provider's method.
_METHODS = dict.fromkeys(("card_present", "interac_present", "card"), "card")
#: Their smallest unit is at Stripe another than in ISO-4217, and no source of ours settles which.
_UNSETTLED = frozenset({"ISK", "MGA", "UGX"})
_SECOND = timedelta(seconds=1)

#: What an event at its place states.
Reading = Callable[[Reader, Context], Sequence[Draft]]


def split(delivery: Delivery) -> list[Event]:
    """Return the one event; a thin one (``v2.core.event``) writes its time otherwise."""
    body = Reader(parse_json(delivery.body))
    is_thin = body["object"].text(50) == "v2.core.event"
    return [
        Event(
            key=body["id"].id(),
            type=body["type"].text(100),
            payload=body.value,
            occurred_at=None if is_thin else body["created"].seconds(),
            merchant=body.maybe("account", Reader.id),
        )
    ]


def _object(event: Reader) -> Reader:
    return event["data"]["object"]


def _occurred_at(event: Reader) -> datetime:
    return event["created"].seconds()


def _is_test(event: Reader, context: Context) -> bool:
    return context.is_test or not event["livemode"].boolean()


def _stamp(event: Reader, context: Context, seq: int) -> Version:
    return version(Rank.FULL, _occurred_at(event), context, seq=seq)


def _currency(document: Reader) -> str:
    found = document["currency"].text(3).upper()
    if not is_currency(found):
        raise document["currency"].refuse("not a currency of ISO-4217")
    if found in _UNSETTLED:
        raise document["currency"].refuse("a currency whose smallest unit is not settled")
    return found


def _minor(document: Reader, name: str, currency: str) -> Reader:
    """Return the place of an amount that is zero or more."""
    if document[name].minor(currency) < 0:
        raise document[name].refuse("a negative amount")
    return document[name]


def _link(reader: Reader) -> Mention:
    return Mention(external_id=reader.id())


def charge(event: Reader, context: Context, /) -> Sequence[PaymentDraft]:
    """State a payment. Its sale is the intent; of a charge without one, the charge itself."""
    found = _object(event)
    name, currency = found["id"].id(), _currency(found)
    status = _CHARGE_STATUS[found["status"].one_of(frozenset(_CHARGE_STATUS))]
    captured = found["captured"].boolean()
    if status == "completed" and not captured:
        status = "approved"
    taken = "amount_captured" if captured else "amount"
    method = found["payment_method_details"]
    kind = method["type"].text(50)
    details = method.get(kind)
    content = Payment(
        external_id=name,
        method=_METHODS.get(kind, "other"),
        provider_method=kind,
        status=status,
        amount=_minor(found, taken, currency).minor(currency),
        currency=currency,
        paid_at=found["created"].seconds(),
        refunded_cum=_minor(found, "amount_refunded", currency).minor(currency),
        counted_at=_occurred_at(event),
        last4=None if details is None else details.maybe("last4", Reader.id, 4),
        location=None if details is None else details.maybe("location", _link),
        device=None if details is None else details.maybe("reader", _link),
        customer=found.maybe("customer", _link),
        is_test=_is_test(event, context),
    )
    forward = 2 * _minor(found, "amount_refunded", currency).integer() + captured
    return (
        PaymentDraft(
            external_id=name,
            version=_stamp(event, context, forward),
            sale_external_id=found.maybe("payment_intent", Reader.id) or name,
            content=content,
        ),
    )


def _refund(seq: int) -> Reading:
    """Return the reading of a refund's event; ``seq`` orders the types within a second."""

    def read(event: Reader, context: Context, /) -> Sequence[RefundDraft]:
        found = _object(event)
        name, currency = found["id"].id(), _currency(found)
        occurred_at = found["created"].seconds()
        content = Refund(
            external_id=name,
            sale_external_id=found.maybe("payment_intent", Reader.id),
            payment_external_id=found.maybe("charge", Reader.id),
            status=_REFUND_STATUS[found["status"].one_of(frozenset(_REFUND_STATUS))],
            total=_minor(found, "amount", currency).minor(currency),
            currency=currency,
            occurred_at=occurred_at,
            provider_at=_occurred_at(event),
            reason=found.maybe("reason", Reader.label),
            is_test=_is_test(event, context),
            anomalies=() if is_plausible(occurred_at, context) else ("clock",),
        )
        return (
            RefundDraft(external_id=name, version=_stamp(event, context, seq), content=content),
        )

    return read


def _customer(seq: int) -> Reading:
    """Return the reading of a customer's event; ``seq`` orders the types within a second."""

    def read(event: Reader, context: Context, /) -> Sequence[ReferenceDraft]:
        found = _object(event)
        return (
            ReferenceDraft(
                kind=ReferenceKind.CUSTOMER,
                external_id=found["id"].id(),
                version=_stamp(event, context, seq),
                content={key: found.maybe(key, Reader.label) for key in ("name", "phone", "email")},
            ),
        )

    return read


def customer_deleted(event: Reader, context: Context, /) -> Sequence[ReferenceDraft]:
    """State the end of a customer, to the end of the second in which it came."""
    return (
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=_object(event)["id"].id(),
            version=version(Rank.FULL, _occurred_at(event), context, round_up=_SECOND),
            gone=True,
        ),
    )


READINGS: Mapping[str, Reading] = {
    **dict.fromkeys(
        (
            "charge.succeeded",
            "charge.updated",
            "charge.captured",
            "charge.failed",
            "charge.refunded",
        ),
        charge,
    ),
    "refund.created": _refund(0),
    "refund.updated": _refund(1),
    "charge.refund.updated": _refund(1),
    "refund.failed": _refund(2),
    "customer.created": _customer(0),
    "customer.updated": _customer(1),
    "customer.deleted": customer_deleted,
}


def _pushed(read: Reading) -> Normaliser:
    """Return the normaliser of an event that a webhook brings: the event is the whole body."""

    def normalise(event: Event, context: Context, /) -> Sequence[Draft]:
        return read(Reader(event.payload), context)

    return normalise


def _listed(event: Event, context: Context, /) -> Sequence[Draft]:
    """Read a page of events, each as if it had been pushed; what was not asked for says nothing.

    An event of another connected account than the source's own is refused: the sales of one
    merchant are never stated as those of another.
    """
    own = context.settings.get("account")
    found: list[Draft] = []
    for page in answers_of(event):
        for one in page["data"]:
            one["id"].id()  # the next page is asked for by it
            account = one.maybe("account", Reader.id)
            if own and account and account != own:
                raise one["account"].refuse("another account than the source's")
            read = READINGS.get(one["type"].text(100))
            found += read(one, context) if read else ()
    return found


NORMALISERS: Mapping[str, Normaliser] = {
    **{name: _pushed(read) for name, read in READINGS.items()},
    "event.listed": _listed,
}
