"""The open-loop generator tells what it did not send from what the server did not answer."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from benchmarks.openloop import Offered, offer

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 503 Busy\r\n%scontent-length: 2\r\n\r\n{}"


@contextlib.contextmanager
def server(answers: list[bytes], *, after: float = 0.0) -> Iterator[int]:
    """Serve one connection: an answer each so many seconds after its request, then silence."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for answer in answers:
                    if not connection.recv(65536):
                        return
                    time.sleep(after)
                    connection.sendall(answer)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join(30)


def counts(seen: Offered) -> dict[int, int]:
    return {status: len(took) for status, took in seen.took.items() if took}


def test_an_answer_after_the_offer_counts_and_what_waited_for_its_connection_was_not_sent() -> None:
    with server([TAKEN], after=2.0) as port:
        seen = offer(port, [REQUEST], rate=50, seconds=1.0, connections=1)

    assert counts(seen) == {200: 1}
    assert seen.inside[200] == 0
    assert seen.unsent == 49


def test_only_what_was_sent_can_be_without_an_answer() -> None:
    with server([TAKEN, REFUSED % b"retry-after: 7\r\n", REFUSED % b""]) as port:
        seen = offer(port, [REQUEST], rate=20, seconds=1.0, connections=1)

    assert counts(seen) == {200: 1, 503: 2, 0: 1}
    assert seen.unsent == 20 - 4
    assert (seen.waits, seen.bare) == ({7: 1}, 1)
