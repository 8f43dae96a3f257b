"""Settling, seen from outside: deliveries in, outcomes and sales out."""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import pytest
from django.db import connection, transaction

from accounts.rls import scoped
from integrations.contract import PayloadUnrecognised
from tasks import batch, inbox
from tasks.batch import How
from tasks.loading import Loaded
from tasks.models import DeadLetter, Fetch
from tasks.pipeline import _settle, settle, settle_inside
from tests.settling import (
    TOYS,
    dead_letters,
    inbox_rows,
    ledger,
    make_due,
    make_source,
    outcomes_of,
    put,
    put_apart,
    sale_event,
    sales,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLE_BACKOFF", "0.000001")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (sale_event("e1"), "recorded"),
        ({"id": "e1", "type": "read", "sale": "s1"}, "fetching"),
        ({"id": "e1", "type": "shift"}, "ignored"),
        ({"id": "e1", "type": "nothing"}, "ignored"),
        ({"id": "e1", "type": "no such type"}, "unsupported"),
        ({"id": "e1", "type": "unrecognised"}, "dead"),
        (b"\xff\xfe", "dead"),
        ([], "ignored"),
    ],
)
def test_each_event_ends_with_one_outcome(body: object, outcome: str) -> None:
    source = make_source()
    ids = put(source, body)

    counted = settle(ids, providers=TOYS)

    assert counted == {outcome: 1}
    assert outcomes_of(source) == [outcome]
    assert inbox_rows() == []


def test_a_repeated_delivery_is_a_duplicate_and_a_new_version_is_not() -> None:
    source = make_source()
    first, again, newer = put(
        source, sale_event("e1", at=1), sale_event("e1", at=1), sale_event("e2", at=2)
    )

    settle([first], providers=TOYS)
    settle([again, newer], providers=TOYS)

    assert outcomes_of(source, again) == ["duplicate"]
    assert outcomes_of(source, newer) == ["recorded"]
    assert len(ledger(source)) == 2


def test_F22_repetitions_within_one_batch_are_one_event() -> None:
    source = make_source()
    ids = put(source, *[sale_event("e1", at=1)] * 20)

    counted = settle(ids, providers=TOYS)

    assert counted == {"recorded": 1, "duplicate": 19}
    assert len(ledger(source)) == 1


def test_F38_an_older_version_is_superseded() -> None:
    source = make_source()
    old, new = put(source, sale_event("e1", at=1, total="1"), sale_event("e2", at=2, total="2"))

    settle([new], providers=TOYS)
    settle([old], providers=TOYS)

    assert outcomes_of(source) == ["recorded", "superseded"]
    assert [str(sale["total"]) for sale in sales(source)] == ["2.0000"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_F36_one_key_with_two_bodies_lets_both_take_part(order: tuple[int, int]) -> None:
    source = make_source()
    ids = put(source, sale_event("e1", at=1, total="1"), sale_event("e1", at=2, total="2"))

    for index in order:
        settle([ids[index]], providers=TOYS)

    assert len(ledger(source)) == 2
    assert [str(sale["total"]) for sale in sales(source)] == ["2.0000"]


def test_events_of_one_delivery_settle_independently() -> None:
    source = make_source()
    ids = put(source, [sale_event("e1"), {"id": "e2", "type": "unrecognised"}, sale_event("e3")])

    settle(ids, providers=TOYS)

    assert sorted(outcomes_of(source)) == ["dead", "recorded", "superseded"]
    letter = dead_letters(source)[0]
    assert (letter.position, letter.type, letter.key) == (1, "unrecognised", "e2")
    assert (letter.reason, letter.path) == ("not an amount", "sale.total")


def test_a_thin_event_asks_once_for_its_entity() -> None:
    source = make_source()
    ids = put(source, *({"id": f"e{n}", "type": "read", "sale": "s1"} for n in range(3)))

    settle(ids[:2], providers=TOYS)
    settle(ids[2:], providers=TOYS)

    with scoped([source.account_id]):
        asked = list(Fetch.objects.values_list("kind", "external_id", "cause"))
    assert asked == [("order", "s1", ids[2])]


def test_F28_a_bug_is_tried_five_times_and_never_harms_its_neighbours() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"), {"id": "e2", "type": "bug"}, sale_event("e3"))

    first = settle(ids, providers=TOYS)
    after = [settle(ids, providers=TOYS) for _ in range(5)]

    assert first.total() == 2
    assert after == [{}, {}, {}, {"dead": 1}, {}]
    letter = dead_letters(source)[0]
    assert letter.reason.startswith("ValueError at settling.py:")
    assert "secret" not in letter.reason
    assert inbox_rows() == []


def test_the_last_attempt_records_the_good_events_beside_a_bug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SETTLE_ATTEMPTS", "2")
    source = make_source()
    ids = put(source, [sale_event("e1"), {"id": "e2", "type": "bug"}])

    settle(ids, providers=TOYS)
    counted = settle(ids, providers=TOYS)

    assert counted == {"recorded": 1, "dead": 1}


def test_a_batch_with_one_unstorable_delivery_is_bisected() -> None:
    source = make_source()
    bodies = [sale_event(f"e{n}", sale=f"s{n}") for n in range(8)]
    bodies[5]["total"] = "99999999999999999"
    ids = put(source, *bodies)

    counted = settle(ids, providers=TOYS)

    assert counted == {"recorded": 7}
    assert [(row[0], row[1]) for row in inbox_rows()] == [(ids[5], 1)]
    for _ in range(4):
        settle(ids, providers=TOYS)
    assert [letter.delivery_id for letter in dead_letters(source)] == [ids[5]]


def test_a_dead_letter_is_closed_when_its_delivery_settles() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    with scoped([source.account_id]):
        DeadLetter.objects.create(
            account_id=source.account_id, source=source, delivery_id=ids[0], position=0, reason="?"
        )

    settle(ids, providers=TOYS)

    with scoped([source.account_id]):
        assert DeadLetter.objects.get().closed_by == "settled"


def test_what_was_dead_is_read_again_when_it_comes_again() -> None:
    source = make_source()
    body = {"id": "e1", "type": "unrecognised"}
    ids = put_apart(source, body, body)

    settle(ids[:1], providers=TOYS)
    settle(ids[1:], providers=TOYS)

    assert outcomes_of(source) == ["dead", "dead"]
    assert ledger(source) == []


def test_a_delivery_at_its_sixth_attempt_is_buried_without_being_run() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ingest_inbox SET attempts = 5")

    counted = settle(ids, providers=TOYS)

    assert counted == {"dead": 1}
    assert dead_letters(source)[0].reason == "process died"
    assert sales(source) == []


def test_a_claimed_delivery_is_left_alone_until_its_lease_ends() -> None:
    source = make_source()
    ids = put(source, sale_event("e1"))
    inbox.claim(ids)

    during = settle(ids, providers=TOYS)
    make_due()
    after = settle(ids, providers=TOYS)

    assert (during, after) == ({}, {"recorded": 1})


def test_who_lost_the_lease_leaves_the_delivery_to_its_new_settler() -> None:
    from tasks import inbox

    source = make_source()
    ids = put(source, sale_event("e1"))
    slow = inbox.claim(ids)
    make_due()
    inbox.claim(ids, tried=9)

    assert _settle(slow, How(TOYS)) == {}
    assert inbox_rows()[0][1] == 2


def test_inside_a_request_everything_settles_or_nothing_is_staged() -> None:
    source = make_source()

    with scoped([source.account_id]):
        counted = settle_inside(put(source, sale_event("e1")), providers=TOYS)
    with pytest.raises(PayloadUnrecognised), scoped([source.account_id]):
        settle_inside(put(source, {"id": "e2", "type": "unrecognised"}), providers=TOYS)

    assert counted == {"recorded": 1}
    assert outcomes_of(source) == ["recorded"]
    assert inbox_rows() == []


def test_settling_refuses_to_run_inside_a_transaction() -> None:
    ids = put(make_source(), sale_event("e1"))

    with pytest.raises(RuntimeError), transaction.atomic():
        settle(ids, providers=TOYS)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_undated_events_are_ordered_by_first_receipt_in_whatever_order_they_settle(
    order: tuple[int, ...],
) -> None:
    source = make_source()
    old, new = sale_event("e1", total="1"), sale_event("e2", total="2")
    ids = put_apart(source, old, new, old)

    for index in order:
        settle([ids[index]], providers=TOYS)

    assert [str(sale["total"]) for sale in sales(source)] == ["2.0000"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_same_body_under_another_key_is_another_event(order: tuple[int, ...]) -> None:
    source = make_source()
    one, other = sale_event("", total="1"), sale_event("", total="2")
    ids = [
        put(source, body, headers=b"x-key: " + key + b"\r\n")[0]
        for key, body in ((b"k1", one), (b"k2", other), (b"k3", one))
    ]

    for index in order:
        settle([ids[index]], providers=TOYS)

    assert [str(sale["total"]) for sale in sales(source)] == ["1.0000"]
    assert len(ledger(source)) == 3


def test_a_heavy_batch_is_settled_in_portions_and_a_heavy_delivery_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, portions = make_source(), []
    # Of 1 000 bytes at most: three of 300 and a few, one of 2 000, two of 300.
    sizes = [300, 300, 300, 2000, 300, 300]
    ids = put(source, *[sale_event(f"e{n}", pad="x" * size) for n, size in enumerate(sizes)])
    monkeypatch.setenv("SETTLE_BYTES", "1000")
    whole = batch.settle

    def noted(loaded: Sequence[Loaded], how: How) -> Counter[str]:
        portions.append([len(one.delivery.body) for one in loaded])
        return whole(loaded, how)

    monkeypatch.setattr(batch, "settle", noted)
    counted = settle(ids, providers=TOYS)

    assert sum(counted.values()) == len(sizes)
    assert [len(one) for one in portions if sum(one) > 1000] == [1]
    assert max(map(len, portions)) > 1
    assert sorted(outcomes_of(source)) == ["recorded", *["superseded"] * 5]
    assert inbox_rows() == []
