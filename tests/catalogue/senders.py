"""Senders that repeat until they are acknowledged, and remember what was."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from .till import Till, sale


def send(shop: Till, body: bytes) -> tuple[int, float]:
    """Send once; return the status and the seconds it took. A 503 says when to come again."""
    begun = time.monotonic()
    answer = shop.post(body)
    if answer.status_code == 503:
        assert 2 <= int(answer.headers["retry-after"]) <= 10
    return answer.status_code, time.monotonic() - begun


def recovers(shop: Till, body: bytes, seconds: float = 20) -> bool:
    """Say whether a body is acknowledged in time."""
    deadline = time.monotonic() + seconds
    while send(shop, body)[0] != 200:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@dataclass(slots=True)
class Sender:
    """Sends body after body as a provider does, and remembers what was acknowledged."""

    shop: Till
    acknowledged: list[bytes] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            body = sale(f"{threading.get_ident()}-{number}")
            try:
                answered = self.shop.post(body).status_code
            except httpx.TransportError:
                answered = 0
            self.statuses.add(answered)
            if answered == 200:
                self.acknowledged.append(body)
            else:
                time.sleep(0.05)


@contextmanager
def sending(shop: Till, senders: int = 3) -> Iterator[list[Sender]]:
    """Let senders send for as long as the block lasts."""
    all_of_them = [Sender(shop) for _ in range(senders)]
    threads = [threading.Thread(target=one.run) for one in all_of_them]
    for thread in threads:
        thread.start()
    try:
        yield all_of_them
    finally:
        for one in all_of_them:
            one.ended.set()
        for thread in threads:
            thread.join(30)
