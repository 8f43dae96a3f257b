"""Bodies and connections that hold a server up: floods of idle ones, slow ones, bombs, giants."""

import contextlib
import gzip
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.hearing import Running, receiver

from .conftest import APPLICATION
from .counted import Counted
from .till import Till, proof, sale

pytestmark = pytest.mark.django_db(transaction=True)

BODY = sale()
#: Below: what RLIMIT_NOFILE is for a process unless somebody says otherwise.
USUAL_LIMIT, FLOOD = 1024, 1500


@contextlib.contextmanager
def file_limit(soft: int) -> Iterator[None]:
    """Give processes that are started in the block this soft limit of open files."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


@pytest.fixture
def limited(tmp_path: Path, transactional_db: None) -> Iterator[Running]:
    """A receiver that was started with the usual limit."""
    with contextlib.ExitStack() as stack:
        with file_limit(USUAL_LIMIT):
            running = stack.enter_context(
                receiver(tmp_path, application=APPLICATION, GJANGO_BODY_SECONDS="10")
            )
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if 0 < hard < 2 * FLOOD:
            pytest.skip(f"the hard limit of open files is {hard}: `ulimit -Hn {2 * FLOOD}`")
        with file_limit(2 * FLOOD):
            yield running


def flood(server: Running, heads: list[bytes], ended: threading.Event) -> None:
    """Keep ``FLOOD`` connections open, each with a head in turn, and open again what was closed."""
    held: list[socket.socket] = []
    while not ended.wait(0.01):
        while len(held) < FLOOD and not ended.is_set():
            one = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            one.setblocking(False)
            one.sendall(heads[len(held) % len(heads)])
            held.append(one)
        held = [one for one in held if not _was_closed(one)]
    for one in held:
        one.close()


def _was_closed(one: socket.socket) -> bool:
    try:
        closed = one.recv(4096) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        closed = True
    one.close()
    return closed or True


def test_F52_1500_idle_half_and_slow_connections_do_not_stop_other_senders(
    limited: Running,
) -> None:
    """Granian holds them all on one thread: there is no worker that they could block.

    Each is closed by a deadline, and opened again by the flood; others are acknowledged meanwhile.
    """
    till = Till(limited)
    signed = "".join(f"{name}: {value}\r\n" for name, value in proof(BODY).items())
    slow = f"POST {till.path} HTTP/1.1\r\nHost: x\r\n{signed}Content-Length: {len(BODY)}\r\n\r\n"
    heads = [b"", b"POST /hooks/", slow.encode(), slow.encode() + BODY[:10]]
    ended = threading.Event()
    flooding = threading.Thread(target=flood, args=(limited, heads, ended))

    flooding.start()
    try:
        _wait_for_connections(limited, FLOOD * 3 // 4)
        took: list[float] = []
        until = time.monotonic() + 7  # longer than the deadline of a head
        while time.monotonic() < until:
            begun = time.monotonic()
            # A connection of its own: a kept one would prove nothing.
            answer = till.post(BODY, headers={"connection": "close"})
            took.append(time.monotonic() - begun)
            assert answer.status_code == 200
            time.sleep(0.05)
        held = _connections(limited)
    finally:
        ended.set()
        flooding.join()

    assert held > 1000
    assert max(took) < 5
    assert len(till.staged()) == len(took) > 10


def _connections(server: Running) -> int:
    family = [
        server.process.pid,
        *(one.pid for one in psutil.Process(server.process.pid).children()),
    ]
    return sum(
        one.status == psutil.CONN_ESTABLISHED and one.pid in family
        for one in psutil.net_connections("tcp4")
        if one.laddr and one.laddr[1] == server.port
    )


def _wait_for_connections(server: Running, least: int) -> None:
    deadline = time.monotonic() + 30
    while _connections(server) < least:
        assert time.monotonic() < deadline, _connections(server)
        time.sleep(0.2)


def _memory(server: Running) -> int:
    """Return the resident bytes of a server and its workers."""
    master = psutil.Process(server.process.pid)
    return sum(one.memory_info().rss for one in (master, *master.children()))


def test_F54_a_compressed_bomb_is_415_and_never_opened(till: Till) -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    assert till.post(BODY).status_code == 200
    before = _memory(till.server)

    answer = till.post(bomb, headers={"content-encoding": "gzip"})

    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Encoding")
    assert _memory(till.server) - before < 20_000_000
    assert till.staged() == [BODY]


def test_F53_a_body_over_the_cap_is_413_unread_and_counted_as_a_possible_loss(
    till: Till, counted: Counted
) -> None:
    before = counted.value("gjango_deliveries_rejected_total", cause="body_too_large")
    head = f"POST {till.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9900000000\r\n\r\n"

    answer = till.server.raw(head.encode())

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert counted.reaches(before + 1, "gjango_deliveries_rejected_total", cause="body_too_large")
    assert till.staged() == []
