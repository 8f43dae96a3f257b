"""200 deliveries of four tills, shuffled and repeated, while everything is killed once."""

import json
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.stack import Stack, running

from .day import HERE, SIGN, Message, day, deliver, post, repeated

RECEIPTS, DELIVERIES, TAMPERED = 10, 200, 10
#: What is ended, and how: the workers, the receiver and Valkey by SIGKILL, PostgreSQL stopped.
FAULTS = (
    ("dramatiq", signal.SIGKILL),
    ("granian", signal.SIGKILL),
    ("valkey-server", signal.SIGKILL),
    ("postgres -D", signal.SIGINT),
)


def _sources(stack: Stack) -> dict[str, dict[str, Any]]:
    rows = {}
    for provider in SIGN:
        extra = ["--secret", f"{provider}-secret"] if provider in {"square", "shopify"} else []
        rows[provider] = stack.manage_json("source", "add", provider, "--account", "shop", *extra)
        rows[provider].setdefault("secret", f"{provider}-secret")
        if extra:
            rows[provider]["secret"] = extra[1]
    return rows


def _faults(stack: Stack, done: threading.Event, struck: list[str]) -> None:
    for word, number in FAULTS:
        if done.wait(2.5):
            return
        if stack.kill(word, number):
            struck.append(word)


def _send_all(
    messages: list[Message], tampered: list[Message], sources: dict[str, dict[str, Any]]
) -> tuple[list[list[int]], list[int]]:
    def genuine(message: Message) -> list[int]:
        time.sleep(0.5)  # eight senders: the day lasts as long as the faults do
        source = sources[message.provider]
        return deliver(message, source["url"], source["secret"])

    def forged(message: Message) -> int:
        source = sources[message.provider]
        proof = SIGN[message.provider](message, source["secret"], source["url"])
        if message.provider == "evotor":
            return post(message, source["url"], {"Authorization": "Bearer somebody-elses"})
        return post(replace(message, body=message.body[:-2] + b" }"), source["url"], proof)

    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(forged, message) for message in tampered]
        refused = [future.result() for future in first]
        return list(pool.map(genuine, messages)), refused


def _pages(stack: Stack, path: str, token: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    link: str | None = f"{path}?limit=7"
    while link:
        status, page = stack.get(link, token)
        assert status == 200, page
        rows += page["results"]
        link = page["next"]
    return rows


def _expected() -> list[dict[str, Any]]:
    text = json.loads((HERE / "expected.json").read_text())["sales"]
    numbers = [f"{1000 + index:04d}" for index in range(RECEIPTS)]
    return [
        json.loads(json.dumps(row).replace("%N%", number)) for row in text for number in numbers
    ]


def _as_expected(row: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return of a sale what the expectation names; parts are counted."""
    shown = {**row, "provider": row["source"]["provider"], "why": wanted["why"]}
    counted = {part: len(row[part]) for part in ("lines", "payments", "refunds")}
    return {key: {**shown, **counted}[key] for key in wanted}


@pytest.mark.timeout(240)
def test_two_hundred_deliveries_under_fire_become_exactly_the_sales_worked_out_by_hand() -> None:
    chance = random.Random(20260914)
    messages = repeated(day(RECEIPTS), DELIVERIES, chance)
    tampered = chance.sample(messages, TAMPERED)
    with running() as stack:
        sources = _sources(stack)
        token = stack.manage_json("token", "add", "--account", "shop", "--role", "analyst")["token"]
        done, struck = threading.Event(), list[str]()
        faults = threading.Thread(target=_faults, args=(stack, done, struck))

        faults.start()
        statuses, refused = _send_all(messages, tampered, sources)
        done.set()
        faults.join()
        stack.wait_ready()
        stack.wait_settled()

        assert struck == [word for word, _ in FAULTS]
        assert refused == [401] * TAMPERED
        assert {status for tries in statuses for status in tries} <= {200, 503, 0}
        rows = {
            (row["source"]["provider"], row["external_id"]): row
            for row in _pages(stack, "/sales/", token)
        }
        expected = _expected()
        assert len(rows) == len(expected) == RECEIPTS * 4
        for wanted in expected:
            row = rows[wanted["provider"], wanted["external_id"]]
            assert _as_expected(row, wanted) == wanted
        assert len(_pages(stack, "/refunds/", token)) == RECEIPTS * 4
        assert "FAILED" not in stack.manage("verify")
        assert not stack.manage_json("rebuild")["differs"]
