"""Drafts taken apart: one statement per facet, and a mention of every other entity in them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..drafts import (
    Edit,
    Header,
    Mention,
    Payment,
    PaymentDraft,
    Rank,
    ReferenceDraft,
    Refund,
    SaleDraft,
    Version,
)
from ..statements import Stated

DAY = 86_400_000_000


class Statement(NamedTuple):
    """One facet of one entity as of a stamp; without a facet the entity is only named."""

    kind: str
    external_id: str
    facet: str | None = None
    version: Version | None = None
    value: Any = None
    said: Any = None  # what the digest stands for, where it is not the value


def statements(item: Stated) -> Iterator[Statement]:
    """Take a draft apart into statements, mentions of other entities included."""
    draft = item.draft
    assert not isinstance(draft, Edit)  # noqa: S101
    version = draft.version
    if isinstance(draft, SaleDraft):
        name, kind = draft.external_id, "sale"
        for facet in ("header", "lines", "money", "customer"):
            if (value := getattr(draft, facet)) is not None:
                yield Statement(kind, name, facet, version, value)
        yield from _mentions_of_sale(draft)
    elif isinstance(draft, ReferenceDraft):
        name, kind = draft.external_id, str(draft.kind)
        if draft.content is not None:
            yield Statement(kind, name, "content", version, draft.content)
            if (category := category_of(draft.content)) is not None:
                yield from _mention("category", category, version)
    elif isinstance(draft, PaymentDraft):
        name, kind = draft.external_id, "payment"
        if draft.content is not None:
            value = (draft.sale_external_id, draft.content)
            yield Statement(kind, name, "content", version, value)
            if draft.sale_external_id is not None:
                yield Statement("sale", draft.sale_external_id)
            yield from _mentions_of_place(draft.content, version)
    else:
        name, kind = draft.external_id, "refund"
        if (refund := draft.content) is not None:
            yield Statement(kind, name, "content", version, refund)
            if refund.sale_external_id is not None:
                yield Statement("sale", refund.sale_external_id)
            if refund.payment_external_id is not None:
                yield Statement("payment", refund.payment_external_id)
            yield from _mentions_of_refund(refund, version)
    yield Statement(kind, name)
    if draft.gone:
        yield Statement(kind, name, "gone", version, True)


def category_of(content: Mapping[str, Any]) -> Mention | None:
    found = content.get("category")
    return Mention(external_id=found) if isinstance(found, str) else found


def _mention(kind: str, mention: Mention | None, version: Version) -> Iterator[Statement]:
    if mention is not None:
        yield from _said(kind, mention.external_id, {"name": mention.name}, version)


def _said(kind: str, name: str, said: dict[str, Any], version: Version) -> Iterator[Statement]:
    """State the little that somebody else's statement says, as of its day."""
    yield Statement(kind, name)
    if any(said.values()):
        day = Version(Rank.MENTION, version.clock // DAY * DAY)
        yield Statement(kind, name, "content", day, said, tuple(said.values()))


def _mentions_of_place(value: Header | Payment | Refund, version: Version) -> Iterator[Statement]:
    for kind in ("location", "device", "employee", "customer"):
        yield from _mention(kind, getattr(value, kind, None), version)


def _mentions_of_refund(refund: Refund, version: Version) -> Iterator[Statement]:
    yield from _mentions_of_place(refund, version)
    for line in refund.lines:
        if line.product is not None:
            yield Statement("product", line.product.external_id)


def _mentions_of_sale(draft: SaleDraft) -> Iterator[Statement]:
    version = draft.version
    if draft.header is not None:
        yield from _mentions_of_place(draft.header, version)
    if draft.customer is not None:
        yield from _mention("customer", draft.customer.customer, version)
    for line in draft.lines or ():
        if line.category is not None:
            yield from _said("category", line.category, {"name": line.category}, version)
        if line.product is not None:
            said = {name: getattr(line, name) for name in "name sku barcode unit category".split()}
            said["name"] = line.product.name or line.name
            yield from _said("product", line.product.external_id, said, version)
    if draft.money is not None:
        for payment in draft.money.payments:
            yield from _mentions_of_place(payment, version)
        for refund in draft.money.refunds:
            yield from _mentions_of_refund(refund, version)
