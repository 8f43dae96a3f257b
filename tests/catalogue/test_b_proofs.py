"""Who sent it, when, and with which secret; and what a person or a file says of the same sale."""

import time
from datetime import timedelta

import pytest
from django.test import Client

from accounts.rls import scoped
from accounts.tokens import issue
from ingest import endpoints
from sales.drafts import Rank, Version
from tests.told import V1, header, sale, stored, tell
from tests.universe import Universe, make

from .counted import Counted
from .till import OTHER_SECRET, SECRET, Till, proof
from .till import sale as sale_event

pytestmark = pytest.mark.django_db(transaction=True)

BODY = sale_event()


def test_F41_a_captured_request_is_stale_after_five_minutes_and_a_duplicate_before(
    till: Till, counted: Counted
) -> None:
    before = counted.value("gjango_deliveries_rejected_total", cause="signature_stale")
    statuses = [
        till.post(BODY, name="msg_a", age=age).status_code for age in (0, 280, 320, -280, -320)
    ]
    till.settle()

    assert statuses == [200, 200, 401, 200, 401]
    assert till.outcomes() == ["recorded", "duplicate", "duplicate"]
    assert till.post(BODY, age=320).json()["code"] == "signature_stale"
    assert counted.reaches(before + 3, "gjango_deliveries_rejected_total", cause="signature_stale")


def rotate(till: Till, value: str, overlap: timedelta) -> None:
    """Replace the secret, and let the receiver's (short) cache forget the former."""
    with scoped([till.source.account_id]):
        endpoints.rotate_secret(till.source, value=value, overlap=overlap)
    time.sleep(0.05)


def test_F42_a_metric_says_whether_the_old_secret_is_still_used(
    till: Till, counted: Counted
) -> None:
    def used() -> float:
        return counted.value("gjango_ending_secret_used_total", source=str(till.source.pk))

    before = used()
    assert till.post(BODY).status_code == 200
    rotate(till, OTHER_SECRET, timedelta(hours=1))
    both = proof(BODY, name="msg_a")
    both["webhook-signature"] += (
        " " + proof(BODY, name="msg_a", secret=OTHER_SECRET)["webhook-signature"]
    )

    assert till.post(BODY, secret=OTHER_SECRET).status_code == 200
    assert till.post(BODY, headers=both).status_code == 200
    assert used() == before

    assert till.post(BODY, secret=SECRET).status_code == 200
    assert used() == before + 1
    rotate(till, OTHER_SECRET, timedelta(0))
    assert till.post(BODY, secret=SECRET).status_code == 401


def test_F43_a_secret_proves_its_own_source_only(till: Till) -> None:
    other = Till(till.server, slug="other")
    rotate(other, OTHER_SECRET, timedelta(0))
    tills = {SECRET: till, OTHER_SECRET: other}

    statuses = {
        (owner is target): target.post(BODY, secret=secret).status_code
        for secret, owner in tills.items()
        for target in tills.values()
    }

    assert statuses == {True: 200, False: 401}
    assert (till.staged(), other.staged()) == ([BODY], [BODY])


def test_F46_a_hand_outlives_the_provider_and_a_stale_etag_is_412(till: Till) -> None:
    till.take(sale_event(at=1))
    token = issue(till.source.account, "editor")[0]
    address = f"/sales/{till.sold().pk}/"
    client = Client(headers={"Authorization": f"Bearer {token}"})
    etag = client.get(address).headers["ETag"]

    edited = client.patch(address, {"number": "77"}, "application/json", headers={"If-Match": etag})
    till.take(sale_event(at=2, kind="sale.updated", number="12", total="12.00"))
    late = client.patch(address, {"number": "78"}, "application/json", headers={"If-Match": etag})

    assert (edited.status_code, late.status_code) == (200, 412)
    shown = client.get(address).json()
    assert (shown["number"], shown["total"]) == ("77", "12.00")
    assert shown["overrides"]["number"]["provider_value"] == "12"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["file first", "webhook first"])
def test_F47_a_file_row_and_a_webhook_of_one_id_are_one_sale_and_the_webhook_stands(
    order: tuple[int, int],
) -> None:
    """Rows of files state at the lowest rank, under the same ids of the same source."""
    world: Universe = make()
    said = [
        sale(Version(Rank.FILE, V1.clock + 9), header=header("1.00")),
        sale(V1, header=header("30.00")),
    ]

    with scoped([world.account]):
        for index in order:
            tell(world, said[index])

        assert stored().total == 30
