"""What has to hold after the scenario, whatever failed in it: I1 to I5, and I9."""

import hashlib

from accounts.models import Source
from accounts.rls import scoped
from sales.models import Customer, Refund, Sale
from tasks.models import Attempt
from tasks.sweep import Sweeper
from tests.model.staged import assert_settled
from tests.settling import inbox_rows, make_due

from .scenario import BODIES, deliveries

#: Rounds of the sweep, each after all leases have ended.
ROUNDS = 8


def drain() -> None:
    """Let the sweep settle everything. Raises AssertionError where something stays."""
    for _ in range(ROUNDS):
        if not inbox_rows():
            return
        make_due()
        Sweeper().sweep()
    raise AssertionError(f"not settled: {inbox_rows()}")


def check(source: Source) -> None:
    """Hold what is stored to the invariants, and to the figures worked out by hand."""
    sent = {hashlib.sha256(body).digest() for body in BODIES.values()}
    staged = deliveries(source)
    assert {digest for _, digest in staged} == sent  # I1 and I2: all were acknowledged at last

    with scoped([source.account_id]):
        attempts = list(Attempt.objects.all())
        assert {one.delivery_id for one in attempts} >= {key for key, _ in staged}  # I3
        assert {one.outcome for one in attempts} <= {"recorded", "duplicate", "superseded"}
        assert max(one.number for one in attempts) <= 5  # I9

    assert_settled([source.account_id])  # I4

    with scoped([source.account_id]):  # I5: 10.00 sold, 4.00 of it returned; 5.00 by hand
        first = Sale.objects.get(source=source)
        (by_hand,) = Sale.objects.exclude(source=source)
        assert (first.total, first.refunded_total, first.net_total) == (10, 4, 6)
        assert (first.number, by_hand.external_id, by_hand.net_total) == ("77", "by-hand", 5)
        assert (Refund.objects.count(), Customer.objects.get(source=source).name) == (1, "Анна")
