"""A day of four tills: the deliveries, their signatures, and a sender that behaves as a provider.

The signatures are made here, in a few lines of our own, and not by the product.
"""

import base64
import hashlib
import hmac
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SAMPLES = HERE.parent.parent / "integrations"
#: How long a provider goes on repeating one delivery here, in seconds.
PATIENCE = 90.0


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery before it is signed."""

    provider: str
    method: str
    body: bytes
    headers: Mapping[str, str]
    key: str


def _sample(name: str, *replaced: tuple[str, str]) -> bytes:
    body = (SAMPLES / name).read_bytes().partition(b"\r\n\r\n")[2]
    for old, new in replaced:
        assert old.encode() in body, (name, old)
        body = body.replace(old.encode(), new.encode())
    return body


def _own(name: str, number: str) -> bytes:
    return (HERE / "bodies" / name).read_bytes().replace(b"%N%", number.encode())


def _evotor(number: str) -> list[Message]:
    sale = ("20260914-0B41-40D1-80A1-1F2E3D4C5B61", f"20260914-0B41-40D1-80A1-1F2E3D4C{number}")
    back = ("20260914-0B41-40D1-80A1-1F2E3D4C5B62", f"20260914-0B41-40D1-80A1-1F2E3D4D{number}")
    bodies = [
        _sample("evotor/samples/document_sell__cash.http", sale, ("1042", f"1{number}")),
        _sample(
            "evotor/samples/document_payback__croissant.http", sale, back, ("1043", f"2{number}")
        ),
    ]
    return [Message("evotor", "PUT", body, {}, f"evotor-{number}") for body in bodies]


def _shopify(number: str) -> list[Message]:
    order = ("5678901234567", f"567890123{number}")
    tender = ("6543210987601", f"654321098{number}")
    rows = [
        ("orders/create", "orders_create__pos", [order]),
        ("order_transactions/create", "order_transactions_create__card", [order, tender]),
        (
            "refunds/create",
            "refunds_create__croissant",
            [order, tender, ("890088186047892001", f"89008818604789{number}")],
        ),
    ]
    return [
        Message(
            "shopify",
            "POST",
            _sample(f"shopify/samples/{name}.http", *replaced),
            {
                "X-Shopify-Topic": topic,
                "X-Shopify-Shop-Domain": "demo.myshopify.com",
                "X-Shopify-Event-Id": f"98880550-7158-44d4-b7cd-{number}",
            },
            f"{topic}-{number}",
        )
        for topic, name, replaced in rows
    ]


def _square(number: str) -> list[Message]:
    return [
        Message("square", "POST", _own(f"square_{name}.json", number), {}, f"{name}-{number}")
        for name in ("payment", "refund")
    ]


def _standard(number: str) -> list[Message]:
    return [
        Message("standard", "POST", _own(f"standard_{name}.json", number), {}, f"{name}-{number}")
        for name in ("sale", "changed", "refund")
    ]


def day(receipts: int) -> list[Message]:
    """Return ten messages a receipt: every till's sale, its change, its refund."""
    numbers = [f"{1000 + index:04d}" for index in range(receipts)]
    tills = (_evotor, _shopify, _square, _standard)
    return [message for number in numbers for till in tills for message in till(number)]


def repeated(messages: list[Message], total: int, chance: random.Random) -> list[Message]:
    """Repeat each message one to three times so that there are ``total``; shuffled."""
    copies = dict.fromkeys(range(len(messages)), 1)
    while sum(copies.values()) < total:
        index = chance.randrange(len(messages))
        copies[index] = min(copies[index] + 1, 3)
    sent = [messages[index] for index, count in copies.items() for _ in range(count)]
    chance.shuffle(sent)
    return sent


def _hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _sign_standard(message: Message, secret: str, _: str) -> dict[str, str]:
    now = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = b".".join((message.key.encode(), now.encode(), message.body))
    return {
        "webhook-id": message.key,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{_hmac(key, text)}",
    }


SIGN: dict[str, Callable[[Message, str, str], dict[str, str]]] = {
    "standard": _sign_standard,
    "square": lambda m, secret, url: {
        "x-square-hmacsha256-signature": _hmac(secret.encode(), url.encode() + m.body)
    },
    "shopify": lambda m, secret, _: {"X-Shopify-Hmac-SHA256": _hmac(secret.encode(), m.body)},
    "evotor": lambda _m, secret, _: {"Authorization": f"Bearer {secret}"},
}


def post(message: Message, url: str, headers: Mapping[str, str]) -> int:
    """Send once; return the status, or 0 where no answer came within 5 s."""
    request = urllib.request.Request(
        url,
        data=message.body,
        method=message.method,
        headers={"Content-Type": "application/json", **message.headers, **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def deliver(message: Message, url: str, secret: str) -> list[int]:
    """Send until it is acknowledged; return every status on the way."""
    statuses: list[int] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        statuses.append(post(message, url, SIGN[message.provider](message, secret, url)))
        if statuses[-1] == 200:
            return statuses
        time.sleep(0.3)
    raise AssertionError(f"{message.key} was never acknowledged: {statuses}")
