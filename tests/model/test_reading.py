"""How providers read and stamp: properties 14, 15 and 16."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations import answers
from integrations.contract import Event
from integrations.registry import PROVIDERS
from integrations.samples import answered, load, load_answers, signed
from sales.drafts import PaymentDraft, RefundDraft, SaleDraft, Version, pack_stamp
from sales.merging.deriving import Table
from sales.statements import Stated
from tests.comparing import assert_same, recorded, reference
from tests.universe import Universe

from .arrivals import Site, events, normalised
from .histories import RECEIVED, SLUGS, history, moves, quick, seeds, site_of
from .shops import Move

pytestmark = pytest.mark.django_db

_NEAR = [0, 1, 255, 256, 2**31, 2**50, 2**50 + 1, 2**63 - 1]
stamps = st.tuples(
    st.sampled_from([5, 10, 20, 30]),
    st.sampled_from(_NEAR),
    st.sampled_from(_NEAR),
    st.sampled_from([1, 2, 255, 256, 32767]),
    st.binary(min_size=8, max_size=8),
)


def packed(stamp: tuple[int, int, int, int, bytes]) -> bytes:
    rank, clock, seq, mapper, digest = stamp
    return pack_stamp(Version(rank, clock, seq), mapper, digest)


@settings(quick, max_examples=60)
@given(found=st.lists(stamps, min_size=2, max_size=30))
def test_property_14_python_and_postgresql_order_the_bytes_of_stamps_as_their_parts(
    db: None, found: list[tuple[int, int, int, int, bytes]]
) -> None:
    expected = [packed(stamp) for stamp in sorted(found)]

    with connection.cursor() as cursor:
        cursor.execute("SELECT s FROM unnest(%s::bytea[]) s ORDER BY s", [[*map(packed, found)]])
        by_the_database = [bytes(row[0]) for row in cursor.fetchall()]

    assert sorted(map(packed, found)) == expected == by_the_database


def facets(draft: Any) -> frozenset[str]:
    """Return what a draft states of its own entity."""
    if isinstance(draft, SaleDraft):
        stated = {n for n in ("header", "lines", "money", "customer") if getattr(draft, n)}
    else:
        stated = {"content"} if draft.content is not None else set()
    # What lies in a bin is told with its content, and is gone by the same stamp.
    return frozenset(stated or ({"gone"} if draft.gone else set()))


@pytest.mark.parametrize("slug", SLUGS)
@settings(quick, max_examples=80)
@given(played=moves, seed=seeds)
def test_property_15_all_events_of_a_type_state_the_same_facets(
    slug: str, played: list[Move], seed: int
) -> None:
    shapes: dict[tuple[str, str, str], set[frozenset[str]]] = {}
    day = history(site_of(slug, 1, 1), played, seed)
    for arrival in day.arrivals:
        for _, event in events(arrival):
            for draft in normalised(arrival.site, event, RECEIVED, arrival.delivery.answered):
                key = (event.type, type(draft).__name__, draft.external_id)
                shapes.setdefault(key, set()).add(facets(draft))

    assert {key: found for key, found in shapes.items() if len(found) > 1} == {}


#: Provider → recorded delivery → path of a word that changes while the object lives → its words.
STATES: Mapping[str, Mapping[str, tuple[str, tuple[Any, ...]]]] = {
    "square": {
        "payment.created__card_approved": (
            "data.object.payment.status",
            ("PENDING", "APPROVED", "COMPLETED", "CANCELED", "FAILED"),
        ),
        "refund.created__partial": (
            "data.object.refund.status",
            ("PENDING", "COMPLETED", "REJECTED", "FAILED"),
        ),
        "order.read__completed": (
            "answers.0.order.state",
            ("OPEN", "COMPLETED", "CANCELED", "DRAFT"),
        ),
        "order.read__return": ("answers.0.order.returns", (None,)),
    },
    "shopify": {
        "orders_create__pos": (
            "financial_status",
            (
                *("pending", "authorized", "partially_paid", "paid", "partially_refunded"),
                *("refunded", "voided", "expired", None),
            ),
        ),
        "orders_updated__changed": ("cancelled_at", (None, "2026-09-14T12:00:00-04:00")),
        "order_transactions_create__card": ("status", ("pending", "failure", "success", "error")),
        "refunds_create__croissant": (
            "transactions.0.status",
            ("pending", "failure", "success", "error"),
        ),
    },
    "standard": {
        "sale.created__full": ("data.status", ("open", "completed", "voided", None)),
        "refund.created__full": ("data.status", ("pending", "completed", "failed", None)),
        "payment.created__pending": (
            "data.status",
            ("pending", "approved", "completed", "failed", "cancelled"),
        ),
    },
    "evotor": {
        "document_sell__cash": ("body.payments", ([],)),
        "document_payback__croissant": ("body.base_document_id", (None, "another")),
    },
    "moysklad": {
        "retaildemand.read__cash": ("answers.0.applicable", (True, False)),
        "retaildemand.read__changed": ("answers.0.deleted", ("2026-09-14 23:00:00.000",)),
        "retailsalesreturn.read__partial": ("answers.0.applicable", (True, False)),
        "retailsalesreturn.read__full": ("answers.0.demand", (None,)),
    },
}


def _with(payload: Any, path: str, value: Any) -> Any:
    """Return a copy of a payload with another value at a path."""
    found = copy.deepcopy(payload)
    *above, last = path.split(".")
    place = found
    for name in above:
        place = place[int(name)] if name.isdigit() else place[name]
    place[last] = value
    return found


def _event(slug: str, name: str) -> Event:
    """Return the one event of a recorded delivery, or of a recorded answer."""
    provider, recorded = PROVIDERS[slug], load_answers(slug)
    if name in recorded:
        (event,) = answers.split(answered(recorded[name]))
    else:
        (event,) = provider.split(signed(load(slug)[name], provider))
    return event


def _states(slug: str) -> Iterator[tuple[str, Event, list[Event]]]:
    for name, (path, words) in STATES[slug].items():
        event = _event(slug, name)
        changed = [replace(event, payload=_with(event.payload, path, word)) for word in words]
        yield name, event, changed


@pytest.mark.parametrize("slug", SLUGS)
def test_property_15_no_state_of_an_object_says_nothing(slug: str) -> None:
    site = site_of(slug, 1, 1)

    for name, event, changed in _states(slug):
        shape = [facets(draft) for draft in normalised(site, event, RECEIVED)]
        assert shape, name
        for other in changed:
            drafts = normalised(site, other, RECEIVED)
            assert [facets(draft) for draft in drafts] == shape, (name, other.payload)


def corrected(item: Stated) -> Stated:
    """Return a statement as the next revision of its normaliser reads it: all amounts doubled."""
    draft: Any = item.draft
    if isinstance(draft, SaleDraft) and draft.header is not None and draft.header.total:
        header = replace(draft.header, total=draft.header.total * 2)
        draft = replace(draft, header=header)
    elif isinstance(draft, PaymentDraft) and draft.content is not None:
        draft = replace(draft, content=replace(draft.content, amount=draft.content.amount * 2))
    elif isinstance(draft, RefundDraft) and draft.content is not None:
        draft = replace(draft, content=replace(draft.content, total=draft.content.total * 2))
    return replace(item, draft=draft, mapper=item.mapper + 1)


def money(tables: dict[str, Table]) -> Decimal:
    """Return what all sales that count come to."""
    sales = tables["sale"].values()
    return sum((row["total"] for row in sales if row["counts"] and row["total"]), Decimal(0))


@quick
@given(played=moves, seed=seeds)
def test_property_16_a_new_mapper_leaves_its_own_reading_and_the_difference_in_money(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed, exact=True)
    anew = [corrected(item) for item in day.items]
    day.chance.shuffle(anew)

    before, after = recorded(world, [day.items]), recorded(world, [day.items, anew])

    assert_same(after, reference(world, anew))
    assert money(after) - money(before) == money(before)
