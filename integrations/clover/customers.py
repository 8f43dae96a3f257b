"""Customers of a merchant. They tell no time of a change: a read dates them."""

from collections.abc import Sequence

from integrations.answers import answers_of
from integrations.clocks import version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import ReferenceDraft, ReferenceKind

from .words import elements


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a customer with the first of its phones and addresses."""
    customer = answers_of(event)[0]
    return (
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=customer["id"].id(),
            version=version_of_answer(None, context),
            content={
                "name": customer.joined("firstName", "lastName"),
                "phone": _first(customer, "phoneNumbers", "phoneNumber"),
                "email": _first(customer, "emailAddresses", "emailAddress"),
            },
        ),
    )


def _first(customer: Reader, key: str, name: str) -> str | None:
    found = next(iter(elements(customer, key)), None)
    return None if found is None else found.maybe(name, Reader.label)
