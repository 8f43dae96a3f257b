"""What only raw sockets can send: half bodies, slow bodies, two lengths, floods of headers."""

import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.hearing import Address, Running, head_of, make_source, receiver, staged

pytestmark = pytest.mark.django_db(transaction=True)

BODY = b'{"type": "sale.created"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Running]:
    with receiver(
        tmp_path_factory.mktemp("receiver"),
        GJANGO_SOURCE_CACHE_SECONDS="0.01",
        GJANGO_BODY_SECONDS="1",
        GJANGO_BODY_BYTES="300000",
    ) as running:
        yield running


@pytest.fixture
def shop() -> Address:
    return make_source()


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    return int(found[1]) if found else 0


def last_of_connection(head: bytes) -> bytes:
    return head.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n")


def test_F48_a_chunked_body_without_a_length_is_taken(server: Running, shop: Address) -> None:
    head = last_of_connection(head_of(shop, BODY, "Transfer-Encoding: chunked"))
    chunks = b"5\r\n%b\r\n%x;note=1\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (
        BODY[:5],
        len(BODY) - 5,
        BODY[5:],
    )

    assert status(server.raw(head + chunks)) == 200
    assert [bytes(one.body) for one in staged(shop)] == [BODY]


def test_http_1_0_and_put_are_taken(server: Running, shop: Address) -> None:
    head = head_of(shop, BODY, f"Content-Length: {len(BODY)}", method="PUT")
    answer = server.raw(head.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: x\r\n", b"") + BODY)

    assert status(answer) == 200
    assert [one.method for one in staged(shop)] == ["PUT"]


def test_a_sender_that_expects_to_be_asked_is_asked(server: Running, shop: Address) -> None:
    head = head_of(shop, BODY, f"Content-Length: {len(BODY)}", "Expect: 100-continue")

    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(head)
        assert client.recv(1000).startswith(b"HTTP/1.1 100")
        client.sendall(BODY)
        assert status(client.recv(1000)) == 200


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: +3"],
        ["Content-Length: -1"],
        ["Content-Length: 3", "Content-Length: 4"],
        ["Content-Length: 3 3"],
        ["Content-Length : 3"],
        ["Content-Length: 24", "X-Bad: a\x00b"],
        ["Content-Length: 24", "X-Fold: a", " folded"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: nonsense"],
    ],
    ids=lambda lines: " ".join(lines)[:40].replace("\x00", "NUL"),
)
def test_F49_malformed_http_is_400_and_nothing_is_staged(
    server: Running, shop: Address, lines: list[str]
) -> None:
    head = last_of_connection(head_of(shop, BODY, *lines))

    assert status(server.raw(head + b"18\r\n" + BODY + b"\r\n0\r\n\r\n")) == 400
    assert staged(shop) == []


def test_F49_a_length_beside_chunks_cannot_smuggle_a_second_request(
    server: Running, shop: Address
) -> None:
    head = head_of(shop, BODY, "Content-Length: 4", "Transfer-Encoding: chunked")
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    second = head_of(shop, BODY, f"Content-Length: {len(BODY)}") + BODY

    answer = server.raw(head + chunks + second)

    assert status(answer) in (200, 400)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert len(staged(shop)) == (status(answer) == 200)


def test_F52_a_body_that_ends_early_is_not_staged(server: Running, shop: Address) -> None:
    head = head_of(shop, BODY, f"Content-Length: {len(BODY) + 10}")

    assert status(server.raw(head + BODY, end=True)) in (0, 400)
    assert staged(shop) == []


def test_F52_a_slow_body_is_408_and_the_connection_closes(server: Running, shop: Address) -> None:
    head = head_of(shop, BODY, f"Content-Length: {len(BODY)}")

    begun = time.monotonic()
    answer = server.raw(head + BODY[:5], wait=5)

    assert status(answer) == 408
    assert b"connection: close" in answer.lower()
    assert 0.9 < time.monotonic() - begun < 4
    assert server.http.get("/hooks/x").status_code == 404
    assert staged(shop) == []


def test_F53_too_large_is_413_before_a_byte_of_the_body_is_read(
    server: Running, shop: Address
) -> None:
    head = head_of(shop, BODY, "Content-Length: 9900000000")

    answer = server.raw(head)

    assert status(answer) == 413
    assert b"connection: close" in answer.lower()


def test_F53_too_large_without_a_length_is_413_while_reading(
    server: Running, shop: Address
) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b"x" * 50_000 for _ in range(7))

    answer = server.http.post(shop.path, content=parts(), headers=shop.signed(b"x" * 350_000))

    assert answer.status_code == 413
    assert staged(shop) == []


@pytest.mark.parametrize(
    "lines",
    [[f"X-{n}: 1" for n in range(150)], ["X-Long: " + "x" * 20_000]],
    ids=["many", "long"],
)
def test_F55_headers_over_their_bounds_are_431(
    server: Running, shop: Address, lines: list[str]
) -> None:
    head = head_of(shop, BODY, *lines, f"Content-Length: {len(BODY)}")

    assert status(server.raw(head + BODY)) == 431
    assert staged(shop) == []


def test_headers_beyond_8_kb_are_kept_in_part_and_the_delivery_is_taken(
    server: Running, shop: Address
) -> None:
    headers = {**shop.signed(BODY), "x-long": "x" * 9000, "x-topic": "orders"}

    assert server.http.post(shop.path, content=BODY, headers=headers).status_code == 200

    kept = bytes(staged(shop)[0].headers)
    assert b"x-topic: orders" in kept
    assert b"x-long" not in kept


def test_F52_a_connection_that_says_nothing_does_not_hold_up_the_others(
    server: Running, shop: Address
) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for one in silent[:25]:
        one.sendall(b"POST /hooks/")

    answer: httpx.Response = server.http.post(shop.path, content=BODY, headers=shop.signed(BODY))

    assert answer.status_code == 200
    for one in silent:
        one.close()


def test_a_kept_connection_takes_one_delivery_after_the_other(
    server: Running, shop: Address
) -> None:
    request = head_of(shop, BODY, f"Content-Length: {len(BODY)}") + BODY

    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        for _ in range(3):
            client.sendall(request)
            assert status(client.recv(4096)) == 200

    assert len(staged(shop)) == 3


def test_a_refused_large_body_closes_the_connection_and_says_so(
    server: Running, shop: Address
) -> None:
    for _ in range(5):
        answer = server.http.post("/hooks/unknown", content=b"x" * 250_000)
        assert (answer.status_code, answer.headers["connection"]) == (404, "close")

    answer = server.http.post(shop.path, content=BODY, headers=shop.signed(BODY))
    assert answer.status_code == 200
