"""Contacts of an account: the customers of its leads."""

from collections.abc import Sequence

from integrations.clocks import version_of_answer
from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import ReferenceDraft, ReferenceKind


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a contact."""
    return [_contact(answer, context) for answer in Reader(event.payload)["answers"]]


def listed(event: Event, context: Context, /) -> Sequence[Statement]:
    """State the contacts of a page."""
    return [
        _contact(contact, context)
        for answer in Reader(event.payload)["answers"]
        for contact in answer["_embedded"]["contacts"]
    ]


def _contact(contact: Reader, context: Context) -> ReferenceDraft:
    """State a contact; of several phones the first is the contact's."""
    name = contact["id"].number()
    changed = version_of_answer(contact["updated_at"].seconds(), context)
    kind = ReferenceKind.CUSTOMER
    if contact.maybe("is_deleted", Reader.boolean):
        return ReferenceDraft(kind=kind, external_id=name, version=changed, gone=True)
    content = {
        "name": contact.maybe("name", Reader.label),
        "phone": _field(contact, "PHONE"),
        "email": _field(contact, "EMAIL"),
    }
    return ReferenceDraft(kind=kind, external_id=name, version=changed, content=content)


def _field(contact: Reader, code: str) -> str | None:
    """Return the first value of the field with this code: fields are known by nothing else."""
    for field in contact.items("custom_fields_values"):
        if field.maybe("field_code", Reader.text) == code:
            for value in field.items("values"):
                return value.maybe("value", Reader.label)
    return None
