"""Contacts of an account: the customers of its deals."""

from collections.abc import Sequence

from integrations.answers import answers_of
from integrations.clocks import version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import ReferenceDraft, ReferenceKind

from .deals import found


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for every contact of a page."""
    return found("contact", event, "lastmodifieddate")


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a contact; where it has no phone of its own, its mobile one."""
    contact = answers_of(event)[0]
    told = contact["properties"]
    return (
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=contact["id"].number(),
            version=version_of_answer(told["lastmodifieddate"].time(), context),
            content={
                "name": told.joined("firstname", "lastname"),
                "phone": told.maybe("phone", Reader.label)
                or told.maybe("mobilephone", Reader.label),
                "email": told.maybe("email", Reader.label),
            },
        ),
    )
