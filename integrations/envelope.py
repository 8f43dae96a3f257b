"""The envelope ``{"type", "timestamp", "data"}`` of our standard schema: key, clock, types."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sales.drafts import Rank, ReferenceDraft, ReferenceKind, RefundDraft, SaleDraft, Version

from .clocks import version
from .contract import Context, Delivery, Event, Normaliser, PayloadUnrecognised, Statement
from .parts import own_id
from .reading import ID_LIMIT, Reader, parse_json
from .schema import payment_draft, reference_draft, refund_draft, sale_draft, voided_draft


def split(delivery: Delivery) -> list[Event]:
    """Return the one event of an envelope ``{"type", "timestamp", "data"}``.

    Its key is the header ``webhook-id``, else the hash of the body. The header
    ``webhook-timestamp`` dates an attempt to send and is never read.
    """
    envelope = Reader(parse_json(delivery.body))
    return [
        Event(
            key=_key(delivery),
            type=envelope["type"].text(100),
            payload=envelope.value,
            occurred_at=_lenient_time(envelope),
        )
    ]


def _key(delivery: Delivery) -> str:
    """Return the id of the message; one that is no plain short text is hashed."""
    key = delivery.headers.get("webhook-id") or delivery.headers.get("svix-id")
    if not key:
        return hashlib.sha256(delivery.body).hexdigest()
    plain = len(key) <= ID_LIMIT and key.isascii() and key.isprintable()
    return key if plain else hashlib.sha256(key.encode()).hexdigest()


def _lenient_time(envelope: Reader) -> datetime | None:
    """Return the envelope's time for display; its normaliser judges a bad one."""
    try:
        return envelope.maybe("timestamp", Reader.time, "UTC")
    except PayloadUnrecognised:
        return None


def _sale_gone(data: Reader, version: Version, context: Context) -> SaleDraft:
    return SaleDraft(external_id=own_id(data), version=version, gone=True)


def _refund_gone(data: Reader, version: Version, context: Context) -> RefundDraft:
    return RefundDraft(external_id=own_id(data), version=version, gone=True)


def _reference_gone(
    kind: ReferenceKind, data: Reader, version: Version, context: Context
) -> ReferenceDraft:
    return ReferenceDraft(kind=kind, external_id=own_id(data), version=version, gone=True)


def _enveloped(read: Callable[[Reader, Version, Context], Statement]) -> Normaliser:
    """Return the normaliser of an envelope: the clock is its ``timestamp``, else the receipt."""

    def normalise(event: Event, context: Context) -> Sequence[Statement]:
        envelope = Reader(event.payload)
        time = envelope.maybe("timestamp", Reader.time, context.timezone)
        return (read(envelope["data"], version(Rank.FULL, time, context), context),)

    return normalise


def _referring(
    read: Callable[[ReferenceKind, Reader, Version, Context], Statement], kind: ReferenceKind
) -> Normaliser:
    return _enveloped(partial(read, kind))


#: Type of event → its normaliser.
NORMALISERS: Mapping[str, Normaliser] = {
    "sale.created": _enveloped(sale_draft),
    "sale.updated": _enveloped(sale_draft),
    "sale.voided": _enveloped(voided_draft),
    "sale.deleted": _enveloped(_sale_gone),
    "refund.created": _enveloped(refund_draft),
    "refund.updated": _enveloped(refund_draft),
    "refund.deleted": _enveloped(_refund_gone),
    "payment.created": _enveloped(payment_draft),
    "payment.updated": _enveloped(payment_draft),
    "customer.created": _referring(reference_draft, ReferenceKind.CUSTOMER),
    "customer.updated": _referring(reference_draft, ReferenceKind.CUSTOMER),
    "customer.deleted": _referring(_reference_gone, ReferenceKind.CUSTOMER),
    "product.created": _referring(reference_draft, ReferenceKind.PRODUCT),
    "product.updated": _referring(reference_draft, ReferenceKind.PRODUCT),
    "product.deleted": _referring(_reference_gone, ReferenceKind.PRODUCT),
    "location.created": _referring(reference_draft, ReferenceKind.LOCATION),
    "location.updated": _referring(reference_draft, ReferenceKind.LOCATION),
}
