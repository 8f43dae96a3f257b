"""Customers, products and locations: what orders point to, as their own events state it."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.clocks import version
from integrations.contract import Context, Event, Normaliser, Statement
from integrations.reading import Reader
from sales.drafts import Rank, ReferenceDraft, ReferenceKind

_ADDRESS = ("address1", "address2", "city", "province", "zip")


def customer(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a customer. Without access to customers' data all of it is null, which is no statement:
    the customer is only named, so that nothing that was known is overwritten."""
    person = Reader(event.payload)
    content = {
        "name": person.joined("first_name", "last_name"),
        "phone": person.maybe("phone", Reader.label),
        "email": person.maybe("email", Reader.label),
    }
    known = any(value is not None for value in content.values())
    return [_draft(ReferenceKind.CUSTOMER, person, content if known else None, context)]


def product(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a product: lines name products, so variants are none. Article and barcode are those of
    its only variant; of several none is the product's own."""
    item = Reader(event.payload)
    variants = list(item.items("variants"))
    only = variants[0] if len(variants) == 1 else None
    content = {
        "name": item.maybe("title", Reader.label),
        "sku": None if only is None else only.maybe("sku", Reader.label),
        "barcode": None if only is None else only.maybe("barcode", Reader.label),
    }
    return [_draft(ReferenceKind.PRODUCT, item, content, context)]


def location(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a location; one that was deactivated stays, for its sales point to it."""
    place = Reader(event.payload)
    lines = (place.maybe(key, Reader.label) for key in _ADDRESS)
    content = {
        "name": place.maybe("name", Reader.label),
        "address": ", ".join(filter(None, lines)) or None,
    }
    return [_draft(ReferenceKind.LOCATION, place, content, context)]


def deleted(kind: ReferenceKind) -> Normaliser:
    """Return the reader of an end: nothing but an id, so the first receipt dates it."""

    def read(event: Event, context: Context, /) -> Sequence[Statement]:
        return [_draft(kind, Reader(event.payload), None, context, gone=True)]

    return read


def redacted(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read that a customer is to be forgotten: whatever was known of the person, nothing is."""
    nothing = dict.fromkeys(("name", "phone", "email"))
    person = Reader(event.payload)["customer"]
    return [_draft(ReferenceKind.CUSTOMER, person, nothing, context, gone=True)]


def _draft(
    kind: ReferenceKind,
    own: Reader,
    content: Mapping[str, Any] | None,
    context: Context,
    *,
    gone: bool = False,
) -> ReferenceDraft:
    at = None if gone else own["updated_at"].time()
    return ReferenceDraft(
        kind=kind,
        external_id=own["id"].id(),
        version=version(Rank.FULL, at, context),
        content=content,
        gone=gone,
    )
