"""Accounts and contacts: the customers of an organization's opportunities."""

from collections.abc import Sequence

from integrations.contract import Context, Event, Statement
from integrations.reading import Reader
from sales.drafts import ReferenceDraft, ReferenceKind

from .records import id_of, is_deleted, record_of, version_of


def account(event: Event, context: Context, /) -> Sequence[Statement]:
    """State an account; one of a person has his e-mail address and mobile phone."""
    return _stated(event, context, phones=("Phone", "PersonMobilePhone"), email="PersonEmail")


def contact(event: Event, context: Context, /) -> Sequence[Statement]:
    """State a contact; where it has no phone of its own, its mobile one."""
    return _stated(event, context, phones=("Phone", "MobilePhone"), email="Email")


def _stated(
    event: Event, context: Context, *, phones: Sequence[str], email: str
) -> Sequence[Statement]:
    record = record_of(event, context)
    is_gone = is_deleted(record)
    called = [record.maybe(key, Reader.label) for key in phones]
    content = {
        "name": record.maybe("Name", Reader.label) or record.joined("FirstName", "LastName"),
        "phone": next(filter(None, called), None),
        "email": record.maybe(email, Reader.label),
    }
    return (
        ReferenceDraft(
            kind=ReferenceKind.CUSTOMER,
            external_id=id_of(record),
            version=version_of(record, context),
            content=None if is_gone else content,
            gone=is_gone,
        ),
    )
