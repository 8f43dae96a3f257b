"""Rows into staging: one statement, ids in order, one bad row fails alone, bounds of memory."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import closing
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, transaction

from accounts.rls import scoped
from ingest.limits import Limits
from ingest.models import Brought, Delivery, Inbox
from ingest.staging import OrderLost, Row, in_order, stage
from ingest.writer import NotStaged, Writer
from tests.hearing import Address, database_url, make_source, staged


def row(shop: Address, body: bytes, path: str = "") -> Row:
    digest = hashlib.sha256(body).digest()
    return Row(
        shop.account_id, shop.source_id, "push", "POST", path, b"", "", b"h: v\r\n", body, digest
    )


def write(
    use: Callable[[Writer], Awaitable[None]],
    limits: Limits | None = None,
    on_staged: Callable[[list[UUID]], None] | None = None,
) -> None:
    """Run a writer against the test database around a coroutine."""

    async def whole() -> None:
        writer = Writer(database_url(), limits or Limits(), on_staged=on_staged)
        writer.start()
        try:
            await use(writer)
        finally:
            await writer.close()

    asyncio.run(whole())


@pytest.mark.django_db(transaction=True)
def test_staging_in_the_callers_transaction_gives_ids_in_order_and_rolls_back_with_it() -> None:
    shop = make_source()
    rows = [row(shop, b"%d" % n) for n in range(300)]

    with scoped([shop.account_id]), connection.cursor() as cursor:
        ids = stage(cursor, rows)
        kept = Delivery.objects.in_bulk(ids)
        assert [bytes(kept[one].body) for one in ids] == [one.body for one in rows]
        assert stage(cursor, []) == []
        transaction.set_rollback(True)

    assert staged(shop) == []
    assert Inbox.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_what_some_rows_bring_is_kept_with_them_and_the_others_are_as_ever() -> None:
    shop = make_source()
    plain = [row(shop, b"%d" % n) for n in range(3)]
    rows = [plain[0], plain[1]._replace(merchant="anna", brought=b"sealed"), plain[2]]

    with scoped([shop.account_id]), connection.cursor() as cursor:
        ids = stage(cursor, rows, held=[shop.source_id])
        kept = Delivery.objects.in_bulk(ids)
        (brought,) = Brought.objects.all()

    assert [bytes(kept[one].body) for one in ids] == [b"0", b"1", b"2"]
    assert (brought.delivery_id, brought.merchant) == (ids[1], "anna")
    assert bytes(brought.value_encrypted) == b"sealed"
    assert bytes(brought.sha256) == rows[1].sha256
    assert brought.received_at == kept[ids[1]].received_at
    assert Inbox.objects.filter(due_at__gt="2100-01-01T00:00:00Z").count() == 3


@pytest.mark.django_db(transaction=True)
def test_staging_with_a_plain_cursor_of_psycopg_does_the_same() -> None:
    shop = make_source()

    with closing(psycopg.connect(database_url())) as own, own.cursor() as cursor:
        (identifier,) = stage(cursor, [row(shop, b"x")], held=[shop.source_id])
        own.commit()

    assert [one.id for one in staged(shop)] == [identifier]
    with connection.cursor() as cursor:
        cursor.execute("SELECT due_at = 'infinity' FROM ingest_inbox")
        assert cursor.fetchall() == [(True,)]


def test_ids_returned_in_another_order_still_go_to_their_rows() -> None:
    shop = Address(1, 1, "")
    rows = [row(shop, body) for body in (b"a", b"b", b"a")]
    ids = [uuid4() for _ in rows]
    back = [(identifier, one.sha256) for identifier, one in zip(ids, rows, strict=True)]

    assert in_order(rows, back) == ids
    swapped = in_order(rows, [back[1], back[0], back[2]])
    assert swapped[1] == ids[1]
    assert {swapped[0], swapped[2]} == {ids[0], ids[2]}
    with pytest.raises(OrderLost):
        in_order(rows, [(ids[0], b"another digest"), *back[1:]])


@pytest.mark.django_db(transaction=True)
def test_one_row_that_cannot_be_stored_fails_alone() -> None:
    shop = make_source()
    rung: list[list[UUID]] = []

    async def use(writer: Writer) -> None:
        bad = {3, 40}
        rows = [row(shop, b"%d" % n, "\x00" if n in bad else "") for n in range(64)]
        ends = await asyncio.gather(*map(writer.submit, rows), return_exceptions=True)
        failed = {n for n, end in enumerate(ends) if isinstance(end, NotStaged)}
        assert failed == bad

    write(use, on_staged=rung.append)

    assert len(staged(shop)) == 62
    assert sorted(one for batch in rung for one in batch) == [one.id for one in staged(shop)]


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_bounded_in_rows_and_bytes() -> None:
    shop = make_source()
    rung: list[list[UUID]] = []

    async def use(writer: Writer) -> None:
        await asyncio.gather(*(writer.submit(row(shop, b"%d" % n)) for n in range(25)))
        await asyncio.gather(*(writer.submit(row(shop, b"x" * 900 + b"%d" % n)) for n in range(4)))

    write(use, Limits(batch_rows=10, batch_bytes=8_000), rung.append)

    sizes = [len(batch) for batch in rung]
    assert sum(sizes) == 29
    assert max(sizes) <= 10


@pytest.mark.django_db(transaction=True)
def test_F30_a_full_queue_refuses_at_once_in_rows_and_in_bytes() -> None:
    shop = make_source()

    async def use(writer: Writer) -> None:
        first = [writer.submit(row(shop, b"x" * 400)) for _ in range(3)]
        with pytest.raises(NotStaged, match="queue_full"):
            writer.submit(row(shop, b"one more"))
        await asyncio.gather(*first)
        await writer.submit(row(shop, b"taken again"))

    write(use, Limits(queue_rows=3))
    write(use, Limits(queue_bytes=1500))


@pytest.mark.django_db(transaction=True)
def test_closing_writes_what_is_queued_and_then_refuses() -> None:
    shop = make_source()
    waiting: list[asyncio.Future[UUID]] = []

    async def use(writer: Writer) -> None:
        waiting.extend(writer.submit(row(shop, b"%d" % n)) for n in range(20))
        await writer.close()
        assert all(one.done() for one in waiting)
        with pytest.raises(NotStaged, match="shutting_down"):
            writer.submit(row(shop, b"late"))

    write(use)

    assert len(staged(shop)) == 20


@pytest.mark.django_db(transaction=True)
def test_held_rows_ring_no_bell_and_a_bell_that_breaks_fails_no_row() -> None:
    shop = make_source()
    rung: list[list[UUID]] = []

    def ring(ids: list[UUID]) -> None:
        rung.append(ids)
        raise RuntimeError("the bell is broken")

    async def use(writer: Writer) -> None:
        await writer.submit(row(shop, b"held"), held=True)
        assert rung == []
        await writer.submit(row(shop, b"due"))

    write(use, on_staged=ring)

    assert [len(batch) for batch in rung] == [1]


@pytest.mark.django_db(transaction=True)
def test_two_writers_stage_everything_once() -> None:
    shop = make_source()

    async def use(writer: Writer) -> None:
        rows = [row(shop, b"%d" % n) for n in range(500)]
        ids = await asyncio.gather(*map(writer.submit, rows))
        assert len(set(ids)) == 500

    write(use, Limits(writers=2, batch_rows=20))

    assert len(staged(shop)) == 500
