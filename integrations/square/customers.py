"""Customers of a seller. Two that are merged end, and a new one takes their place."""

from collections.abc import Sequence

from integrations.clocks import version, version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import Rank, ReferenceDraft, ReferenceKind

from .words import named, pushed


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read a customer as it is now, and the end of those that were merged into it."""
    merged = (gone_at(name.id(), event, context) for name in _merged(event))
    return (person(pushed(event, "customer"), context), *merged)


def deleted(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read the end of a customer."""
    return (gone_at(Reader(event.payload)["data"]["id"].id(), event, context),)


def gone_at(name: str, event: Event, context: Context) -> ReferenceDraft:
    """State that a customer is gone as of when its event was made."""
    return ReferenceDraft(
        kind=ReferenceKind.CUSTOMER,
        external_id=name,
        version=version(Rank.FULL, event.occurred_at, context),
        gone=True,
    )


def person(customer: Reader, context: Context) -> ReferenceDraft:
    """State a customer."""
    own = named(*(customer.maybe(key, Reader.label) for key in ("given_name", "family_name")))
    others = (customer.maybe(key, Reader.label) for key in ("company_name", "nickname"))
    return ReferenceDraft(
        kind=ReferenceKind.CUSTOMER,
        external_id=customer["id"].id(),
        version=version_of_answer(customer.maybe("updated_at", Reader.time), context),
        content={
            "name": own or next(filter(None, others), None),
            "phone": customer.maybe("phone_number", Reader.label),
            "email": customer.maybe("email_address", Reader.label),
        },
    )


def _merged(event: Event) -> Sequence[Reader]:
    context = Reader(event.payload)["data"]["object"].get("event_context")
    merge = None if context is None else context.get("merge")
    return () if merge is None else tuple(merge.items("from_customer_ids"))
