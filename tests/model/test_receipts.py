"""An undated event that came in several requests which differ is dated alike in any order."""

from datetime import UTC, datetime

import pytest

from tasks.pipeline import settle

from .shops.base import Sent, body_of, headers_of, sample
from .staged import assert_settled, open_site, put

pytestmark = pytest.mark.django_db(transaction=True)

_LIST = "documents_v1__sell_and_payback"


def _of_a_dead_battery() -> tuple[Sent, Sent]:
    """Return a list of two documents, and one of the first alone, dated to the last century."""
    sale, refund = sample("evotor", _LIST)
    sale["closeDate"] = f"{datetime(1999, 1, 1, tzinfo=UTC):%Y-%m-%dT%H:%M:%S}.000+0000"
    both, alone = ([sale, refund], [sale])
    headers = headers_of("evotor", _LIST)
    return Sent("PUT", "", headers, body_of(both)), Sent("PUT", "", headers, body_of(alone))


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_property_01_an_undated_element_of_several_lists_is_dated_alike_in_any_order(
    order: list[int],
) -> None:
    site = open_site("evotor")
    ids = put(site, _of_a_dead_battery())

    for place in order:
        settle([ids[place]])

    assert_settled([site.account_id])
