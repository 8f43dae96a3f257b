"""How each provider proves a delivery: a few lines of our own, none of the product's."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

from .model import Message

Sign = Callable[[Message, str, str, float], dict[str, str]]


def _mac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()


def _standard(message: Message, secret: str, _url: str, skew: float) -> dict[str, str]:
    now = str(int(time.time() + skew))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = b".".join((message.key.encode(), now.encode(), message.body))
    return {
        "webhook-id": message.key,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{_mac(key, text)}",
    }


def _square(message: Message, secret: str, url: str, _skew: float) -> dict[str, str]:
    return {"x-square-hmacsha256-signature": _mac(secret.encode(), url.encode() + message.body)}


def _shopify(message: Message, secret: str, _url: str, _skew: float) -> dict[str, str]:
    return {"X-Shopify-Hmac-SHA256": _mac(secret.encode(), message.body)}


def _evotor(_message: Message, secret: str, _url: str, _skew: float) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


#: Provider → (message, secret, address, seconds by which the sender's clock is wrong) → headers.
SIGN: Mapping[str, Sign] = {
    "standard": _standard,
    "square": _square,
    "shopify": _shopify,
    "evotor": _evotor,
}
