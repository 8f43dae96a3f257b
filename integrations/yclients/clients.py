"""Clients of a company: the customers of its sales."""

from collections.abc import Sequence

from integrations.contract import Context
from integrations.reading import Reader
from sales.drafts import ReferenceDraft, ReferenceKind

from . import words

_NAMES = ("surname", "name", "patronymic")


def stated(data: Reader, company: str, context: Context, *, gone: bool) -> Sequence[ReferenceDraft]:
    """State a client."""
    draft = ReferenceDraft(
        kind=ReferenceKind.CUSTOMER,
        external_id=data["id"].number(),
        version=words.as_of(data, context, gone=gone),
        content={
            "name": data.maybe("display_name", Reader.label) or data.joined(*_NAMES),
            "phone": data.maybe("phone", Reader.label),
            "email": data.maybe("email", Reader.label),
        },
        gone=gone,
    )
    return [draft]
