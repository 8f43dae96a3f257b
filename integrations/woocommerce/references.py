"""Customers and products of a shop."""

from collections.abc import Sequence

from integrations.clocks import version
from integrations.contract import Context, Event, Normaliser, Statement
from integrations.reading import Reader
from sales.drafts import Rank, ReferenceDraft, ReferenceKind

from .words import modified

_NAMES = ("first_name", "last_name")


def customer(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a customer as it is now."""
    found = Reader(event.payload)
    billing = found.get("billing")
    return [
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=found["id"].id(),
            version=version(Rank.FULL, modified(found), context),
            content={
                "name": found.joined(*_NAMES) or (billing and billing.joined(*_NAMES)),
                "phone": billing and billing.maybe("phone", Reader.label),
                "email": found.maybe("email", Reader.label),
            },
        )
    ]


def product(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a product as it is now."""
    found = Reader(event.payload)
    return [
        ReferenceDraft(
            kind=ReferenceKind.PRODUCT,
            external_id=found["id"].id(),
            version=version(Rank.FULL, modified(found), context),
            content={
                "name": found.maybe("name", Reader.label),
                "sku": found.maybe("sku", Reader.label),
            },
        )
    ]


def _gone(kind: ReferenceKind) -> Normaliser:
    def normalise(event: Event, context: Context, /) -> Sequence[Statement]:
        """Read the end of it: nothing but its id, so the first receipt dates it."""
        name = Reader(event.payload)["id"].id()
        at = version(Rank.FULL, None, context)
        return [ReferenceDraft(kind=kind, external_id=name, version=at, gone=True)]

    return normalise


customer_gone, product_gone = _gone(ReferenceKind.CUSTOMER), _gone(ReferenceKind.PRODUCT)
