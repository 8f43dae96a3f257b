"""Rejected deliveries are kept in bounds, sealed, and off the request's path."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Source
from accounts.rls import scoped
from ingest.crypto import Vault
from ingest.headers import encode
from ingest.models import Rejection
from ingest.quarantine import BODY_BYTES, Rejected, pack, unpack
from tests.hearing import Address, Running, database_url, make_source, owner, receiver, staged
from tests.receiver_providers import HEADER

pytestmark = pytest.mark.django_db(transaction=True)

BODY = b'{"token": "canary-body"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("receiver")
    with receiver(folder, GJANGO_SOURCE_CACHE_SECONDS="0.01") as running:
        yield running


@pytest.fixture
def shop() -> Address:
    return make_source()


def rejections(shop: Address) -> list[Rejection]:
    with scoped([shop.account_id]):
        return list(Rejection.objects.order_by("id"))


def kept(shop: Address, count: int = 1) -> list[Rejection]:
    """Wait until so many rejections are there: nobody's request waits for them."""
    deadline = time.monotonic() + 20
    while len(found := rejections(shop)) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(found) == count
    return found


def keep(shop: Address, body: bytes = b"x", **columns: object) -> int:
    values = {
        "account": shop.account_id,
        "source": shop.source_id,
        "reason": "signature_invalid",
        "sealed": body,
        **columns,
    }
    with psycopg.connect(database_url()) as direct:
        row = direct.execute(
            "SELECT keep_rejection(%(account)s, %(source)s, %(reason)s, '', '', 'POST', '',"
            " %(sealed)s, 1::bigint, ''::bytea)",
            values,
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_bad_signature_is_401_and_kept_with_its_signature_and_without_credentials(
    server: Running, shop: Address
) -> None:
    given = {HEADER: "wrong", "authorization": "canary-auth", "x-password": "canary-own"}
    answer = server.http.post(f"{shop.path}/x?q=canary-query", content=BODY, headers=given)

    assert answer.status_code == 401
    (one,) = kept(shop)
    assert (one.reason, one.method, one.path, one.size) == (
        "signature_invalid",
        "POST",
        "/x",
        len(BODY),
    )
    assert one.address == "127.0.0.1"
    assert b"canary" not in bytes(one.sealed)
    came = unpack(Vault(settings.GJANGO_KEYS).unseal(one.sealed))
    assert (came.query, came.body, came.headers[HEADER]) == (b"q=canary-query", BODY, "wrong")
    assert not {"authorization", "x-password"} & came.headers.keys()
    assert staged(shop) == []


def test_strangers_addresses_and_genuine_deliveries_leave_nothing(
    server: Running, shop: Address
) -> None:
    assert server.http.post("/hooks/" + "x" * 43, content=BODY).status_code == 404
    assert server.http.post(shop.path, content=BODY, headers=shop.signed(BODY)).status_code == 200

    server.http.post(shop.path, content=b"last")
    (one,) = kept(shop)
    assert one.size == 4


def test_of_a_long_body_only_its_size_is_kept(server: Running, shop: Address) -> None:
    body = b"x" * (BODY_BYTES + 1)

    assert server.http.post(shop.path, content=body).status_code == 401

    (one,) = kept(shop)
    assert one.size == len(body)
    assert unpack(Vault(settings.GJANGO_KEYS).unseal(one.sealed)).body == b""


def test_a_flood_of_bad_signatures_costs_the_database_a_few_rows(
    tmp_path: Path, shop: Address
) -> None:
    with receiver(tmp_path, GJANGO_QUARANTINE_PER_MINUTE="3") as server:
        codes = {server.http.post(shop.path, content=b"%d" % n).status_code for n in range(60)}

        assert codes == {401}
        kept(shop, 3)
        time.sleep(0.3)
    assert len(rejections(shop)) <= 4


def test_a_quarantine_that_cannot_write_delays_and_fails_no_answer(
    tmp_path: Path, shop: Address
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(receiver(tmp_path))
        held = stack.enter_context(owner())
        held.execute("BEGIN")
        held.execute("LOCK TABLE ingest_rejection")
        started = time.monotonic()
        codes = {server.http.post(shop.path, content=BODY).status_code for _ in range(10)}
        signed = server.http.post(shop.path, content=BODY, headers=shop.signed(BODY))
        took = time.monotonic() - started
        held.execute("ROLLBACK")

    assert codes == {401}
    assert signed.status_code == 200
    assert took < 5


def test_fifty_of_a_source_are_kept_the_newest_and_others_are_left_alone(shop: Address) -> None:
    other = make_source(slug="other")
    keep(other)

    made = [keep(shop) for _ in range(53)]

    assert [one.pk for one in rejections(shop)] == made[3:]
    assert len(rejections(other)) == 1


def test_all_sources_together_are_bounded(shop: Address) -> None:
    with owner() as direct:
        direct.execute(
            "INSERT INTO ingest_rejection (account_id, source_id, at, reason, detail, address,"
            " method, path, sealed, size, sha256)"
            " SELECT %s, %s, now(), '', '', '', '', '', '', 0, '' FROM generate_series(1, 2100)",
            [shop.account_id, shop.source_id],
        )
    other = make_source(slug="other")

    keep(other)

    with owner() as direct:
        (count,) = direct.execute("SELECT count(*) FROM ingest_rejection").fetchone() or (0,)
    assert count <= 2000
    assert len(rejections(other)) == 1


def test_a_rejection_of_another_account_or_beyond_the_size_is_refused(shop: Address) -> None:
    other = make_source(slug="other")

    with psycopg.connect(database_url()) as direct:
        row = direct.execute(
            "SELECT keep_rejection(%s, %s, '', '', '', '', '', '', 0::bigint, '')",
            [other.account_id, shop.source_id],
        ).fetchone()
    assert row == (None,)
    with pytest.raises(psycopg.errors.CheckViolation):
        keep(shop, b"x" * 131_073)
    assert rejections(shop) == []


def test_the_application_cannot_write_rejections_past_the_door(shop: Address) -> None:
    for statement in (
        "INSERT INTO ingest_rejection (source_id) VALUES (1)",
        "UPDATE ingest_rejection SET path = ''",
        "TRUNCATE ingest_rejection",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


def test_rejections_are_forgotten_after_seven_days(shop: Address) -> None:
    old, young = keep(shop), keep(shop)
    with owner() as direct:
        for identifier, age in ((old, "7 days 1 minute"), (young, "6 days 23 hours")):
            direct.execute(
                "UPDATE ingest_rejection SET at = now() - %s::interval WHERE id = %s",
                [age, identifier],
            )

    with connection.cursor() as cursor:
        cursor.execute("SELECT expire_rejections()")
        assert cursor.fetchone() == (1,)

    assert [one.pk for one in rejections(shop)] == [young]


def test_a_source_goes_with_its_rejections(shop: Address) -> None:
    keep(shop)

    with scoped([shop.account_id]):
        Source.objects.get(pk=shop.source_id).delete()

    assert rejections(shop) == []


@given(
    st.binary(max_size=50).filter(lambda query: b"\r" not in query and b"\n" not in query),
    st.dictionaries(st.from_regex(r"[a-w][a-z-]{0,9}", fullmatch=True), st.just("v, w")),
    st.binary(max_size=100),
)
def test_what_is_packed_is_unpacked_as_it_came(
    query: bytes, headers: dict[str, str], body: bytes
) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    block = encode(pairs)
    came = unpack(pack(Rejected(1, 2, "", "", "", "POST", "", query, block, body)))

    assert (came.query, came.header_block, came.body) == (query, block, body)


@pytest.fixture
def listed() -> Callable[[object], Address]:
    def make(value: object) -> Address:
        return make_source(settings={"allow_ips": value})

    return make


@pytest.mark.parametrize(
    ("value", "client", "status"),
    [
        (["203.0.113.0/24"], "203.0.113.9", 200),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", 200),
        (["203.0.113.0/24", "2001:db8::/32"], "2001:db8::1", 200),
        (["203.0.113.0/24"], "203.0.114.9", 401),
        (["203.0.113.0/24"], "203.0.113.9, 198.51.100.1", 401),
        (["203.0.113.0/24"], "no address", 401),
        (["127.0.0.1"], "", 200),
        ([], "", 401),
        (["nonsense"], "", 401),
        ("127.0.0.1", "", 401),
    ],
)
def test_a_source_hears_only_the_addresses_it_lists(
    server: Running,
    listed: Callable[[object], Address],
    value: object,
    client: str,
    status: int,
) -> None:
    shop = listed(value)
    forwarded = {"x-forwarded-for": client} if client else {}

    answer = server.http.post(shop.path, content=BODY, headers={**shop.signed(BODY), **forwarded})

    assert answer.status_code == status
    if status == 401:
        assert answer.json()["code"] == "address_refused"
        (one,) = kept(shop)
        assert one.reason == "address_refused"
        assert one.address == (client.rsplit(", ", maxsplit=1)[-1] or "127.0.0.1")
