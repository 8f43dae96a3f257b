"""Property 10: what a person set stands, whatever the provider says and whenever it says it.

What is expected is worked out here from the edits alone; of the provider's own values the tables
without any edit tell.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.drafts import CLEAR, Edit
from sales.merging.deriving import Row
from sales.statements import Stated
from tests.comparing import assert_same, chopped, recorded, reference
from tests.universe import Universe

from .arrivals import Site
from .histories import RECEIVED, history, moves, quick, seeds
from .shops import Move

pytestmark = pytest.mark.django_db


class Set(NamedTuple):
    """One edit of one field. ``sale`` counts the sales of the shop; one more is never delivered."""

    sale: int
    field: str
    value: Any
    at: int


_VALUES: Mapping[str, tuple[Any, ...]] = {
    "number": ("7", None),
    "total": ("1.00", "2.00", None),
    "deleted": (True, False),
    "lines": ([], [{"name": "Рука", "gross": "1.00"}]),
}
edits = st.lists(
    st.sampled_from(sorted(_VALUES)).flatmap(
        lambda name: st.builds(
            Set,
            sale=st.integers(0, 3),
            field=st.just(name),
            value=st.sampled_from([*_VALUES[name], CLEAR]),
            at=st.integers(0, 4),
        )
    ),
    min_size=1,
    max_size=8,
)


def _sales(items: Sequence[Stated]) -> list[str]:
    names = {item.draft.external_id for item in items if hasattr(item.draft, "external_id")}
    found = [item.draft for item in items if not isinstance(item.draft, Edit)]
    parents = {getattr(draft, "sale_external_id", None) for draft in found}
    return [*sorted(name for name in names | parents if name), "never delivered"]


def _edited(site: Site, sales: Sequence[str], sets: Sequence[Set]) -> list[Stated]:
    return [
        Stated(
            Edit(
                kind="sale",
                source_id=site.source_id,
                external_id=sales[one.sale % len(sales)],
                at=one.at,
                fields={one.field: one.value},
            ),
            site.account_id,
            site.source_id,
            UUID(int=place),
            RECEIVED,
            1,
        )
        for place, one in enumerate(sets)
    ]


def _last(edits: Sequence[Stated]) -> dict[tuple[str, str], Any]:
    """Return what stands of each field: the last, by time and then by delivery."""
    found: dict[tuple[str, str], tuple[tuple[int, str], Any]] = {}
    for item in edits:
        assert isinstance(item.draft, Edit)
        for name, value in item.draft.fields.items():
            key, when = (item.draft.external_id, name), (item.draft.at, str(item.delivery_id))
            if key not in found or found[key][0] < when:
                found[key] = (when, value)
    return {key: value for key, (_, value) in found.items() if value != CLEAR}


def _amount(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


#: Field → what its column has to be, given what a person set.
_READ: Mapping[str, Callable[[Any], Any]] = {
    "number": lambda value: value,
    "total": _amount,
    "deleted": lambda value: value,
}


@quick
@given(played=moves, seed=seeds, sets=edits)
def test_property_10_the_last_edit_of_a_field_stands_until_it_is_cleared(
    world: Universe, site: Site, played: list[Move], seed: int, sets: list[Set]
) -> None:
    day = history(site, played, seed)
    said = _edited(site, _sales(day.items), sets)
    plain = {row["external_id"]: row for row in recorded(world, [day.items])["sale"].values()}

    found = recorded(world, chopped([*day.items, *said], random.Random(seed)))

    assert_same(found, reference(world, [*day.items, *said]))
    stands = _last(said)
    for row in found["sale"].values():
        mine = {name: value for (sale, name), value in stands.items() if sale == row["external_id"]}
        names = [line["name"] for line in found["line"].values() if line["sale_id"] == row["id"]]
        _assert_layered(row, plain.get(row["external_id"]), mine)
        assert "lines" not in mine or names == [line["name"] for line in mine["lines"]]


def _assert_layered(row: Row, plain: Row | None, mine: Mapping[str, Any]) -> None:
    """Compare a row to a person's values, and where none is set to the provider's."""
    for name, read in _READ.items():
        if name in mine:
            assert row[name] == read(mine[name]), name
        elif plain is not None:
            assert row[name] == plain[name], name
    kept = set(row["base"] or {})
    assert kept == set(mine) - {"deleted"}
