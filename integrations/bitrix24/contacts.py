"""Contacts of a portal: the customers of its deals."""

from collections.abc import Sequence

from integrations.answers import answers_of
from integrations.clocks import version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import ReferenceDraft, ReferenceKind


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read the answer of crm.contact.get; of several phones the first is the contact's."""
    contact = answers_of(event)[0]["result"]
    return (
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=contact["ID"].number(),
            version=version_of_answer(contact["DATE_MODIFY"].time(), context),
            content={
                "name": contact.joined("NAME", "SECOND_NAME", "LAST_NAME"),
                "phone": _first(contact, "PHONE"),
                "email": _first(contact, "EMAIL"),
            },
        ),
    )


def _first(contact: Reader, key: str) -> str | None:
    values = [item.maybe("VALUE", Reader.label) for item in contact.items(key)]
    return next(filter(None, values), None)
