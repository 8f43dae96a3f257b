"""The load: signed receipts of about 1 KB with 8 lines, each a sale of its own."""

import base64
import hashlib
import hmac
import itertools
import json
import time

_NUMBERS = itertools.count(int(time.time() * 1000) % 10**9 * 1000)
_NAMES = ("Капучино", "Круассан", "Эспрессо", "Сок", "Латте", "Эклер", "Чай", "Вода")


def body(number: int, *, times: int = 1) -> bytes:
    """Return one receipt: 8 lines of 1 to 8 x 110.00, paid in cash; about 1.3 KB.

    With ``times`` it has so many times 8 lines.
    """
    lines = times * [
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
        "total": f"{3960 * times}.00",
        "lines": lines,
        "payments": [{"id": f"pay-{number}", "type": "cash", "amount": f"{3960 * times}.00"}],
    }
    envelope = {"type": "sale.created", "timestamp": now, "data": sale}
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def requests(path: str, secret: str, count: int) -> list[bytes]:
    """Return so many signed requests (Standard Webhooks v1), ready to be written to a socket."""
    return [request(path, secret) for _ in range(count)]


def request(path: str, secret: str, *, times: int = 1) -> bytes:
    """Return one signed request with a receipt of its own."""
    key, number = base64.b64decode(secret.removeprefix("whsec_")), next(_NUMBERS)
    content, name, now = body(number, times=times), f"msg_{number}", str(int(time.time()))
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
