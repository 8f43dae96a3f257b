"""The load: signed receipts of about 1 KB with 8 lines, each a sale of its own."""

import base64
import hashlib
import hmac
import itertools
import json
import time

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
    envelope = {"type": "sale.created", "timestamp": now, "data": sale}
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def requests(path: str, secret: str, count: int) -> list[bytes]:
    """Return so many signed requests (Standard Webhooks v1), ready to be written to a socket."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return [_request(path, key, next(_NUMBERS)) for _ in range(count)]


def _request(path: str, key: bytes, number: int) -> bytes:
    content, name, now = body(number), f"msg_{number}", str(int(time.time()))
    text = b".".join((name.encode(), now.encode(), content))
    proof = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"webhook-id: {name}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,{proof}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
