"""What charges and refunds of Stripe make of a sale, in whatever order they come.

13.87 by card, 3.23 of it back        50.00 held, 42.00 taken, all of that back
"""

from datetime import UTC, datetime
from decimal import Decimal as D
from uuid import UUID

import pytest

from integrations import samples
from integrations.cases import RECEIVED, Unrecognised, Word, outcome
from integrations.contract import Read
from integrations.stripe import PROVIDER
from sales.merging import F, Settings, SourceSettings
from sales.statements import Stated


@pytest.mark.parametrize(
    ("names", "known", "refunded", "status"),
    [
        # 13.87 − 3.23: the pending refund counts once it is done, told twice it counts once.
        (["charge.succeeded__terminal", "refund.created__partial"], "implied", "0", "completed"),
        (
            [
                "charge.succeeded__terminal",
                "refund.created__partial",
                "refund.updated__partial",
                "charge.refund.updated__partial",
            ],
            "implied",
            "3.23",
            "partially_refunded",
        ),
        # The counter alone; beside the refund that it counted, in any state of that, never twice.
        (
            ["charge.succeeded__terminal", "charge.refunded__partial"],
            "implied",
            "3.23",
            "partially_refunded",
        ),
        (["charge.refunded__partial", "refund.created__partial"], "implied", "0", "completed"),
        (
            ["charge.refunded__partial", "refund.created__partial", "refund.updated__partial"],
            "implied",
            "3.23",
            "partially_refunded",
        ),
        (["charge.refunded__partial", "refund.failed__partial"], "implied", "0", "completed"),
        (["charge.captured__less", "refund.created__full"], "implied", "42.00", "refunded"),
        (
            ["charge.captured__less", "refund.created__full", "refund.failed__full"],
            "implied",
            "0",
            "completed",
        ),
        (["charge.succeeded__held"], "implied", "0", "open"),
        (["charge.succeeded__held", "charge.captured__less"], "implied", "0", "completed"),
        (["charge.failed__declined"], "implied", "0", "voided"),
        (["refund.updated__partial"], "stub", "3.23", "open"),
    ],
)
def test_charges_and_refunds_make_the_sale_in_whatever_order_they_come(
    names: list[str], known: str, refunded: str, status: str
) -> None:
    for order in (names, names[::-1]):
        (sale,) = F(told(order), [], Settings({1: SourceSettings("UTC")}))["sale"].values()

        found = (sale["known"], sale["refunded_total"], sale["status"])
        assert found == (known, D(refunded), status)


def told(names: list[str]) -> list[Stated]:
    received = datetime.fromtimestamp(RECEIVED / 1_000_000, UTC)
    recorded = samples.load("stripe")
    found: list[Stated] = []
    for name in names:
        case = outcome(PROVIDER, recorded[name])
        assert not isinstance(case, Word | Unrecognised)
        found += [
            Stated(one, 1, 1, UUID(int=len(found)), received, 1)
            for one in case
            if not isinstance(one, Read | Word)
        ]
    return found
