"""Ids of deliveries: UUIDv7 by the server from 18 on, by a function of our own before."""

import time
from uuid import RFC_4122, UUID

import pytest
from django.db import connection

#: 48 bits of milliseconds, the version, 12 bits of the millisecond's fraction.
_CLOCK = slice(0, 16)
MADE = 5_000


def made() -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT new_delivery_id() FROM generate_series(1, %s)", [MADE])
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
def test_ids_are_valid_and_each_is_new() -> None:
    ids = made()

    assert {(one.version, one.variant) for one in ids} == {(7, RFC_4122)}
    assert len(set(ids)) == MADE


@pytest.mark.django_db
def test_ids_follow_the_clock_within_a_millisecond_too() -> None:
    before = time.time()
    ids = made()
    after = time.time()

    clocks = [one.hex[_CLOCK] for one in ids]
    assert clocks == sorted(clocks)
    assert len(set(clocks)) > len({one.hex[:12] for one in ids})
    assert before - 1 <= int(ids[0].hex[:12], 16) / 1000 <= after + 1
