"""What statements say of locations, tills, people, products, categories and customers.

A mention is a content statement of the lowest rank. Its clock is the statement's day, so that a
busy till does not rewrite its products at every receipt; the digest decides within a day, which
keeps it free of order. A mention that says nothing only makes sure that the row exists.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ..drafts import (
    Header,
    Line,
    Mention,
    Payment,
    Rank,
    Refund,
    SaleDraft,
    Version,
    digest,
    pack_stamp,
)
from ..statements import Stated
from . import rows

_DAY = 86_400_000_000
#: kind → its attributes in the order of the table's columns.
_ATTRIBUTES = {
    "category": ("name",),
    "customer": ("name", "phone", "email"),
    "device": ("name",),
    "employee": ("name",),
    "location": ("name", "address"),
    "product": ("name", "sku", "barcode", "unit", "category"),
}


class Named(NamedTuple):
    """Another entity, and what is said of it: nothing where ``stamp`` is empty.

    It is made once per source and content (a till says the same all day).
    """

    kind: str
    external_id: str
    stamp: bytes
    values: rows.Values


@lru_cache(maxsize=65536)
def _named(
    source_id: int,
    kind: str,
    external_id: str,
    said: tuple[str | None, ...],
    clock: int,
    mapper: int,
) -> Named:
    if not any(said):
        return Named(kind, external_id, b"", ())
    values: list[Any] = list(said)
    if kind == "product" and said[-1] is not None:
        values[-1] = rows.known_id(source_id, "category", said[-1])
    values += [None] * (len(_ATTRIBUTES[kind]) - len(values))
    stamp = pack_stamp(Version(Rank.MENTION, clock), mapper, digest(said))
    return Named(kind, external_id, stamp, tuple(values))


def _day(version: Version) -> int:
    return version.clock - version.clock % _DAY


def _mention(item: Stated, version: Version, kind: str, mention: Mention | None) -> Iterator[Named]:
    if mention is not None:
        said = (mention.name,)
        yield _named(item.source_id, kind, mention.external_id, said, _day(version), item.mapper)


def of_place(item: Stated, version: Version, value: Header | Payment | Refund) -> Iterator[Named]:
    """Yield where and by whom."""
    yield from _mention(item, version, "location", value.location)
    yield from _mention(item, version, "device", value.device)
    yield from _mention(item, version, "employee", value.employee)
    yield from _mention(item, version, "customer", getattr(value, "customer", None))


def _of_line(item: Stated, version: Version, line: Line) -> Iterator[Named]:
    clock = _day(version)
    if line.category is not None:
        yield _named(
            item.source_id, "category", line.category, (line.category,), clock, item.mapper
        )
    if line.product is not None:
        name = line.name if line.product.name is None else line.product.name
        said = (name, line.sku, line.barcode, line.unit, line.category)
        yield _named(item.source_id, "product", line.product.external_id, said, clock, item.mapper)


def of_sale(item: Stated, draft: SaleDraft) -> Iterator[Named]:
    """Yield whatever a sale mentions in its header, lines, customer, payments and refunds."""
    version = draft.version
    if draft.header is not None:
        yield from of_place(item, version, draft.header)
    if draft.customer is not None:
        yield from _mention(item, version, "customer", draft.customer.customer)
    for line in draft.lines or ():
        yield from _of_line(item, version, line)
    if draft.money is not None:
        for payment in draft.money.payments:
            yield from of_place(item, version, payment)
        for refund in draft.money.refunds:
            yield from of_refund(item, version, refund)


def of_refund(item: Stated, version: Version, refund: Refund) -> Iterator[Named]:
    """Yield whatever a refund mentions."""
    yield from of_place(item, version, refund)
    for line in refund.lines:
        if line.product is not None:
            # Of sku and unit a refund's line knows nothing: it must not speak over a sale's line.
            yield Named("product", line.product.external_id, b"", ())


def attributes(item: Stated, kind: str, draft: Any) -> tuple[rows.Values, list[Named]]:
    """Return the columns of a reference's own statement, and what it mentions itself."""
    content: Mapping[str, Any] = draft.content
    values = [content.get(name) for name in _ATTRIBUTES[kind]]
    if kind != "product" or values[-1] is None:
        return tuple(values), []
    category = values[-1] if isinstance(values[-1], Mention) else Mention(external_id=values[-1])
    values[-1] = rows.known_id(item.source_id, "category", category.external_id)
    return tuple(values), list(_mention(item, draft.version, "category", category))
