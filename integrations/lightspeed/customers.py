"""Customers of a retailer, ordered by their version as sales are."""

from collections.abc import Sequence

from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import Rank, ReferenceDraft, ReferenceKind, Version


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a customer, or his end."""
    customer = Reader(event.payload)
    is_gone = bool(customer.maybe("deleted_at", Reader.label))
    content = {
        "name": customer.joined("first_name", "last_name") or customer.maybe("name", Reader.label),
        "phone": customer.maybe("phone", Reader.label) or customer.maybe("mobile", Reader.label),
        "email": customer.maybe("email", Reader.label),
    }
    return (
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=customer["id"].id(),
            version=version_of(customer),
            content=None if is_gone else content,
            gone=is_gone,
        ),
    )


def version_of(entity: Reader) -> Version:
    """Return the version of an object: the number that the retailer's changes are counted by, which
    is no time, and which nothing but another such number is compared to."""
    return Version(Rank.FULL, int(entity["version"].number()), 0)
