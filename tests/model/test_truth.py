"""Property 8: once the network is quiet, the rows are what the provider has."""

from decimal import Decimal

import pytest
from hypothesis import given, settings

from sales.merging.deriving import Table
from tests.comparing import reference
from tests.universe import Universe

from .arrivals import Site
from .histories import History, history, moves, quick, seeds
from .shops import Figures, Move, Parts

pytestmark = pytest.mark.django_db


def seen(tables: dict[str, Table]) -> dict[str, Figures]:
    """Return the figures of every sale that is seen."""
    return {
        row["external_id"]: Figures(
            row["total"], row["paid_total"], row["refunded_total"], row["status"]
        )
        for row in tables["sale"].values()
        if row["visible"]
    }


def alive(tables: dict[str, Table]) -> Parts:
    """Return payments and refunds with a life of their own."""
    found: dict[tuple[str, str], tuple[str, Decimal]] = {}
    for kind, amount in (("payment", "amount"), ("refund", "total")):
        for row in tables[kind].values():
            if row["content_stamp"] and not row["deleted"] and not row["owned"]:
                found[kind, row["external_id"]] = (row["status"], row[amount])
    return found


def assert_true(day: History, tables: dict[str, Table]) -> None:
    """Compare the tables to what the shop knows."""
    assert seen(tables) == day.shop.truth()
    assert alive(tables) == day.shop.parts()


@settings(quick, max_examples=40)
@given(played=moves, seed=seeds)
def test_property_08_what_is_known_is_what_the_provider_has(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed, exact=True)

    assert_true(day, reference(world, day.items))


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(quick, max_examples=1000, derandomize=False)
@given(played=moves, seed=seeds)
def test_property_08_what_is_known_is_what_the_provider_has_at_length(
    world: Universe, site: Site, played: list[Move], seed: int
) -> None:
    day = history(site, played, seed, exact=True)

    assert_true(day, reference(world, day.items))
