"""Items and customers, by the fields of the API; a variant is what is sold."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from integrations.clocks import version_of_answer
from integrations.contract import Context, Statement
from integrations.reading import Reader
from sales.drafts import Mention, ReferenceDraft, ReferenceKind


def products(item: Reader, context: Context) -> Sequence[Statement]:
    """State the variants of an item. What they say is dated by the later of the two: a name is put
    together of both."""
    found = []
    for variant in item["variants"]:
        times = [one.maybe("updated_at", Reader.time) for one in (item, variant)]
        is_gone = any(one.get("deleted_at") is not None for one in (item, variant))
        found.append(
            _draft(
                ReferenceKind.PRODUCT,
                variant["variant_id"].id(),
                max(filter(None, times), default=None),
                context,
                None if is_gone else _product(item, variant),
            )
        )
    return found


def _product(item: Reader, variant: Reader) -> Mapping[str, Any]:
    options = (variant.maybe(f"option{n}_value", Reader.label) for n in (1, 2, 3))
    names = [item.maybe("item_name", Reader.label), *options]
    category = item.maybe("category_id", Reader.id)
    return {
        "name": " / ".join(filter(None, names)) or None,
        "sku": variant.maybe("sku", Reader.label),
        "barcode": variant.maybe("barcode", Reader.label),
        "category": None if category is None else Mention(external_id=category),
    }


def customers(customer: Reader, context: Context) -> Sequence[Statement]:
    """State a customer."""
    content = {
        "name": customer.maybe("name", Reader.label),
        "phone": customer.maybe("phone_number", Reader.label),
        "email": customer.maybe("email", Reader.label),
    }
    is_gone = customer.get("deleted_at") is not None
    return (
        _draft(
            ReferenceKind.CUSTOMER,
            customer["id"].id(),
            customer["updated_at"].time(),
            context,
            None if is_gone else content,
        ),
    )


def _draft(
    kind: ReferenceKind,
    name: str,
    at: datetime | None,
    context: Context,
    content: Mapping[str, Any] | None,
) -> ReferenceDraft:
    return ReferenceDraft(
        kind=kind,
        external_id=name,
        version=version_of_answer(at, context),
        content=content,
        gone=content is None,
    )
