"""The catalogue: its variations are the products of an order's lines, its categories ours."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.answers import answers_of
from integrations.clocks import EPOCH, is_plausible, utc_text, version, version_of_answer
from integrations.contract import Context, Event, Read, Statement
from integrations.reading import Reader
from sales.drafts import Mention, Rank, ReferenceDraft, ReferenceKind

from .words import titled

#: A search may not show yet what changed a moment ago: it is asked a second time after this.
_SETTLE = 60.0
_ADDRESS = (
    *("address_line_1", "address_line_2", "locality"),
    *("administrative_district_level_1", "postal_code"),
)


def changed(event: Event, context: Context, /) -> Sequence[Statement]:
    """Ask for what changed in the catalogue: the event tells the time of the change, not what.

    A read is named after the hour it begins with, so that many changes are asked for once.
    """
    told = Reader(event.payload)["data"].get("object")
    when = event.occurred_at if told is None else told["catalog_version"]["updated_at"].time()
    if when is None or not is_plausible(when, context):
        when = EPOCH + timedelta(microseconds=context.received)
    since = (when.astimezone(UTC) - timedelta(minutes=1)).replace(minute=0, second=0, microsecond=0)
    return (Read("catalog", utc_text(since), settle=_SETTLE),)


def stated(event: Event, context: Context, /) -> Sequence[Statement]:
    """Read pages of the catalogue, the latest change first: it dates the whole answer."""
    found = [draft for page in answers_of(event) for draft in _page(page, context)]
    return sorted(found, key=lambda draft: -draft.version.clock)


def location(place: Reader, context: Context) -> ReferenceDraft:
    """State a location; it has no clock but that of asking."""
    address = place.get("address")
    lines = () if address is None else (address.maybe(key, Reader.label) for key in _ADDRESS)
    return _draft(
        ReferenceKind.LOCATION,
        place["id"].id(),
        None,
        context,
        {
            "name": place.maybe("name", Reader.label),
            "address": ", ".join(filter(None, lines)) or None,
        },
    )


def _page(page: Reader, context: Context) -> Iterator[ReferenceDraft]:
    for key in ("objects", "related_objects"):
        for one in page.items(key):
            read = _READS.get(one["type"].text(50))
            if read is not None:
                yield from read(one, context)


def _item(item: Reader, context: Context) -> Iterator[ReferenceDraft]:
    """Read the variations inside an item. What they state is dated by the later of the two: a name
    is put together of both."""
    data = item.get("item_data")
    if data is None:
        return
    for variation in data.items("variations"):
        gone = _is_deleted(item) or _is_deleted(variation)
        times = [one.maybe("updated_at", Reader.time) for one in (item, variation)]
        at = max(filter(None, times), default=None)
        content = None if gone else _product(data, variation)
        yield _draft(ReferenceKind.PRODUCT, variation["id"].id(), at, context, content)


def _product(item: Reader, variation: Reader) -> Mapping[str, Any]:
    data = variation["item_variation_data"]
    return {
        "name": titled(item.maybe("name", Reader.label), data.maybe("name", Reader.label)),
        "sku": data.maybe("sku", Reader.label),
        "barcode": data.maybe("upc", Reader.label),
        "category": _category_of(item),
    }


def _category_of(item: Reader) -> Mention | None:
    own = item.get("reporting_category") or next(item.items("categories"), None)
    return None if own is None else Mention(external_id=own["id"].id())


def _variation(variation: Reader, context: Context) -> Iterator[ReferenceDraft]:
    """Read the end of a variation; while it lives, its item tells of it, with the name of both."""
    if _is_deleted(variation):
        at = variation.maybe("updated_at", Reader.time)
        yield _draft(ReferenceKind.PRODUCT, variation["id"].id(), at, context, None)


def _category(category: Reader, context: Context) -> Iterator[ReferenceDraft]:
    content = (
        None
        if _is_deleted(category)
        else {"name": category["category_data"].maybe("name", Reader.label)}
    )
    at = category.maybe("updated_at", Reader.time)
    yield _draft(ReferenceKind.CATEGORY, category["id"].id(), at, context, content)


_READS: Mapping[str, Callable[[Reader, Context], Iterator[ReferenceDraft]]] = {
    "CATEGORY": _category,
    "ITEM": _item,
    "ITEM_VARIATION": _variation,
}


def _is_deleted(one: Reader) -> bool:
    return bool(one.maybe("is_deleted", Reader.boolean))


def _draft(
    kind: ReferenceKind,
    name: str,
    at: datetime | None,
    context: Context,
    content: Mapping[str, Any] | None,
) -> ReferenceDraft:
    """State an object, gone where it has no content. One answer tells of many objects, each by its
    own clock: what was known of one when we asked must not date the others."""
    sent = context.answered.sent if context.answered else 0
    own = version(Rank.FULL, at, context, seq=sent)
    return ReferenceDraft(
        kind=kind,
        external_id=name,
        version=version_of_answer(None, context) if at is None else own,
        content=content,
        gone=content is None,
    )
