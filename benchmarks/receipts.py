"""The load: signed receipts of about 1 KB with 8 lines, each a sale of its own."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping

_NUMBERS = itertools.count(int(time.time() * 1000) % 10**9 * 1000)
_NAMES = ("Капучино", "Круассан", "Эспрессо", "Сок", "Латте", "Эклер", "Чай", "Вода")


def body(number: int) -> bytes:
    """Return one receipt: 8 lines of 1 to 8 x 110.00, paid in cash; about 1.3 KB."""
    lines = [
        {
            "product_id": f"p-{index}",
            "name": name,
            "quantity": str(index + 1),
            "unit_price": "110.00",
            "total": f"{(index + 1) * 110}.00",
        }
        for index, name in enumerate(_NAMES)
    ]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sale = {
        "id": f"bench-{number}",
        "number": str(number),
        "occurred_at": now,
        "currency": "RUB",
        "total": "3960.00",
        "lines": lines,
        "payments": [{"id": f"pay-{number}", "type": "cash", "amount": "3960.00"}],
    }
    return _enveloped(now, sale)


def order(number: int, size: int) -> bytes:
    """Return one receipt of about so many bytes, whose lines say all that a line can."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    one = len(_compact(_full_line(0)))
    lines = [_full_line(index) for index in range(size // one + 1)]
    total = f"{110 * len(lines)}.00"
    sale = {"id": f"order-{number}", "occurred_at": now, "currency": "RUB", "total": total}
    return _enveloped(now, sale | {"lines": lines})


def _full_line(index: int) -> dict[str, object]:
    return {
        "key": f"line-{index}",
        "product": {"id": f"p-{index}", "name": _NAMES[index % 8]},
        "name": f"{_NAMES[index % 8]} {index}",
        "sku": f"A-{index:06}",
        "barcode": f"46004399{index:05}",
        "category": "Напитки и выпечка",
        "unit": "шт",
        "quantity": "1",
        "unit_price": "120.00",
        "gross": "120.00",
        "discount": "10.00",
        "total": "110.00",
        "tax": {"code": "20", "rate": "20", "amount": "18.33", "included": True},
        "unit_cost": "41.5",
        "settlement_method": "full_payment",
        "subject": "good",
        "marking": [f"0104600439931256215Qbag!{index:06}\x1d93Zjqw\x1d91EE06\x1d92{'x' * 44}"],
    }


def _enveloped(now: str, sale: Mapping[str, object]) -> bytes:
    envelope = {"type": "sale.created", "timestamp": now, "data": sale}
    return _compact(envelope)


def _compact(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def requests(path: str, secret: str, count: int) -> list[bytes]:
    """Return so many signed requests (Standard Webhooks v1), ready to be written to a socket."""
    return [request(path, secret, body) for _ in range(count)]


def request(path: str, secret: str, make: Callable[[int], bytes]) -> bytes:
    """Return one signed request with the body that is made for a number of its own."""
    key, number = base64.b64decode(secret.removeprefix("whsec_")), next(_NUMBERS)
    content, name, now = make(number), f"msg_{number}", str(int(time.time()))
    text = b".".join((name.encode(), now.encode(), content))
    proof = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    signed = f"webhook-id: {name}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,{proof}"
    return posted(path, content, "application/json", signed)


def posted(path: str, content: bytes, content_type: str, *headers: str) -> bytes:
    """Return a request with this body, ready to be written to a socket."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {content_type}",
        *headers,
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content
